"""Leases as the API server keeps them, on machines whose clocks and networks a test controls."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from managed_databases.kube.leadership import LEASE_NAME, Leadership, Moment
from managed_databases.reconcile.ports import AlreadyThere, KubeUnreachable, NotThere, WriteConflict

NAMESPACE = "system"
COLLECTION = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


async def nothing() -> None:
    """What happens on the way when nothing does."""


@dataclass
class LeaseServer:
    """Holds one Lease, or none; `seconds` is the time that passes for everybody."""

    seconds: float = 0.0
    version: int = 0
    lease: dict[str, Any] | None = None

    @property
    def holder(self) -> str:
        return str(self.lease["spec"].get("holderIdentity", "")) if self.lease else ""

    def delete(self) -> None:
        self.lease = None

    def leave(self) -> None:
        """As it is once its holder has stopped as asked."""
        self._keep({"metadata": {"name": LEASE_NAME}, "spec": {"holderIdentity": "", "leaseDurationSeconds": 1}})

    def edit(self, **spec: Any) -> None:
        """As a person would, by hand."""
        assert self.lease is not None
        self._keep(self.lease | {"spec": self.lease["spec"] | spec})

    def empty(self, *, whole: bool = False) -> None:
        """By hand: who holds it is not told any more, or nothing at all."""
        assert self.lease is not None
        left = {} if whole else self.lease["spec"] | {"holderIdentity": ""}
        self._keep(self.lease | {"spec": left})

    def label(self, **labels: str) -> None:
        assert self.lease is not None
        self._keep(self.lease | {"metadata": self.lease["metadata"] | {"labels": labels}})

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        if method == "POST" and path == COLLECTION:
            if self.lease is not None:
                raise AlreadyThere("409")
        else:
            assert path == f"{COLLECTION}/{LEASE_NAME}"
            if method == "GET":
                if self.lease is None:
                    raise NotThere("404")
                return deepcopy(self.lease)
            assert method == "PUT"
            # A conflict also when it is gone: the body's uid is a precondition.
            if self.lease is None or body["metadata"]["resourceVersion"] != str(self.version):
                raise WriteConflict("409")
        return self._keep(body)

    def _keep(self, lease: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = deepcopy(lease | {"metadata": lease["metadata"] | {"resourceVersion": str(self.version)}})
        return deepcopy(self.lease)


@dataclass
class Replica:
    """One process on a machine of its own. `on_the_way` and `on_the_way_back` happen around the next request."""

    server: LeaseServer
    identity: str
    lease_seconds: float = 15.0
    wall_offset: float = 0.0
    on_the_way: Callable[[], Awaitable[None]] = nothing
    on_the_way_back: Callable[[], Awaitable[None]] = nothing
    loses: set[str] = field(default_factory=set)
    """Methods whose answers are lost."""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leadership = Leadership(
            self, NAMESPACE, self.identity, lease_seconds=self.lease_seconds, renew_seconds=0.001, now=self.now
        )

    def now(self) -> Moment:
        return Moment(1_000 + self.server.seconds, 1_700_000_000 + self.server.seconds + self.wall_offset)

    async def request(self, method: str, path: str, *, body: object = None) -> Any:
        self.asked.append(method)
        there, self.on_the_way = self.on_the_way, nothing
        back, self.on_the_way_back = self.on_the_way_back, nothing
        await there()
        answer = self.server.answer(method, path, body)
        await back()
        if method in self.loses:
            raise KubeUnreachable("the answer is lost")
        return answer
