"""Logs in to what resources ask for, by tasks of its own: a pass never waits for a probe, and a probe changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import SecretStr

from managed_databases.kinds.keeper_views import ProbeView
from managed_databases.probe import Login, ProbeAnswer
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.keepers.right_secret import as_mounted, next_secret, right_secret, serves
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import Kube, KubeError, ResourceCache, ResourceKey
from managed_databases.reconcile.report.probed import REASONS
from managed_databases.reconcile.scheduling.next_look import next_look
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers

AT_A_TIME: Final = 8
"""The most probes at a time; of one datastore only one."""
REST_SECONDS: Final = 600.0
"""Seconds between two probes that log in."""
_PAUSES_SECONDS: Final = (10.0, 30.0, 60.0, 180.0, REST_SECONDS)
"""Seconds after the first failure in a row, the second, and so on; a quarter more at most, which is drawn."""
SETTLED_AFTER: Final = 3
"""Failures in a row after which it is no passing trouble: what was usable counts as usable until then."""

log = structlog.get_logger()

Attempt = Callable[[Login, SecretStr | None], Awaitable[ProbeAnswer]]
"""Logs in once; raises nothing but a cancellation, and is over in seconds."""
Record = Callable[[str, str, float], None]
"""Is told of each probe: the resource's kind, the reason that a condition would have (`ok` for a login), and real seconds."""


@dataclass(frozen=True)
class _Wish:
    """What is to be probed. When it changes, the probe is made at once."""

    login: Login
    secret: tuple[str, str] | None = None
    """The name of the credentials Secret, and the key of the password in it; None without a login."""
    version: str | None = None
    """The Secret's resourceVersion that a pass has found right: no other one's password is sent anywhere."""


@dataclass
class _Known:
    """What is remembered of one resource; may be lost at any instant."""

    wish: _Wish
    answer: ProbeAnswer | None = None
    answered: _Wish | None = None
    """What the answer is about."""
    failures: int = 0
    is_ordered: bool = False
    """Whether a probe is under way, or has its time."""

    def begin_anew(self, wish: _Wish) -> None:
        """A success still counts, so that nothing flaps; a failure was one of what is no more."""
        self.wish, self.failures, self.is_ordered = wish, 0, False
        if self.answer is not None and not self.answer.is_logged_in:
            self.answer = None

    def take(self, answer: ProbeAnswer) -> None:
        self.answer, self.answered = answer, self.wish
        self.failures = 0 if answer.is_logged_in else self.failures + 1

    @property
    def view(self) -> ProbeView:
        is_proven = self.answer is not None and self.answer.is_logged_in and self.answered == self.wish
        return ProbeView(self.wish.login, self.answer, is_proven, self.failures >= SETTLED_AFTER)

    def says(self) -> tuple[object, ...]:
        """Return what a condition shows of the answer."""
        answer = self.answer
        return (answer and (answer.outcome, answer.detail), self.view.is_proven, self.failures >= SETTLED_AFTER)


class Prober:
    """`may_probe` raises KubeError in a process that does not lead; `enqueue` has a pass over a resource."""

    def __init__(
        self,
        cache: ResourceCache,
        kube: Kube,
        clock: Clock,
        attempt: Attempt,
        enqueue: Callable[[ResourceKey, Priority], None],
        *,
        may_probe: Callable[[], Awaitable[None]],
        record: Record,
        draw: Callable[[], float],
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._clock = clock
        self._attempt = attempt
        self._enqueue = enqueue
        self._may_probe = may_probe
        self._record = record
        self._draw = draw
        self._known: dict[ResourceKey, _Known] = {}
        self.queue: WorkQueue[ResourceKey] = WorkQueue(clock, 1, places=AT_A_TIME)
        self._workers = Workers(self.queue, self._run)

    # --- for passes ---

    def look(self, current: Pass, *, is_asked_for: bool = False) -> ProbeView | None:
        """Return what is known of logging in, and have it probed if that is due; None if nobody asks for it.

        To be called once the pass has read the Secrets. `is_asked_for`: a person asks for a new look. Nothing is awaited.
        """
        key, observed = current.resource.key, current.observed
        is_wanted = not observed.deleting and _is_wanted(current)
        if is_wanted is False:
            self.forget(key)
            return None
        wish = self._wish(current) if is_wanted else None
        known = self._known.get(key)
        if wish is None:  # what there is to probe is not usable, or not known, at present
            self._rest(key)
            return ProbeView() if known is None else known.view
        if known is None:
            known = self._known[key] = _Known(wish)
        elif known.wish != wish:
            known.begin_anew(wish)
        if is_asked_for or not known.is_ordered:
            self._probe_now(current, known)
        return known.view

    def forget(self, key: ResourceKey) -> None:
        self._rest(key)
        self._known.pop(key, None)

    def _rest(self, key: ResourceKey) -> None:
        known = self._known.get(key)
        if known is not None and known.is_ordered:
            known.is_ordered = False
            self.queue.remove(key)

    def _probe_now(self, current: Pass, known: _Known) -> None:
        key, known.is_ordered = current.resource.key, True
        project = current.view.name if isinstance(current, PassInProject) else ""
        self.queue.set_share(key, (project, key.namespace))
        self.queue.set_group(key, current.datastore_id or current.observed.status.id)
        self.queue.add(key, Priority.LOW)

    def _wish(self, current: Pass) -> _Wish | None:
        """Return what is to be probed; None while the cloud or the Secret says that nobody can log in."""
        kind, observed = current.kind, current.observed
        login = kind.login(as_mounted(observed)) if serves(current) else None
        if login is None:
            return None
        parents = (observed.refs.get(reference.field) for reference in kind.references if reference.parent)
        if any(parent is None or parent.problem is not None for parent in parents):
            return None  # its namespace may not use the datastore, or nobody can
        if login.user is None or kind.credential is None:
            return _Wish(login)
        secret = next_secret(current) or right_secret(current, self._cache)
        return None if secret is None else _Wish(login, (secret.name, secret.key), secret.version)

    # --- running ---

    async def run(self) -> None:
        """Probe until cancelled."""
        await self._workers.run(AT_A_TIME, "prober")

    async def _run(self, key: ResourceKey, _: Priority) -> None:
        known = self._known.get(key)
        if known is None:
            return
        wish, pause = known.wish, REST_SECONDS
        try:
            answer = await self._answer(key, wish)
        except KubeError:
            pause = _PAUSES_SECONDS[0]
        except Exception:
            log.exception("a probe failed", kind=key.kind, namespace=key.namespace, name=key.name)
        else:
            if self._known.get(key) is not known or known.wish != wish:
                return  # what was probed is no more: a pass has ordered another probe, or none
            if answer is not None:
                before = known.says()
                known.take(answer)
                if known.says() != before:
                    self._enqueue(key, Priority.LOW)
            pause = self._pause_seconds(known)
        if known.is_ordered and self._known.get(key) is known:
            self.queue.add_at(key, self._clock.monotonic() + pause)

    async def _answer(self, key: ResourceKey, wish: _Wish) -> ProbeAnswer | None:
        """Probe; None if the Secret is not the one any more that a pass has found right. Raises KubeError."""
        password: SecretStr | None = None
        if wish.secret is not None:
            name, data_key = wish.secret
            secret = await self._kube.read_secret(key.namespace, name)
            if secret is None or secret.resource_version != wish.version:
                return None  # its change brings a pass, which looks whether the new one is right
            password = secret.data.get(data_key)
            if password is None:
                return None
        await self._may_probe()
        answer = await self._attempt(wish.login, password)
        self._record(key.kind, "ok" if answer.is_logged_in else str(REASONS[answer.outcome]), answer.seconds)
        return answer

    def _pause_seconds(self, known: _Known) -> float:
        if not known.failures:
            now = self._clock.monotonic()
            return next_look(now, REST_SECONDS) - now
        pause = _PAUSES_SECONDS[min(known.failures, len(_PAUSES_SECONDS)) - 1]
        return pause * (1 + self._draw() / 4)


def _is_wanted(current: Pass) -> bool | None:
    """Return whether somebody asks for probes of this resource; None while that is not known."""
    stated, project = current.observed.spec.probes, current.observed.project
    return (None if project is None else project.probes) if stated is None else stated
