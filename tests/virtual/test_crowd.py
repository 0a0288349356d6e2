"""Many resources at once: work that was begun ends while the others wait for their turn."""

from itertools import groupby

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

CROWD = 400


def test_the_first_are_ready_long_before_the_last_are_made() -> None:
    in_virtual_time(is_served_in_turn())


async def is_served_in_turn() -> None:
    async with VirtualWorld(delay_seconds=0, calls_per_second=10_000) as world:
        world.cluster.answer_seconds = 0.05  # a busy API server's
        await begin_with_datastore(world)
        made: dict[str, None] = {}
        ready: list[int] = []
        """How many of them were made when one got Ready."""

        def tell(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
            if kind == "DatabaseUser" and raw["status"].get("id"):
                made[key.name] = None
                if condition(raw, "Ready").get("status") == "True":
                    ready.append(len(made))

        world.cluster.told.append(tell)
        for number in range(CROWD):
            world.cluster.apply(manifest("DatabaseUser", f"user{number}", NAMESPACE, IN_MAIN))
        await world.until("all are Ready", lambda: len(ready) >= CROWD)
        assert ready[0] <= CROWD / 2
        assert ready[CROWD // 4] < CROWD


@pytest.mark.parametrize(("datastore_workers", "takes_turns"), [(1, False), (8, True)])
def test_so_many_of_a_datastore_are_worked_on_at_a_time(datastore_workers: int, takes_turns: bool) -> None:
    in_virtual_time(works_on_at_a_time(datastore_workers, takes_turns))


async def works_on_at_a_time(datastore_workers: int, takes_turns: bool) -> None:
    """With one worker nobody else is written to between the writes of a pass; with more, their passes mix."""
    async with VirtualWorld(calls_per_second=10_000, datastore_workers=datastore_workers) as world:
        world.cluster.answer_seconds = 0.05
        await begin_with_datastore(world)
        written: list[str] = []

        def tell(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
            if kind == "DatabaseUser" and raw["metadata"].get("finalizers") and not raw["status"].get("id"):
                written.append(key.name)

        world.cluster.told.append(tell)
        for number in range(6):
            world.cluster.apply(manifest("DatabaseUser", f"user{number}", NAMESPACE, IN_MAIN))
        users = world.cluster.of_kind
        await world.until(
            "all are made", lambda: all(raw["status"].get("id") for raw in users("DatabaseUser").values())
        )
        runs = [name for name, _ in groupby(written)]
        assert (len(runs) > len(set(runs))) is takes_turns, written
