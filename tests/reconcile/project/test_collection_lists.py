"""Reading a collection's snapshot orders nothing; only an order has it listed, and only orders keep it listed."""

from dataclasses import replace

from reconcile.project.fake_project import DATABASE_KIND, DATASTORE_KIND, LOW, SETTINGS, ProjectHarness, until

LIST = "GET /datastores"
SOON_FORGOTTEN = replace(SETTINGS, resync_seconds=10, poll_seconds=5)


async def test_a_snapshot_that_is_only_read_is_never_listed() -> None:
    harness = ProjectHarness(SOON_FORGOTTEN)
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.snapshot(DATASTORE_KIND)
        lists.poll(DATABASE_KIND)
        lists.request("datastores")
        lists.sync("datastores", "shop")
        await harness.listed(DATABASE_KIND, 3)
        assert not harness.cloud.count(LIST)
        assert not snapshot.has_listed
        assert set(lists.snapshots) == {"databases"}
        assert lists.snapshot(DATASTORE_KIND) is snapshot


async def test_an_order_fills_the_snapshot_that_was_read_before() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.snapshot(DATASTORE_KIND)
        lists.poll(DATASTORE_KIND)
        assert lists.snapshots == {"datastores": snapshot}
        assert lists.snapshot(DATASTORE_KIND) is lists.need(DATASTORE_KIND) is snapshot
        await harness.listed(DATASTORE_KIND)
        assert snapshot.get("a") is not None


async def test_an_order_again_makes_no_second_poller() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    async with harness.opened() as session:
        for _ in range(10):
            session.lists.poll(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.clock.sleep(100)
        assert harness.cloud.count(LIST) == 1


async def test_reading_does_not_keep_a_collection_listed_and_ordering_does() -> None:
    harness = ProjectHarness(SOON_FORGOTTEN)
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        lists = session.lists
        snapshot = lists.need(DATASTORE_KIND)
        lists.poll(DATABASE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.listed(DATABASE_KIND)

        def is_forgotten() -> bool:
            lists.snapshot(DATASTORE_KIND)
            lists.poll(DATABASE_KIND)
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
        snapshot = lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        await until(lambda: not lists.snapshots, lambda: harness.cloud.requests)
        harness.cloud.rows["datastores"].clear()
        harness.cloud.put("datastores", "b")
        assert lists.need(DATASTORE_KIND) is snapshot
        await until(lambda: snapshot.has_listed, lambda: harness.cloud.requests)
        assert [obj.id for obj in snapshot.all()] == ["b"]
        assert not snapshot.is_dirty("a"), "of what was before the end nothing is left"


async def test_a_get_orders_the_lists_too() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        snapshot = session.lists.snapshot(DATASTORE_KIND)
        got = await session.get_object(DATASTORE_KIND, "a", LOW)
        assert snapshot.get("a") == got is not None
        await harness.listed(DATASTORE_KIND)
