"""Runs a scenario and kills the operator at boundaries, one after the other, until all is as it shall be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import Cluster
from kubernetes_proxy import KubernetesProxy, Stop
from stories.chaos.boundaries import Boundary, recorded
from stories.chaos.scenarios import Scenario
from stories.everything import cloud, nobody_is_locked_out, nothing_is_left
from stories.kill_points import QUICK, through_a_proxy
from stories.world import World

KILLS_A_RUN = 8
"""More would let one kill hide what another one breaks."""
_LOOK_SECONDS = 0.1
_QUIET_LOOKS = 5
_RUN_SECONDS = 240


@dataclass
class Run:
    """What one run saw: the boundaries that it reached, and at which of them the operator was killed."""

    seen: set[Boundary] = field(default_factory=set)
    killed_at: list[Boundary] = field(default_factory=list)
    cloud: dict[str, list[Any]] = field(default_factory=dict)


@dataclass
class _Armed:
    stops: list[tuple[Boundary, Stop]]
    faults: dict[str, Boundary]


async def run(scenario: Scenario, cluster: Cluster, folder: Path, untried: set[Boundary]) -> Run:
    """Run the scenario once; kill at the first KILLS_A_RUN of these boundaries that are reached.

    Raises AssertionError when it does not end as it shall.
    """
    told = Run()
    async with _stage(cluster, folder) as (world, proxy):
        await scenario.prepare(world)
        proxy.requests.clear()
        await world.sandbox.clear_requests()
        await _interrupted(scenario, world, proxy, told, untried)
        told.seen = recorded(proxy, await world.sandbox.requests())
        told.cloud = await cloud(world)
    return told


@asynccontextmanager
async def _stage(cluster: Cluster, folder: Path) -> AsyncIterator[tuple[World, KubernetesProxy]]:
    async with World(cluster, folder, dict(QUICK)) as world, through_a_proxy(world) as proxy:
        await world.operator.start()
        yield world, proxy


async def _interrupted(
    scenario: Scenario, world: World, proxy: KubernetesProxy, told: Run, untried: set[Boundary]
) -> None:
    armed = await _arm(world, proxy, untried)
    await scenario.begin(world)
    quiet, missing = 0, ""
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            while quiet < _QUIET_LOOKS:
                await asyncio.sleep(_LOOK_SECONDS)
                if reached := await _reached(world, armed):
                    quiet = 0
                    told.killed_at += reached
                    armed = await _kill(scenario, world, proxy, untried - set(told.killed_at), len(told.killed_at))
                    continue
                try:
                    await scenario.ended(world)
                    quiet += 1
                except (AssertionError, LookupError) as error:
                    quiet, missing = 0, str(error)
    except TimeoutError:
        raise AssertionError(f"killed at {[str(one) for one in told.killed_at]}, then not: {missing}") from None


async def _kill(scenario: Scenario, world: World, proxy: KubernetesProxy, untried: set[Boundary], kills: int) -> _Armed:
    """Kill it, look while nobody works, and start it again."""
    await world.operator.kill()
    if scenario.ended is not nothing_is_left:
        await nobody_is_locked_out(world)
    armed = await _arm(world, proxy, untried if kills < KILLS_A_RUN else set())
    await world.operator.start()
    return armed


async def _arm(world: World, proxy: KubernetesProxy, boundaries: set[Boundary]) -> _Armed:
    """Have each request stand still that reaches one of these boundaries."""
    await world.sandbox.clear_faults()
    stops = [(one, one.stop()) for one in sorted(boundaries) if one.side == "kubernetes"]
    proxy.stops = [stop for _, stop in stops]
    faults = {await world.sandbox.fault(**one.fault()): one for one in sorted(boundaries) if one.side == "cloud"}
    return _Armed(stops, faults)


async def _reached(world: World, armed: _Armed) -> list[Boundary]:
    reached = [boundary for boundary, stop in armed.stops if stop.reached.is_set()]
    if armed.faults:
        met = {fault["id"] for fault in await world.sandbox.faults() if fault["met"]}
        reached += [boundary for id_, boundary in armed.faults.items() if id_ in met]
    return reached
