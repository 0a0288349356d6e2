"""Reading a collection's snapshot orders nothing; only an order has it listed, and only orders keep it listed."""

import asyncio
from dataclasses import replace

from reconcile.project.fake_project import DATABASE_SIDE, DATASTORE_SIDE, LOW, SETTINGS, ProjectHarness, until

LIST = "GET /datastores"
SOON_FORGOTTEN = replace(SETTINGS, resync_seconds=10, poll_seconds=5)


async def test_a_snapshot_that_is_only_read_is_never_listed() -> None:
    harness = ProjectHarness(SOON_FORGOTTEN)
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.snapshot(DATASTORE_SIDE)
        lists.poll(DATABASE_SIDE)
        lists.request("datastores")
        lists.sync("datastores", "shop")
        await harness.listed(DATABASE_SIDE, 3)
        assert not harness.cloud.count(LIST)
        assert not snapshot.has_listed
        assert set(lists.snapshots) == {"databases"}
        assert lists.snapshot(DATASTORE_SIDE) is snapshot


async def test_an_order_fills_the_snapshot_that_was_read_before() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.snapshot(DATASTORE_SIDE)
        lists.poll(DATASTORE_SIDE)
        assert lists.snapshots == {"datastores": snapshot}
        assert lists.snapshot(DATASTORE_SIDE) is lists.need(DATASTORE_SIDE) is snapshot
        await harness.listed(DATASTORE_SIDE)
        assert snapshot.get("a") is not None


async def test_an_order_again_makes_no_second_poller() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    async with harness.opened() as session:
        for _ in range(10):
            session.lists.poll(DATASTORE_SIDE)
        await harness.listed(DATASTORE_SIDE)
        await asyncio.sleep(0.05)
        assert harness.cloud.count(LIST) == 1


async def test_reading_does_not_keep_a_collection_listed_and_ordering_does() -> None:
    harness = ProjectHarness(SOON_FORGOTTEN)
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.need(DATASTORE_SIDE)
        lists.poll(DATABASE_SIDE)
        await harness.listed(DATASTORE_SIDE)
        await harness.listed(DATABASE_SIDE)

        def is_forgotten() -> bool:
            lists.snapshot(DATASTORE_SIDE)
            lists.poll(DATABASE_SIDE)
            return "datastores" not in lists.snapshots

        await until(is_forgotten, lambda: harness.cloud.requests)
        assert set(lists.snapshots) == {"databases"}
        assert not snapshot.has_listed, "whoever still holds it must not believe it"
        assert not snapshot.all()


async def test_what_was_forgotten_is_listed_anew_into_the_same_snapshot() -> None:
    harness = ProjectHarness(SOON_FORGOTTEN)
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.need(DATASTORE_SIDE)
        await harness.listed(DATASTORE_SIDE)
        await until(lambda: not lists.snapshots, lambda: harness.cloud.requests)
        harness.cloud.rows["datastores"].clear()
        harness.cloud.put("datastores", "b")
        assert lists.need(DATASTORE_SIDE) is snapshot
        await until(lambda: snapshot.has_listed, lambda: harness.cloud.requests)
        assert [obj.id for obj in snapshot.all()] == ["b"]
        assert not snapshot.is_dirty("a"), "of what was before the end nothing is left"


async def test_a_get_orders_the_lists_too() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        snapshot = session.lists.snapshot(DATASTORE_SIDE)
        got = await session.get_object(DATASTORE_SIDE, "a", LOW)
        assert snapshot.get("a") == got is not None
        await harness.listed(DATASTORE_SIDE)
