"""Restarts the workloads that read a credentials Secret once its login has changed, by tasks of its own: a pass never waits.

What login the workloads have is a hash in the resource's status. It becomes that of the Secret once all workloads are done; until
then each workload that was restarted carries the Secret's hash itself, so that no process restarts it again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from managed_databases.kinds.keeper_views import RestartView
from managed_databases.kinds.rollout_restart import RestartTarget
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.annotations import PAUSED
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.decide import lacking
from managed_databases.reconcile.keepers.logins_of_workloads import (
    RESTARTED_AT,
    is_changed,
    login_digest,
    mark,
    needs_restart,
    seconds_since_restart,
)
from managed_databases.reconcile.keepers.right_secret import RightSecret, right_secret, serves
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.ports import (
    Kube,
    KubeError,
    KubeRefused,
    ResourceCache,
    ResourceKey,
    Workload,
)
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from managed_databases.reconcile.scheduling.workers import Workers

AT_A_TIME: Final = 4
"""The most resources at a time; of the workloads of one resource only one is restarted at a time."""
LOOK_SECONDS: Final = 5.0
"""Seconds between two looks at a workload that is rolled out."""
ROLLOUT_SECONDS: Final = 600.0
"""Seconds after which a workload that is not rolled out holds up the others no longer."""
REST_SECONDS: Final = 600.0
"""Seconds after a refusal, or after a defect, until the next try."""
AWAY_SECONDS: Final = 10.0
"""Seconds after a request that had no answer."""
_LOGIN: Final = ("host", "port", "username", "database")
"""The keys that make up a login, beside the password: all others follow from them, or do not decide whether it succeeds."""
_BROKERS: Final = "bootstrap-servers"
_LOGIN_TO_BROKERS: Final = ("port", "username")
"""Of a Kafka: brokers come and go, and a client that knows one finds the others."""
_KINDS: Final = ("Deployment", "StatefulSet", "DaemonSet")

log = structlog.get_logger()


class _Wish(NamedTuple):
    secret: RightSecret
    targets: tuple[RestartTarget, ...]
    since: str | None
    """The hash of the login that the workloads have, as the status says."""


class _Outcome(NamedTuple):
    """What a run has found. `pause`: seconds until the next one; None if there is none before something changes."""

    pause: float | None
    told: tuple[Reason, str] | None = None
    settled: str | None = None


@dataclass
class _Known:
    """What is remembered of one resource; may be lost at any instant."""

    wish: _Wish
    view: RestartView = field(default_factory=RestartView)
    is_ordered: bool = False
    """Whether a run is under way, has its time, or is not needed before something changes."""
    digest: tuple[str | None, str] | None = None
    """The version of the Secret, and the hash of its login."""
    restarted: set[tuple[str, str]] = field(default_factory=set)
    """Kind and name of the workloads that got this hash by this process, whatever became of their annotation."""
    deadlines: dict[tuple[str, str], float] = field(default_factory=dict)
    waits_for: Workload | None = None

    def has_read(self, version: str | None, digest: str) -> None:
        if self.digest is None or self.digest[1] != digest:
            self.restarted, self.deadlines, self.waits_for = set(), {}, None
        self.digest = version, digest


class Restarter:
    """`enqueue` has a pass over a resource."""

    def __init__(
        self,
        cache: ResourceCache,
        kube: Kube,
        clock: Clock,
        seals: Seals,
        enqueue: Callable[[ResourceKey, Priority], None],
    ) -> None:
        self._cache = cache
        self._kube = kube
        self._clock = clock
        self._seals = seals
        self._enqueue = enqueue
        self._known: dict[ResourceKey, _Known] = {}
        self.queue: WorkQueue[ResourceKey] = WorkQueue(clock, 1, places=AT_A_TIME)
        self._workers = Workers(self.queue, self._run)

    # --- for passes ---

    def look(self, current: Pass, *, is_asked_for: bool = False) -> RestartView | None:
        """Return what is known of restarts, and order what is due; None if nobody asks for them.

        To be called once the pass has read the Secrets. `is_asked_for`: a person asks for a new look. Nothing is awaited.
        """
        key, observed = current.resource.key, current.observed
        if not observed.spec.restarts or observed.deleting:
            self.forget(key)
            return None
        wish, known = self._wish(current), self._known.get(key)
        if wish is None:  # the Secret's login is not the cloud's at present, or nothing may be done
            if known is not None:
                self._rest(key, known)
            return RestartView() if known is None else known.view
        if known is None:
            known = self._known[key] = _Known(wish)
        elif known.wish != wish:
            is_answer = wish.since == known.view.settled and known.wish == wish._replace(since=known.wish.since)
            known.wish = wish
            known.is_ordered = known.is_ordered and is_answer
        if is_asked_for or not known.is_ordered:
            known.is_ordered = True
            self.queue.set_share(key, ("", key.namespace))
            self.queue.add(key, Priority.LOW)
        return known.view

    def forget(self, key: ResourceKey) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._rest(key, known)

    def _rest(self, key: ResourceKey, known: _Known) -> None:
        known.is_ordered = False
        self.queue.remove(key)

    def _wish(self, current: Pass) -> _Wish | None:
        observed = current.observed
        if observed.annotations.get(PAUSED) == "true" or not serves(current):
            return None
        secret = right_secret(current, self._cache)
        if secret is None or lacking(current.kind, observed) is not None:  # it has no whole login yet
            return None
        return _Wish(secret, observed.spec.restarts, observed.status.restarted_for)

    # --- running ---

    async def run(self) -> None:
        """Work until cancelled."""
        await self._workers.run(AT_A_TIME, "restarter")

    async def _run(self, key: ResourceKey, _: Priority) -> None:
        known = self._known.get(key)
        if known is None or not known.is_ordered:
            return
        wish = known.wish
        try:
            outcome = await self._advance(key, known, wish)
        except KubeRefused as error:
            outcome = _refused([error], [])
        except KubeError:
            outcome = _Outcome(AWAY_SECONDS, known.view.told)
        except Exception:
            log.exception("a restart failed", kind=key.kind, namespace=key.namespace, name=key.name)
            outcome = _Outcome(REST_SECONDS, known.view.told)
        if self._known.get(key) is not known or known.wish != wish:
            return  # a pass has ordered another run, or none
        view = RestartView(outcome.settled or known.view.settled, is_known=True, told=outcome.told)
        if view != known.view:
            known.view = view
            self._enqueue(key, Priority.LOW)
        if outcome.pause is not None and known.is_ordered:
            self.queue.add_at(key, self._clock.monotonic() + outcome.pause)

    async def _advance(self, key: ResourceKey, known: _Known, wish: _Wish) -> _Outcome:
        """Restart one workload at most, or look how the last one does. Raises KubeError."""
        digest = await self._digest(key, known, wish.secret)
        if digest is None:  # its change brings a pass, which looks whether the new one is right
            return _Outcome(REST_SECONDS, known.view.told, wish.since)
        if not is_changed(wish.since, digest):
            return (await self._look_ahead(key, known, wish, digest))._replace(settled=digest)
        if (waiting := await self._waiting(known)) is not None:
            return waiting
        troubles: list[str] = []
        refused: list[KubeRefused] = []
        async for target, found in self._found(key, wish):
            if isinstance(found, KubeRefused):
                refused.append(found)
                continue
            if not found:
                troubles.append(_missing(target))
            for workload in found:
                if wish.secret.name not in workload.secrets:
                    troubles.append(f"the Pods of {workload} do not use the Secret {wish.secret.name}")
                elif needs_restart(workload, wish.secret.name, digest, known.restarted):
                    try:
                        await self._restart(known, workload, wish.secret.name, digest)
                    except KubeRefused as error:  # this one must not hold up the others
                        refused.append(error)
                        continue
                    return _rolling_out(workload)
                elif not workload.is_rolled_out and self._seconds_left(known, workload) > 0:
                    known.waits_for = workload
                    return _rolling_out(workload)
                elif not workload.is_rolled_out:
                    troubles.append(_not_rolled_out(workload))
        if refused:
            return _refused(refused, troubles)
        return _Outcome(REST_SECONDS if troubles else None, _incomplete(troubles), digest)

    async def _look_ahead(self, key: ResourceKey, known: _Known, wish: _Wish, digest: str) -> _Outcome:
        """Tell what the next change of the login would meet: workloads that are not there, or a right that is missing; and which
        ones are still not rolled out after the restart for this login.
        """
        found = [each async for each in self._found(key, wish)]
        missing = [_missing(target) for target, workloads in found if workloads == []]
        if refused := [workloads for _, workloads in found if isinstance(workloads, KubeRefused)]:
            return _refused(refused, missing)
        restarted = [
            workload
            for _, workloads in found
            for workload in (workloads if isinstance(workloads, list) else [])
            if workload.annotations.get(mark(wish.secret.name)) == digest and not workload.is_rolled_out
        ]
        late = [_not_rolled_out(workload) for workload in restarted if self._seconds_left(known, workload) <= 0]
        return _Outcome(REST_SECONDS if missing or restarted else None, _incomplete([*missing, *late]))

    async def _found(
        self, key: ResourceKey, wish: _Wish
    ) -> AsyncIterator[tuple[RestartTarget, list[Workload] | KubeRefused]]:
        """Yield each target with the workloads that it stands for now, or with why these cannot be read."""
        for target in wish.targets:
            try:
                yield target, await self._workloads(key.namespace, target)
            except KubeRefused as error:
                yield target, error

    async def _workloads(self, namespace: str, target: RestartTarget) -> list[Workload]:
        if target.kind is not None and target.name is not None:
            named = await self._kube.read_workload(target.kind, namespace, target.name)
            return [] if named is None else [named]
        if target.selector is None:
            return []
        found: list[Workload] = []
        for kind in _KINDS:
            found += await self._kube.list_workloads(kind, namespace, target.selector.text)
        return found

    async def _waiting(self, known: _Known) -> _Outcome | None:
        """Look at the workload that is being rolled out, and at no other one; None if the others may go on."""
        if (last := known.waits_for) is None:
            return None
        now = await self._kube.read_workload(last.kind, last.namespace, last.name)
        if now is None or now.is_rolled_out or self._seconds_left(known, now) <= 0:
            known.waits_for = None
            return None
        return _rolling_out(now)

    def _seconds_left(self, known: _Known, workload: Workload) -> float:
        """Return what is left of ROLLOUT_SECONDS, by the workload's own annotation where this process has not restarted it."""
        now, place = self._clock.monotonic(), (workload.kind, workload.name)
        if place not in known.deadlines:
            known.deadlines[place] = now + ROLLOUT_SECONDS - seconds_since_restart(workload, self._clock.now())
        return known.deadlines[place] - now

    async def _restart(self, known: _Known, workload: Workload, secret: str, digest: str) -> None:
        at = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        await self._kube.annotate_pods(workload, {mark(secret): digest, RESTARTED_AT: at})
        known.restarted.add((workload.kind, workload.name))
        known.waits_for = workload
        known.deadlines[workload.kind, workload.name] = self._clock.monotonic() + ROLLOUT_SECONDS
        log.info(
            "a workload is restarted",
            kind=workload.kind,
            namespace=workload.namespace,
            name=workload.name,
            secret=secret,
        )

    async def _digest(self, key: ResourceKey, known: _Known, right: RightSecret) -> str | None:
        """Return the hash of the Secret's login; None if the Secret is not the one any more that a pass has found right."""
        if known.digest is not None and right.version is not None and known.digest[0] == right.version:
            return known.digest[1]
        secret = await self._kube.read_secret(key.namespace, right.name)
        if secret is None or secret.resource_version != right.version or self._seals.key is None:
            return None
        names = _LOGIN if _BROKERS not in secret.data else _LOGIN_TO_BROKERS
        login = {name: secret.data.get(name) for name in (right.key, *names)}
        digest = login_digest(self._seals, key.namespace, right.name, login)
        known.has_read(right.version, digest)
        return digest


def _not_rolled_out(workload: Workload) -> str:
    return f"{workload} is not rolled out {ROLLOUT_SECONDS / 60:.0f} minutes after its restart"


def _refused(errors: list[KubeRefused], troubles: list[str]) -> _Outcome:
    """Return the outcome where Kubernetes has refused to show or to restart some workloads: these are tried again."""
    whys = "; ".join(dict.fromkeys(map(str, errors)))
    told = (
        f"not all workloads of rolloutRestart can be restarted: {whys}. Let the operator do that (the chart's "
        "rbac.restartWorkloads), change what refuses it, or restart them yourself"
    )
    return _Outcome(REST_SECONDS, (Reason.RESTART_INCOMPLETE, "; ".join([told, *troubles])))


def _rolling_out(workload: Workload) -> _Outcome:
    told = f"the login in the Secret has changed; {workload} is restarted for it, and the others follow one after the other"
    return _Outcome(LOOK_SECONDS, (Reason.RESTARTING, told))


def _missing(target: RestartTarget) -> str:
    if target.selector is not None:
        return f"there is no workload with the labels {target.selector.text}"
    return f"there is no {target.kind} {target.name}"


def _incomplete(troubles: list[str]) -> tuple[Reason, str] | None:
    return (Reason.RESTART_INCOMPLETE, f"rolloutRestart: {'; '.join(troubles)}") if troubles else None
