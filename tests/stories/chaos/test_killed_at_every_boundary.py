"""Killed at every mutating request: before it leaves, after its effect, and with the effect coming later."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import Cluster
from stories.chaos.boundaries import Boundary
from stories.chaos.killing import run
from stories.chaos.scenarios import SCENARIOS

MAX_RUNS_AT = 40
RUNS_IN_VAIN = 3
"""So many in a row that meet none of what is untried: it came by chance."""


def new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


@pytest.mark.chaos
@pytest.mark.parametrize("standby", [False, True], ids=["alone", "leader"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_at_every_boundary(
    name: str, standby: bool, installed: Cluster, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """With a standby it is another process that goes on, whose caches and clocks are its own.

    What the unharmed run has met by chance, another one may not meet again: the table tells it, and it is no violation.
    """
    scenario = SCENARIOS[name]
    unharmed = await run(scenario, installed, new(tmp_path, "unharmed"), set(), standby=standby)
    found, tried, runs, in_vain = set(unharmed.seen), set[Boundary](), 0, 0
    try:
        while (untried := found - tried) and runs < MAX_RUNS_AT and in_vain < RUNS_IN_VAIN:
            runs += 1
            harmed = await run(scenario, installed, new(tmp_path, f"run-{runs}"), untried, standby=standby)
            assert harmed.cloud == unharmed.cloud, f"killed at {[str(one) for one in harmed.killed_at]}"
            tried |= set(harmed.killed_at)
            in_vain = 0 if harmed.killed_at else in_vain + 1
    finally:
        record_property("chaos", (f"{name}, leader" if standby else name, len(found), len(tried), runs))
    missed = sorted(map(str, found - tried))
    assert not missed or not scenario.always_the_same, f"not reached again: {missed}"


@pytest.mark.parametrize("name", ["rotate passwords"])
async def test_at_some_boundaries(name: str, installed: Cluster, tmp_path: Path) -> None:
    """What `make chaos` does with all of them."""
    scenario = SCENARIOS[name]
    unharmed = await run(scenario, installed, new(tmp_path, "unharmed"), set())
    harmed = await run(scenario, installed, new(tmp_path, "harmed"), unharmed.seen)
    assert len(harmed.killed_at) > 1, harmed.killed_at
    assert harmed.cloud == unharmed.cloud
