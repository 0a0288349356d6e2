"""Exact moments at which a story kills the operator: at one of its requests to Kubernetes or to the cloud."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import PATIENCE_SECONDS
from kubernetes_proxy import KubernetesProxy, When
from stories.world import World

HANGS_SECONDS = 1.5
QUICK = {"call_limit_seconds": 2, "settle_margin_seconds": 1, "min_backoff_seconds": 0.2}
"""An attempt of unknown outcome settles in 2 + 1 s: longer than anything hangs."""

EFFECT_WAS = (("when", "after"), ("delay_seconds", HANGS_SECONDS))
EFFECT_COMES = (("delay_seconds", HANGS_SECONDS),)
EFFECT_COMES_LATE = (("effect_after_seconds", HANGS_SECONDS),)
NO_EFFECT = (("status", 503), ("delay_seconds", HANGS_SECONDS))

HELD_BEFORE = (("held", True), ("times", None))
HELD_AFTER = (*HELD_BEFORE, ("when", "after"))
HELD_FOR_NOTHING = (*HELD_BEFORE, ("status", 503))
"""The request stands still until the sandbox' faults are removed, however long it takes to kill the operator there."""
PATIENT = QUICK | {"call_limit_seconds": 12}
"""So long the operator waits for such a request, and whoever follows it for the attempt; the next one has to be QUICK."""


@dataclass(frozen=True)
class InKubernetes:
    """The moment before, or after, the API server does something for the operator."""

    method: str
    path: str
    body: str
    when: When

    async def reach(self, world: World, proxy: KubernetesProxy, begin: Callable[[], Awaitable[None]]) -> None:
        """Begin, and return when the request stands still there."""
        stop = proxy.stop_at(self.method, f"{world.namespace}/{self.path}", self.body, self.when)
        await begin()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stop.reached.wait()


@dataclass(frozen=True)
class InTheCloud:
    """A request hangs: its effect comes before it does (HELD_AFTER), when the faults are removed, or never."""

    method: str
    path: str
    fault: tuple[tuple[str, Any], ...]

    async def reach(self, world: World, proxy: KubernetesProxy, begin: Callable[[], Awaitable[None]]) -> None:
        """Begin, and return when the request has arrived. Once the operator is killed, the faults are to be removed."""
        id_ = await world.sandbox.fault(method=self.method, path=self.path, **{"times": 1, **dict(self.fault)})
        await begin()

        async def is_met() -> bool:
            return any(fault["id"] == id_ and fault["met"] for fault in await world.sandbox.faults())

        await world.until(f"{self.method} {self.path} has arrived", is_met)


Point = InKubernetes | InTheCloud


@asynccontextmanager
async def through_a_proxy(world: World) -> AsyncIterator[KubernetesProxy]:
    """Before the operator is started: its way to the API server leads through a proxy."""
    proxies: list[KubernetesProxy] = []

    def proxied(kubeconfig: Path) -> Path:
        proxies.append(KubernetesProxy(kubeconfig))
        return proxies[0].kubeconfig

    await world.reach_kubernetes_through(proxied)
    async with proxies[0] as proxy:
        yield proxy
