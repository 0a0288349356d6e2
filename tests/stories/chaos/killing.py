"""Runs a scenario and kills the operator at boundaries, one after the other, until all is as it shall be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import Cluster
from kubernetes_proxy import KubernetesProxy, Stop
from operator_process import OperatorProcess
from stories.chaos.boundaries import Boundary, recorded
from stories.chaos.scenarios import Scenario
from stories.everything import cloud, nobody_is_locked_out, nothing_is_left
from stories.kill_points import QUICK, through_a_proxy
from stories.replicas import LEASE_SECONDS, somebody_leads
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


@dataclass
class _Stage:
    """`standby` follows when the leader, which is `world.operator`, is killed; without one the same starts again."""

    world: World
    proxy: KubernetesProxy
    standby: OperatorProcess | None = None
    late: list[Stop] = field(default_factory=list)
    """Requests whose effect comes after their sender was killed."""

    async def follow(self) -> None:
        killed = self.world.operator
        if self.standby is not None:
            self.world.operator, self.standby = self.standby, killed
        await killed.start()

    def is_quiet(self) -> bool:
        return all(stop.is_over.is_set() for stop in self.late)


async def run(
    scenario: Scenario, cluster: Cluster, folder: Path, untried: set[Boundary], *, standby: bool = False
) -> Run:
    """Run the scenario once; kill at the first KILLS_A_RUN of these boundaries that are reached.

    With `standby` there are two replicas, and it is the leader that is killed. Raises AssertionError when it does not
    end as it shall.
    """
    told = Run()
    async with _stage(cluster, folder, standby=standby) as stage:
        await scenario.prepare(stage.world)
        await _settled(stage)
        await _interrupted(scenario, stage, told, untried)
        told.seen = recorded(stage.proxy, await stage.world.sandbox.requests())
        told.cloud = await cloud(stage.world)
    return told


async def _settled(stage: _Stage) -> None:
    """Wait until nothing of the preparation is sent any more: a pass with an older view of a resource that is gone may follow,
    and the next run would not reach its boundaries.
    """
    quiet = 0
    async with asyncio.timeout(_RUN_SECONDS):
        while quiet < _QUIET_LOOKS:
            stage.proxy.requests.clear()
            await stage.world.sandbox.clear_requests()
            await asyncio.sleep(_LOOK_SECONDS)
            quiet = 0 if recorded(stage.proxy, await stage.world.sandbox.requests()) else quiet + 1


@asynccontextmanager
async def _stage(cluster: Cluster, folder: Path, *, standby: bool) -> AsyncIterator[_Stage]:
    # Catalogues are written some seconds after what they tell of: not at a boundary that the next run would reach again.
    settings: dict[str, Any] = QUICK | {"catalogues": False}
    if standby:
        settings |= {"leader_election": True, "lease_seconds": LEASE_SECONDS}
    async with World(cluster, folder, settings) as world, through_a_proxy(world) as proxy:
        await world.operator.start()
        if not standby:
            yield _Stage(world, proxy)
            return
        await somebody_leads(world)
        async with world.operator.replica(folder / "standby.log") as second:
            stage = _Stage(world, proxy, second)
            try:
                yield stage
            finally:
                assert stage.standby is not None
                await stage.standby.kill()


async def _interrupted(scenario: Scenario, stage: _Stage, told: Run, untried: set[Boundary]) -> None:
    armed = await _arm(stage, untried)
    await scenario.begin(stage.world)
    quiet, missing = 0, ""
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            while quiet < _QUIET_LOOKS:
                await asyncio.sleep(_LOOK_SECONDS)
                if reached := await _reached(stage.world, armed):
                    quiet = 0
                    told.killed_at += reached
                    armed = await _kill(scenario, stage, untried - set(told.killed_at), len(told.killed_at))
                    continue
                await scenario.goes_on(stage.world)
                try:
                    await scenario.ended(stage.world)
                    quiet = quiet + 1 if stage.is_quiet() else 0
                except (AssertionError, LookupError) as error:
                    quiet, missing = 0, str(error)
    except TimeoutError:
        raise AssertionError(f"killed at {[str(one) for one in told.killed_at]}, then not: {missing}") from None


async def _kill(scenario: Scenario, stage: _Stage, untried: set[Boundary], kills: int) -> _Armed:
    """Kill it, look while nobody works, and have it started again, or followed."""
    await stage.world.operator.kill()
    stage.late += [stop for stop in stage.proxy.stops if stop.when == "late" and stop.is_taken]
    if scenario.ended is not nothing_is_left:
        await nobody_is_locked_out(stage.world)
    armed = await _arm(stage, untried if kills < KILLS_A_RUN else set())
    await stage.follow()
    return armed


async def _arm(stage: _Stage, boundaries: set[Boundary]) -> _Armed:
    """Have each request stand still that reaches one of these boundaries."""
    sandbox = stage.world.sandbox
    await sandbox.clear_faults()
    stops = [(one, one.stop()) for one in sorted(boundaries) if one.side == "kubernetes"]
    stage.proxy.stops = [stop for _, stop in stops]
    faults = {await sandbox.fault(**one.fault()): one for one in sorted(boundaries) if one.side == "cloud"}
    return _Armed(stops, faults)


async def _reached(world: World, armed: _Armed) -> list[Boundary]:
    reached = [boundary for boundary, stop in armed.stops if stop.reached.is_set()]
    if armed.faults:
        met = {fault["id"] for fault in await world.sandbox.faults() if fault["met"]}
        reached += [boundary for id_, boundary in armed.faults.items() if id_ in met]
    return reached
