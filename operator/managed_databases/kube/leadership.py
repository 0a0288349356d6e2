"""One leader among several replicas, by a Lease (coordination.k8s.io/v1) in the operator's namespace.

No clock of another machine is ever read. The process's own lease ends by the larger of boot time and wall clock, counted from
*before* the last renewal was sent. Another's lease has ended once it was seen unchanged for its whole duration, by boot time
alone, counted from *after* it was first seen. So the holder stops before another process takes over, whatever the network or a
wall clock does.
"""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

from managed_databases.reconcile.ports import AlreadyThere, KubeError, KubeUnreachable, NotThere, WriteConflict

LEASE_NAME: Final = "managed-databases-operator"
LOOK_SECONDS: Final = 2.0
"""The most seconds between two looks of a standby, so that it takes over soon after a clean stop, however long a lease lasts."""
RELEASE_SECONDS: Final = 2.0
_RELEASED_LASTS: Final = 1
"""`leaseDurationSeconds` of a Lease that its holder has let go: the mark that nobody leads. LEASE_SECONDS is longer."""

# Where there is no such clock (macOS), the monotonic one counts sleep as well.
_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Lease = dict[str, Any]

log = structlog.get_logger()


class LeaseRequests(Protocol):
    """The part of a connection to Kubernetes that the elector uses. Raises KubeError."""

    async def request(self, method: str, path: str, *, body: object = None) -> Any: ...


@dataclass(frozen=True)
class Moment:
    """A moment on two clocks, in seconds. Boot time goes on while a machine sleeps, the wall clock while a virtual machine is
    paused.
    """

    boot: float
    wall: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.clock_gettime(_BOOT_CLOCK), time.time())

    def max_seconds_until(self, later: "Moment") -> float:
        return max(later.boot - self.boot, later.wall - self.wall)


@dataclass(frozen=True)
class _SeenLease:
    """Another process's lease as it was last seen; `version` is "" if it was deleted."""

    version: str
    boot: float
    lasts_seconds: float


class LeadershipLost(Exception):
    """Another process holds the lease. This process must end, because its knowledge may be old."""


class Leadership:
    """`lease_seconds` is how long a lease lasts that is not renewed; it is renewed every `renew_seconds`.

    `acquired` is set once this process leads for the first time. If the lease has ended because Kubernetes did not answer, the
    process takes it up again later, unless another process has it by then: the version of the Lease proves that nobody had it in
    between.

    A missing Lease does not tell who leads: somebody may have deleted it, and its holder does not know that yet. So a process
    that creates the Lease leads only after the duration of a lease, unless it has led all the time. The same holds for a Lease
    without a holder that was not released: somebody may have emptied it by hand.
    """

    def __init__(
        self,
        connection: LeaseRequests,
        namespace: str,
        identity: str,
        *,
        lease_seconds: float = 15.0,
        renew_seconds: float = 3.0,
        now: Callable[[], Moment] = Moment.now,
    ) -> None:
        self.acquired = asyncio.Event()
        self._connection = connection
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._identity = identity
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._now = now
        self._held_since: Moment | None = None
        self._leads_from: float | None = None
        self._ours: Lease | None = None
        self._others: _SeenLease | None = None
        self._may_be_ours = False
        self._released = False

    def is_held(self) -> bool:
        """Return whether this process leads at this instant, by its own clocks."""
        return (
            not self._released
            and self._held_since is not None
            and (self._leads_from is None or self._now().boot > self._leads_from)
            and self._held_since.max_seconds_until(self._now()) < self._lease_seconds
        )

    async def require(self) -> None:
        """Raise KubeUnreachable unless this process leads now. To be awaited right before each write."""
        if not self.is_held():
            raise KubeUnreachable("this process does not hold the lease: it begins nothing")

    async def run(self) -> None:
        """Acquire the lease, then keep it until cancelled. Raises LeadershipLost."""
        while True:
            worked = await self.attempt() and self.is_held()
            if worked and not self.acquired.is_set():
                log.info("leading", identity=self._identity)
                self.acquired.set()
            if worked:
                await asyncio.sleep(self._renew_seconds)
            elif self.acquired.is_set():
                await asyncio.sleep(self._renew_seconds / 4)
            else:
                await asyncio.sleep(min(self._renew_seconds, LOOK_SECONDS))

    async def attempt(self) -> bool:
        """Try once to acquire the lease, or to renew it; return whether that worked. Raises LeadershipLost."""
        try:
            async with asyncio.timeout(self._lease_seconds * 2 / 5):
                return await (self._acquire() if self._ours is None else self._renew(self._ours))
        except (KubeError, TimeoutError) as error:
            log.warning("no hold of the lease", error=str(error) or type(error).__name__, still_leading=self.is_held())
            return False

    async def release(self) -> None:
        """Release the lease, so that another replica leads at once. Best effort, for RELEASE_SECONDS at most. After that this
        process may write nothing.
        """
        self._released = True
        if not self._may_be_ours:
            return
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                # Read again: a renewal may have been cut off on its way.
                lease = await self._read()
                if _holder(lease) == self._identity:
                    spec = lease["spec"] | {
                        "holderIdentity": "",
                        "leaseDurationSeconds": _RELEASED_LASTS,
                        "renewTime": _micro_time(),
                    }
                    await self._send("PUT", f"{self._collection}/{LEASE_NAME}", lease | {"spec": spec})
                    log.info("the lease is released")
        except (KubeError, TimeoutError) as error:
            log.warning("the lease was not released", error=str(error) or type(error).__name__)

    async def _acquire(self) -> bool:
        try:
            lease = await self._read()
        except NotThere:
            # Somebody deleted it: its holder may make it again first, as it does not know yet. It may have done so, unseen.
            if self._others is not None and not self._has_ended("", self._others.lasts_seconds):
                return False
            return await self._create(is_new=True)
        holder = _holder(lease)
        if holder != self._identity and not _is_released(lease):
            if self._others is None:
                log.info("standing by", holder=holder or "not told")
            lasts = _lasts_seconds(lease) or self._lease_seconds
            if not holder:  # whose length is told is not known either
                lasts = max(lasts, self._lease_seconds)
            if not self._has_ended(str(lease["metadata"]["resourceVersion"]), lasts):
                return False
        try:
            return await self._write(lease)
        except WriteConflict:
            return False

    def _has_ended(self, version: str, lasts_seconds: float) -> bool:
        boot = self._now().boot
        if self._others is None or self._others.version != version:
            self._others = _SeenLease(version, boot, lasts_seconds)
            return False
        return boot - self._others.boot > lasts_seconds

    async def _renew(self, ours: Lease) -> bool:
        with suppress(NotThere, WriteConflict):
            return await self._write(ours)
        # A renewal whose answer was lost looks like this, too, and so does a Lease that was deleted: see who holds it.
        try:
            lease = await self._read()
        except NotThere:
            # Whoever makes it meanwhile does not lead yet: we do, as long as ours lasts.
            if await self._create(is_new=not self.is_held()):
                return True
            lease = await self._read()
        was_emptied = (
            not _holder(lease) and not _is_released(lease) and self.is_held()
        )  # who else waits until ours ends
        if _holder(lease) != self._identity and not was_emptied:
            self._held_since = None
            raise LeadershipLost(f"the lease is held by {_holder(lease) or 'nobody'}")
        return await self._write(lease)

    async def _read(self) -> Lease:
        lease: Lease = await self._connection.request("GET", f"{self._collection}/{LEASE_NAME}")
        return lease

    async def _create(self, *, is_new: bool) -> bool:
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE_NAME}}
        # Before it is sent: an answer that is lost must not make us forget that we have made it.
        self._leads_from = self._now().boot + self._lease_seconds if is_new else None
        try:
            return await self._hold("POST", self._collection, lease)
        except AlreadyThere:
            return False

    async def _write(self, lease: Lease) -> bool:
        return await self._hold("PUT", f"{self._collection}/{LEASE_NAME}", lease)

    async def _hold(self, method: str, path: str, lease: Lease) -> bool:
        self._may_be_ours = True
        sent = self._now()
        self._ours = await self._send(method, path, self._claimed(lease))
        self._held_since = sent
        return True

    async def _send(self, method: str, path: str, lease: Lease) -> Lease:
        answer: Lease = await self._connection.request(method, path, body=lease)
        return answer

    def _claimed(self, lease: Lease) -> Lease:
        spec, now = lease.get("spec") or {}, _micro_time()
        # Whole seconds, and never fewer than we count on ourselves.
        ours = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": math.ceil(self._lease_seconds),
            "renewTime": now,
        }
        if spec.get("holderIdentity") != self._identity:
            before = spec.get("leaseTransitions")
            ours |= {"acquireTime": now, "leaseTransitions": 0 if before is None else int(before) + 1}
        return lease | {"spec": spec | ours}


def _holder(lease: Lease) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def _lasts_seconds(lease: Lease) -> float:
    return float((lease.get("spec") or {}).get("leaseDurationSeconds") or 0)


def _is_released(lease: Lease) -> bool:
    return not _holder(lease) and _lasts_seconds(lease) == _RELEASED_LASTS


def _micro_time() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
