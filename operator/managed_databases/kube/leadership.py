"""One leader among several replicas, by a Lease (coordination.k8s.io/v1) in the operator's namespace.

No clock of another machine is ever read: whether somebody else's lease has ended is judged by how long it was seen
unchanged; whether our own has, by the larger of boot time and wall clock since *before* the last renewal was sent.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

from managed_databases.reconcile.ports import AlreadyThere, KubeError, KubeUnreachable, NotThere, WriteConflict

LEASE_NAME: Final = "managed-databases-operator"

log = structlog.get_logger()


class Requests(Protocol):
    """What is needed of a connection to Kubernetes."""

    async def request(
        self, method: str, path: str, *, body: object = None, content_type: str = ..., limit_seconds: float = ...
    ) -> Any: ...


@dataclass(frozen=True)
class Moment:
    """Boot time counts while the machine sleeps, wall clock jumps when it is set: the larger elapsed time counts."""

    boot: float
    wall: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())

    def seconds_until(self, later: "Moment") -> float:
        return max(later.boot - self.boot, later.wall - self.wall)


class LeadershipLost(Exception):
    """The lease ended before it could be renewed: the process must stop acting, and ends."""


class Leadership:
    """`lease_seconds` is how long a lease lasts without being renewed; it is renewed every `renew_seconds`."""

    def __init__(
        self,
        connection: Requests,
        namespace: str,
        identity: str,
        *,
        lease_seconds: float = 15.0,
        renew_seconds: float = 3.0,
        now: Callable[[], Moment] = Moment.now,
    ) -> None:
        self.acquired = asyncio.Event()
        self._connection = connection
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._identity = identity
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._now = now
        self._held_since: Moment | None = None
        self._version: str | None = None
        self._transitions = 0
        self._others: tuple[str, Moment] | None = None

    def is_held(self) -> bool:
        """Whether we lead at this very instant, by our own clocks."""
        return self._held_since is not None and self._held_since.seconds_until(self._now()) < self._lease_seconds

    async def require(self) -> None:
        """Raise KubeUnreachable unless we lead now: to be awaited right before each write."""
        if not self.is_held():
            raise KubeUnreachable("this process does not hold the lease: it begins nothing")

    async def run(self) -> None:
        """Acquire the lease, then keep it until cancelled. Raises LeadershipLost."""
        while not await self._attempt(self._acquire):
            await asyncio.sleep(self._renew_seconds)  # noqa: ASYNC110 - another process ends this wait
        log.info("leading", identity=self._identity)
        self.acquired.set()
        while True:
            await asyncio.sleep(self._renew_seconds)
            if not await self._attempt(self._renew) and not self.is_held():
                raise LeadershipLost("the lease could not be renewed in time")

    async def release(self) -> None:
        """Let another replica lead at once; best effort. Nothing may be written afterwards."""
        if self._held_since is None:
            return
        self._held_since = None
        released = self._lease("", lease_seconds=1)
        try:
            await self._put(released)
        except KubeError as error:
            log.warning("the lease was not released", error=str(error))

    async def _attempt(self, step: Callable[[], Any]) -> bool:
        try:
            async with asyncio.timeout(self._renew_seconds * 2):
                return bool(await step())
        except (KubeError, TimeoutError) as error:
            log.warning("no answer about the lease", error=str(error) or type(error).__name__)
            return False

    async def _acquire(self) -> bool:
        begun = self._now()
        try:
            lease = await self._connection.request("GET", f"{self._path}/{LEASE_NAME}")
        except NotThere:
            return await self._create(begun)
        spec = lease.get("spec") or {}
        version = str(lease["metadata"]["resourceVersion"])
        self._transitions = int(spec.get("leaseTransitions") or 0)
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._has_ended(version, spec, begun):
            return False
        self._transitions += 1
        self._version = version
        return await self._write(begun)

    def _has_ended(self, version: str, spec: dict[str, Any], now: Moment) -> bool:
        """Seen unchanged for as long as it lasts: its holder has not renewed it."""
        if self._others is None or self._others[0] != version:
            self._others = (version, now)
            return False
        lasts = float(spec.get("leaseDurationSeconds") or self._lease_seconds)
        return self._others[1].seconds_until(now) > lasts

    async def _create(self, begun: Moment) -> bool:
        body = self._lease(self._identity)
        del body["metadata"]["resourceVersion"]
        try:
            made = await self._connection.request("POST", self._path, body=body)
        except (AlreadyThere, WriteConflict):
            return False
        self._version = str(made["metadata"]["resourceVersion"])
        self._held_since = begun
        return True

    async def _renew(self) -> bool:
        return await self._write(self._now())

    async def _write(self, begun: Moment) -> bool:
        try:
            await self._put(self._lease(self._identity))
        except WriteConflict:
            # A renewal of ours whose answer was lost looks like this, too: see who holds it.
            return await self._recover(begun)
        self._held_since = begun
        return True

    async def _recover(self, begun: Moment) -> bool:
        lease = await self._connection.request("GET", f"{self._path}/{LEASE_NAME}")
        if (lease.get("spec") or {}).get("holderIdentity") != self._identity:
            self._held_since = None
            return False
        self._version = str(lease["metadata"]["resourceVersion"])
        await self._put(self._lease(self._identity))
        self._held_since = begun
        return True

    async def _put(self, body: dict[str, Any]) -> None:
        answer = await self._connection.request("PUT", f"{self._path}/{LEASE_NAME}", body=body)
        self._version = str(answer["metadata"]["resourceVersion"])

    def _lease(self, holder: str, lease_seconds: float | None = None) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": LEASE_NAME, "namespace": self._namespace, "resourceVersion": self._version},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": int(lease_seconds or self._lease_seconds),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": self._transitions,
            },
        }
