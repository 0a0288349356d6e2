"""One look after the copies of one resource: removes those that may not be there, and puts the others right."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from managed_databases.kinds.credentials_spec import ALLOWED, COPIES_FROM, CopySpec
from managed_databases.kinds.secret_copies import Place, is_reserved, place_of
from managed_databases.kinds.shared_fields import MAX_COPIES_TOLD
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.act.desired_secret import differs, pending_name
from managed_databases.reconcile.act.secret_copy import CopySource, is_copy, is_let_in, may_be_written
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.keepers.fights import Fights
from managed_databases.reconcile.keepers.right_secret import RightSecret
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Kube,
    KubeError,
    KubeRefused,
    NotThere,
    Resource,
    ResourceCache,
    SecretContent,
)
from managed_databases.reconcile.scheduling.backoff import retry_delay

REST_SECONDS: Final = 600.0
"""Seconds until the next look after a defect, where somebody else has a name, and where nothing is watched."""
AWAY_SECONDS: Final = 10.0
"""Seconds until the next look after a request that had no answer, and after a first refusal of Kubernetes."""
STATUS_SECONDS: Final = 1.0
"""Seconds until the next look whether the status names the copies by now; that look asks nobody anything."""

log = structlog.get_logger()


@dataclass(frozen=True)
class CopyWish:
    """What the copies are to be. `source` and `made_of` are None while no pass has found that the credentials Secret opens, and
    while the resource is paused: then no copy is written, and those that may not be there still go.
    """

    uid: str
    mounted: str
    wanted: tuple[tuple[Place, CopySpec], ...]
    is_double: bool
    """Whether two copies have one place; the first one counts."""
    is_paused: bool
    """Whether nothing is to be done but to remove what the spec names and its namespace does not let in any more."""
    source: RightSecret | None
    shapes: tuple[int, ...]
    made_of: CopySource | None = field(compare=False)


class CopyTrouble(NamedTuple):
    """Why copies are not as the spec asks for."""

    reason: Reason
    message: str


class CopyRunResult(NamedTuple):
    """What a run has found. `pause`: seconds until the next one; None if there is none before something changes."""

    pause: float | None
    told: CopyTrouble | None
    is_known: bool


_DOUBLE: Final = CopyTrouble(
    Reason.COPY_REFUSED, "two copies have the same namespace and name, and only the first one is made"
)


@dataclass
class RunMemory:
    """What is remembered of the runs over one resource; `right` and `gone` as long as its wish is the same."""

    is_known: bool = False
    """Whether a run has looked at all that is asked for."""
    told: CopyTrouble | None = None

    right: dict[Place, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """The resourceVersion that was found to be as wanted, and what of the spec is not in it."""
    gone: set[Place] = field(default_factory=set)
    """Where no copy of this resource is, for certain."""
    fights: Fights[Place] = field(default_factory=Fights)
    refusals: int = 0
    """How many runs in a row Kubernetes has refused something."""


class _Ended(Exception):
    """The copies are not this run's business any more."""


@dataclass
class CopyRun:
    kube: Kube
    cache: ResourceCache
    clock: Clock
    ownership: SecretOwnership
    resource: Resource
    wish: CopyWish
    memory: RunMemory
    _had_no_answer: bool = False
    _was_refused: bool = False
    _main: SecretContent | None = None
    _has_read_main: bool = False

    async def keep(self, is_live: Callable[[], bool]) -> CopyRunResult:
        """Put all copies right. Nothing is written once `is_live` says no. Raises KubeError."""
        told = self.resource.told.copies
        wanted = [place for place, _ in self.wish.wanted]
        troubles = [_DOUBLE] if self.wish.is_double else []
        try:
            for place in filter(None, map(place_of, told)):
                if place not in wanted and not self.wish.is_paused:
                    troubles += await self._tried(place, self._remove(place))
            if self._had_no_answer:
                return self._as_before(AWAY_SECONDS)
            may_be = [str(place) for place in wanted if is_let_in(self.cache, place, self.resource)]
            if not {*may_be} <= {*told} and not self.wish.is_paused:
                return self._unnamed(troubles, told)
            for place, copy in self.wish.wanted:
                troubles += await self._tried(place, self._one(place, copy, is_live))
        except _Ended:
            return self._as_before(None)
        if self._had_no_answer:
            return self._as_before(AWAY_SECONDS)
        is_watched = all(self.cache.knows_secrets(place.namespace) for place in wanted)
        is_open = wanted and self.wish.source is None or (self._has_read_main and self._main is None)
        if not troubles and is_open:
            return self._as_before(REST_SECONDS if self._has_read_main else None)
        self.memory.refusals = self.memory.refusals + 1 if self._was_refused else 0
        rest = retry_delay(self.memory.refusals, lambda: 0.0, AWAY_SECONDS) if self._was_refused else REST_SECONDS
        return CopyRunResult(None if is_watched and not troubles else rest, _together(troubles), is_known=True)

    def _as_before(self, pause: float | None) -> CopyRunResult:
        return CopyRunResult(pause, self.memory.told, self.memory.is_known)

    def _unnamed(self, troubles: list[CopyTrouble], told: tuple[str, ...]) -> CopyRunResult:
        left = [name for name in told if place_of(name) not in self.memory.gone]
        if len(left) < MAX_COPIES_TOLD or not troubles:  # the next write of the status names them
            return self._as_before(AWAY_SECONDS if self._was_refused else STATUS_SECONDS)
        why = f"{MAX_COPIES_TOLD} copies of before are there, and no other one is made until they are gone"
        return CopyRunResult(REST_SECONDS, _together([CopyTrouble(Reason.COPY_REFUSED, why), *troubles]), is_known=True)

    async def _tried(self, place: Place, attempt: Awaitable[CopyTrouble | None]) -> list[CopyTrouble]:
        try:
            trouble = await attempt
        except KubeRefused as error:
            self._was_refused = True
            trouble = self._refused_by_kubernetes(place, error)
        except NotThere:  # its namespace, or what somebody has deleted since it was read
            is_old_view = is_let_in(self.cache, place, self.resource)
            self._had_no_answer |= is_old_view
            trouble = None if is_old_view else self._not_let_in(place)
        except KubeError:  # the other copies do not wait for this one
            self._had_no_answer = True
            trouble = None
        return [] if trouble is None else [trouble]

    def _refused_by_kubernetes(self, place: Place, error: KubeRefused) -> CopyTrouble:
        """Tell why, but nothing of another namespace: neither its quotas nor its policies."""
        if place.namespace == self.resource.key.namespace:
            return _refused(place, f"{error}. The operator has to be allowed to read and write Secrets there")
        log.warning("a copy was refused", namespace=place.namespace, secret=place.name, error=str(error))
        return _refused(place, f"Kubernetes refuses it in the namespace {place.namespace}; the operator's log says why")

    async def _remove(self, place: Place) -> None:
        if place in self.memory.gone or self._is_of_another_secret(place):
            self.memory.gone.add(place)
            return
        there = await self.kube.read_secret(*place)
        if there is not None and is_copy(self.ownership, self.resource, there):
            await self.kube.delete_secret(there)
            log.info("a copy of a Secret was removed", namespace=place.namespace, secret=place.name)
        self.memory.right.pop(place, None)
        self.memory.gone.add(place)

    async def _one(self, place: Place, copy: CopySpec, is_live: Callable[[], bool]) -> CopyTrouble | None:
        if self._is_of_another_secret(place):
            return _refused(place, "the name is that of another Secret of this resource: say another one")
        if not is_let_in(self.cache, place, self.resource):
            # Labels that are not known take nothing away from an application.
            are_known = self.cache.namespace_labels(place.namespace) is not None
            if are_known and str(place) in self.resource.told.copies:
                await self._remove(place)
            return self._not_let_in(place)
        if self.wish.source is None or self.wish.made_of is None:
            return None
        return await self._put_right(place, copy, self.wish.made_of, is_live)

    def _is_of_another_secret(self, place: Place) -> bool:
        is_here = place.namespace == self.resource.key.namespace
        return is_here and is_reserved(self.wish.mounted, place.name, pending_name(""))

    async def _put_right(
        self, place: Place, copy: CopySpec, source: CopySource, is_live: Callable[[], bool]
    ) -> CopyTrouble | None:
        right = self.memory.right.get(place)
        seen = self.cache.secret_version(*place)
        if right is not None and right[0] == seen and self.cache.knows_secrets(place.namespace):
            return _incomplete(place, right[1])
        main = await self._read_main()
        if main is None:
            return None
        there = await self.kube.read_secret(*place)
        if there is not None and not may_be_written(self.ownership, source, there):
            return _foreign(place)
        made = source.wanted(copy, place, main, there)
        if made is None:
            return None
        wanted, left_out = made
        if there is None or differs(there, wanted):
            if right is not None and not self.memory.fights.may_correct(place, self.clock.monotonic()):
                return _refused(place, "somebody else changes it again and again: it stays as it is for a while")
            if not is_live() or not is_let_in(self.cache, place, self.resource):
                raise _Ended
            try:
                there = await (
                    self.kube.create_secret(wanted) if there is None else self.kube.replace_secret(there, wanted)
                )
            except AlreadyThere:
                return _foreign(place)  # the next look reads whose it is
            log.info("a copy of a Secret was written", namespace=place.namespace, secret=place.name)
        self.memory.gone.discard(place)
        self.memory.right[place] = there.resource_version, left_out
        return _incomplete(place, left_out)

    async def _read_main(self) -> SecretContent | None:
        """Return the credentials Secret, if it is the very one that the pass has found right; None if it is another by now: then
        a pass looks at it first.
        """
        source = self.wish.source
        if not self._has_read_main and source is not None:
            self._has_read_main = True  # also if that fails: the other copies do not ask once more
            main = await self.kube.read_secret(self.resource.key.namespace, source.name)
            self._main = main if main is not None and main.resource_version == source.version else None
        return self._main

    def _not_let_in(self, place: Place) -> CopyTrouble:
        # The same text, whether there is such a namespace or not: a namespace learns nothing about another one.
        source = self.resource.key.namespace
        return _refused(
            place,
            f"the namespace {place.namespace} does not let in copies from {source}. An administrator lets them in: kubectl label "
            f"namespace {place.namespace} {COPIES_FROM}/{source}={ALLOWED}. The operator has to be able to read labels of "
            "namespaces, as it can when it serves the whole cluster",
        )


def _refused(place: Place, why: str) -> CopyTrouble:
    return CopyTrouble(Reason.COPY_REFUSED, f"the copy {place}: {why}")


def _incomplete(place: Place, left_out: tuple[str, ...]) -> CopyTrouble | None:
    return CopyTrouble(Reason.COPY_INCOMPLETE, f"the copy {place}: {'; '.join(left_out)}") if left_out else None


def _foreign(place: Place) -> CopyTrouble:
    # The same text, whatever that Secret is: somebody who may write resources may not be allowed to read Secrets.
    return _refused(
        place, "a Secret of that name is there, and not this resource's: say another name, or remove that Secret"
    )


def _together(troubles: list[CopyTrouble]) -> CopyTrouble | None:
    if not troubles:
        return None
    reasons = {trouble.reason for trouble in troubles}
    reason = Reason.COPY_REFUSED if Reason.COPY_REFUSED in reasons else Reason.COPY_INCOMPLETE
    return CopyTrouble(reason, "; ".join(trouble.message for trouble in troubles))
