"""When a collection is listed, and what becomes of what a list shows, does not show, or cannot show."""

from dataclasses import replace

import httpx
import pytest

from managed_databases.api import rows as limits
from managed_databases.api.models import DatastoreName
from managed_databases.kinds.database_project import PollSecondsOf
from reconcile.project.fake_project import DATABASE_KIND, DATASTORE_KIND, KEY, LOW, SETTINGS, ProjectHarness, until

LIST = "GET /datastores"
NAME = KEY.name


def gets(harness: ProjectHarness, collection: str = "datastores") -> list[str]:
    return [request for request in harness.cloud.requests if request.startswith(f"GET /{collection}/")]


async def test_a_collection_is_listed_as_soon_as_it_is_needed_and_again() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        assert not snapshot.has_listed
        await harness.listed(DATASTORE_KIND)
        assert snapshot.get("a") is not None
        assert harness.woken["object", NAME, "datastores", "a"] == 1
        assert harness.woken["key", NAME, "datastores", "a"] == 1
        await harness.listed(DATASTORE_KIND, 3)
        assert harness.woken["object", NAME, "datastores", "a"] == 1, "what is as before wakes nobody"
        assert gets(harness) == []
        assert session.lists.need(DATASTORE_KIND) is snapshot


async def test_a_changed_key_wakes_both() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a", name="old")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cloud.put("datastores", "a", name="new")
        session.lists.request("datastores")
        await until(lambda: harness.woken["key", NAME, "datastores", "new"], lambda: harness.woken)
        assert harness.woken["key", NAME, "datastores", "old"] == 2


async def test_requests_during_a_list_are_one_more_list() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    harness.cloud.held = LIST
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await until(lambda: harness.cloud.count(LIST) == 1, lambda: harness.cloud.requests)
        for _ in range(10):
            session.lists.request("datastores")
        assert harness.cloud.count(LIST) == 1
        harness.cloud.pass_one.release()
        await until(lambda: harness.cloud.count(LIST) == 2, lambda: harness.cloud.requests)
        harness.cloud.pass_one.release()
        await harness.listed(DATASTORE_KIND, 2)
        await harness.clock.sleep(30)
        assert harness.cloud.count(LIST) == 2


async def test_something_pending_is_listed_at_its_own_pace() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    harness.cloud.put("datastores", "a", status="PENDING_CREATE")
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND, 3)
        harness.cloud.put("datastores", "a")
        await until(lambda: (a := snapshot.get("a")) and a.status == "ACTIVE", lambda: snapshot.get("a"))


async def test_a_collection_and_a_resource_may_want_a_pace_of_their_own() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    databases = LIST.replace("datastores", "databases")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        session.lists.need(DATABASE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.listed(DATABASE_KIND)
        session.lists.poll_every(None, PollSecondsOf.model_validate({"databases": 10}))
        await harness.listed(DATABASE_KIND, 4)
        assert harness.cloud.count(LIST) == 1, "it is the databases' own pace"
        session.lists.wish("datastores", KEY, 10)
        await harness.listed(DATASTORE_KIND, 4)
        session.forget(KEY)
        session.lists.poll_every(None, None)
        for _ in range(5):  # what was due already may still come; at the old paces there were ten in each of these
            listed = harness.cloud.count(LIST), harness.cloud.count(databases)
            await harness.clock.sleep(100)
            if (harness.cloud.count(LIST), harness.cloud.count(databases)) == listed:
                return
        raise AssertionError(f"still listed: {listed}")


async def test_after_a_change_the_collection_is_listed_soon() -> None:
    """A third of the interval for pending objects, though nothing is pending; the list after that is one at rest."""
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    harness.cloud.put("datastores", "a")
    harness.cloud.answers["PUT /datastores/a"] = lambda: httpx.Response(200)
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        call = DATASTORE_KIND.collection.update("a", DatastoreName(name="b"))
        await session.send(call, LOW)
        await harness.listed(DATASTORE_KIND, 2)


async def test_what_a_list_does_not_show_is_gone_once_a_get_says_so() -> None:
    harness = ProjectHarness()
    for id_ in "abcd":
        harness.cloud.put("datastores", id_)
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        del harness.cloud.rows["datastores"]["a"]
        harness.cloud.hidden = {"b"}
        session.lists.request("datastores")
        await until(lambda: snapshot.is_gone("a"), lambda: harness.cloud.requests)
        await until(lambda: not snapshot.is_dirty("b"), lambda: harness.cloud.requests)
        assert snapshot.get("a") is None
        assert snapshot.get("b") is not None
        assert {"GET /datastores/a", "GET /datastores/b"} == {*gets(harness)}
        assert harness.woken["object", NAME, "datastores", "a"] == 2
        assert harness.woken["key", NAME, "datastores", "a"] == 2


async def test_a_deleted_object_that_is_still_shown_is_gone() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cloud.put("datastores", "a", status="DELETED")
        session.lists.request("datastores")
        await until(lambda: snapshot.is_gone("a"), lambda: harness.cloud.requests)


async def test_a_short_list_is_thrown_away() -> None:
    harness = ProjectHarness()
    ids = {f"d{number}" for number in range(20)}
    for id_ in ids:
        harness.cloud.put("datastores", id_)
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cloud.hidden = ids
        session.lists.request("datastores")
        await until(lambda: len(gets(harness)) >= 3, lambda: harness.cloud.requests)
        harness.cloud.hidden = set()
        await harness.listed(DATASTORE_KIND, 2)
        assert len(gets(harness)) % 3 == 0
        assert {obj.id for obj in snapshot.all()} == ids
        assert not any(snapshot.is_dirty(id_) for id_ in ids)


async def test_a_great_loss_that_is_true_is_believed() -> None:
    harness = ProjectHarness()
    for number in range(20):
        harness.cloud.put("datastores", f"d{number}")
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cloud.rows["datastores"].clear()
        session.lists.request("datastores")
        await until(lambda: not snapshot.all(), lambda: harness.cloud.requests)


async def test_children_of_a_datastore_that_is_gone_need_one_get() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    harness.cloud.put("datastores", "a")
    for number in range(30):
        harness.cloud.put("databases", f"x{number}", datastore_id="a")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        databases = session.lists.need(DATABASE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.listed(DATABASE_KIND)
        harness.cloud.rows["datastores"].clear()
        harness.cloud.rows["databases"].clear()
        session.lists.request("databases")
        await until(lambda: not databases.all(), lambda: harness.cloud.requests)
        assert gets(harness) == ["GET /datastores/a"]
        assert len(gets(harness, "databases")) == 3, "the suspects"
        assert harness.woken["object", NAME, "databases", "x7"] == 2


async def test_an_answer_that_is_too_large_leaves_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small limit: how long a large answer takes to be read decides when the next one is asked for."""
    monkeypatch.setattr(limits, "ROW_LIMIT", 50)
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        rows = [{"id": str(number), "name": "n"} for number in range(51)]
        harness.cloud.answers[LIST] = lambda: httpx.Response(200, json={"datastores": rows})
        session.lists.request("datastores")
        await harness.settle("Synced", "False", "SnapshotTooLarge")
        assert harness.condition("Ready")[0] == "True"
        assert [obj.id for obj in snapshot.all()] == ["a"]
        del harness.cloud.answers[LIST]
        await harness.settle("Synced", "True", "InSync")


async def test_a_refused_list_is_reported() -> None:
    harness = ProjectHarness()
    harness.cloud.answers[LIST] = lambda: httpx.Response(403, json={"error": {"message": "no role"}})
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.settle("Synced", "False", "Refused")
        assert "no role" in harness.message("Synced")


async def test_calls_at_rest_do_not_grow_with_the_number_of_objects() -> None:
    harness = ProjectHarness()
    for number in range(500):
        harness.cloud.put("datastores", f"d{number}")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND, 4)
        assert {request for request in harness.cloud.requests if "datastores" in request} == {LIST}


async def test_a_closed_circuit_is_probed_by_one_list_at_a_time() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        session.lists.need(DATABASE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.listed(DATABASE_KIND)
        harness.cloud.is_dead = True
        session.lists.request("datastores")
        session.lists.request("databases")
        await until(lambda: session.circuit.is_open, lambda: harness.cloud.requests)
        asked, opened_at = len(harness.cloud.requests), harness.clock.monotonic()
        await harness.clock.sleep(200)
        intervals = (harness.clock.monotonic() - opened_at) / SETTINGS.probe_seconds
        assert 0 < len(harness.cloud.requests) - asked <= intervals + 2
        harness.cloud.is_dead = False
        before = harness.woken["list", NAME, "datastores"], harness.woken["list", NAME, "databases"]
        await harness.listed(DATASTORE_KIND, before[0] + 1)
        await harness.listed(DATABASE_KIND, before[1] + 1)


async def test_a_long_list_is_not_repeated_soon_even_when_asked() -> None:
    harness = ProjectHarness()
    harness.cloud.held = LIST
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await until(lambda: harness.cloud.count(LIST) == 1, lambda: harness.cloud.requests)
        begun = harness.clock.monotonic()
        await harness.clock.sleep(10)
        session.lists.request("datastores")
        ended = harness.clock.monotonic()
        harness.cloud.pass_one.release()
        await until(lambda: harness.cloud.count(LIST) == 2, lambda: harness.cloud.requests)
        assert harness.clock.monotonic() - ended >= 10 * (ended - begun)


async def test_a_request_waits_for_the_pause_after_a_failure() -> None:
    harness = ProjectHarness(replace(SETTINGS, min_backoff_seconds=100.0))
    asked: list[float] = []

    def refuse() -> httpx.Response:
        asked.append(harness.clock.monotonic())
        return httpx.Response(403)

    harness.cloud.answers[LIST] = refuse
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.settle("Synced", "False", "Refused")
        session.lists.request("datastores")
        await until(lambda: len(asked) > 1, lambda: harness.cloud.requests)
        assert asked[1] - asked[0] >= 100
