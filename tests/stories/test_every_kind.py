"""Rules for all kinds: parents that are missing or deleted first, an API that refuses, and drift."""

import asyncio
import re
from typing import Any

from kube.kind_tests import told_by_kind_tests
from managed_databases.kinds.registry import cloud_kinds, kinds
from stories.clouds import in_both_clouds
from stories.everything import CHANGE, COLLECTIONS, all_is_in_sync, first_of, give, nothing_is_left, project, resources
from stories.pace import fast
from stories.world import World, condition

REFUSAL = {"error": {"code": 400, "title": "Bad Request", "message": "Validation failure: {'x': 'not today'}"}}
KINDS = cloud_kinds(kinds())
CHILDREN = [name for name, kind in KINDS.items() if kind.is_inside]
OUTSIDE = [name for name in KINDS if name not in CHILDREN]
DRIFT: dict[str, dict[str, Any]] = {
    "ManagedDatastore": {"backup_retention_days": 3},
    "ManagedDatabase": {"owner_id": None},
    **dict(told_by_kind_tests("DRIFT")),
}
"""Kind -> what others change in the cloud, in the object of its first resource."""
MADE_AGAIN = [name for name, kind in KINDS.items() if kind.collection.updates is None and not kind.holds_data]
"""Of these nothing can change: others take them away."""
MENDED = {kind: ("PUT", f"/v1/{COLLECTIONS[kind]}/{{id}}") for kind in DRIFT}
MENDED |= {kind: ("POST", f"/v1/{COLLECTIONS[kind]}") for kind in MADE_AGAIN}
MENDED["ManagedDatastore"] = ("PUT", "/v1/datastores/{id}/backups")
"""Kind -> the call that mends it."""


async def in_sync(world: World) -> None:
    async def look() -> bool:
        await all_is_in_sync(world)
        return True

    await world.until("all is in sync", look, 120)


async def made(world: World, **spec: Any) -> None:
    await give(world)
    await world.operator.start()
    await world.apply(project(world), *resources(world, **spec))
    await in_sync(world)


async def mutations(world: World) -> list[tuple[str, str]]:
    """The changing requests, ids left out, but for those that a datastore at work refused."""
    asked = await world.sandbox.requests(path="/v1/")
    changing = [(each["method"], each["path"]) for each in asked if each["method"] != "GET" and each["status"] != 409]
    return sorted((method, re.sub(r"/[0-9a-f-]{36}", "/{id}", path)) for method, path in changing)


@fast
async def test_parents_that_are_missing_and_an_api_that_refuses(world: World) -> None:
    await give(world)
    await world.operator.start()
    everything = resources(world)
    await world.apply(project(world), *(each for each in everything if each["kind"] in CHILDREN))
    for each in everything:
        if each["kind"] in CHILDREN:
            name = each["metadata"]["name"]
            waiting = await world.becomes(each["kind"], name, "Ready", "False", reason="ParentMissing")
            assert condition(waiting, "Stalled")["status"] == "False", "it may come at any time"
            assert "there is no ManagedDatastore" in condition(waiting, "Ready")["message"]
    assert await mutations(world) == []

    refuse = await world.sandbox.fault(method="POST", path="/v1/", status=400, body=REFUSAL)
    await world.apply(*everything)
    for each in everything:
        if each["kind"] in OUTSIDE:
            stalled = await world.becomes(each["kind"], each["metadata"]["name"], "Stalled", reason="Invalid")
            assert "not today" in condition(stalled, "Stalled")["message"]
    assert any(fault["id"] == refuse and fault["met"] for fault in await world.sandbox.faults())
    await world.sandbox.clear_faults()
    children = "|".join(COLLECTIONS[kind] for kind in CHILDREN)
    await world.sandbox.fault(method="POST", path=f"/({children})$", status=400, body=REFUSAL)
    await ask_again(world, *OUTSIDE)
    for each in everything:
        if each["kind"] in ("DatabaseUser", "KafkaTopic"):  # the others wait for these
            await world.becomes(each["kind"], each["metadata"]["name"], "Stalled", reason="Invalid")
    await world.sandbox.clear_faults()
    await ask_again(world, *COLLECTIONS)
    await in_sync(world)
    for kind, collection in COLLECTIONS.items():
        wanted = [each for each in everything if each["kind"] == kind]
        assert len(await world.sandbox.objects(collection)) == len(wanted), kind


async def ask_again(world: World, *wanted: str) -> None:
    for each in resources(world):
        if each["kind"] in wanted:
            await world.annotate(each["kind"], each["metadata"]["name"], sync_requested=f"again {len(wanted)}")


@fast
async def test_what_people_change_later_is_changed(world: World) -> None:
    await made(world)
    await world.sandbox.clear_requests()
    for kind, spec in CHANGE.items():
        await world.change(kind, first_of(world, kind), **spec)
    await in_sync(world)
    assert await mutations(world) == sorted(("PUT", f"/v1/{COLLECTIONS[kind]}/{{id}}") for kind in CHANGE)


@fast
async def test_drift_is_corrected(world: World) -> None:
    await made(world)
    await world.change("ManagedDatastore", "main", backupRetentionDays=7)
    await in_sync(world)
    await world.sandbox.clear_requests()
    for kind in DRIFT:
        await drift(world, kind)
    for kind in MADE_AGAIN:
        await world.sandbox.vanish(COLLECTIONS[kind], (await world.get(kind, first_of(world, kind)))["status"]["id"])

    async def corrected() -> list[tuple[str, str]]:
        found = await mutations(world)
        assert len(found) >= len(MENDED), found
        return found

    await world.until("each difference is corrected", corrected)
    await in_sync(world)
    assert await mutations(world) == sorted(MENDED.values())


@fast
async def test_drift_is_reported_only_where_so_asked(world: World) -> None:
    await made(world, driftPolicy="Report")
    await world.change("ManagedDatastore", "main", backupRetentionDays=7)
    await in_sync(world)
    await world.sandbox.clear_requests()
    for kind in DRIFT:
        await drift(world, kind)
    for kind in DRIFT:
        told = await world.becomes(kind, first_of(world, kind), "Synced", "False", reason="Drift")
        assert condition(told, "Ready")["status"] == "True", "it can be used"
        assert condition(told, "Stalled")["status"] == "False"
    assert await mutations(world) == []


async def drift(world: World, kind: str) -> None:
    id_ = (await world.get(kind, first_of(world, kind)))["status"]["id"]
    await world.sandbox.edit(COLLECTIONS[kind], id_, **DRIFT[kind])


@in_both_clouds
async def test_parents_that_go_first(world: World) -> None:
    await made(world)
    for name in ("main", "broker"):
        await world.delete("ManagedDatastore", name, wait=False)
        waiting = await world.becomes("ManagedDatastore", name, "Ready", "False", reason="InUse")
        assert "delete what is in the datastore first" in condition(waiting, "Ready")["message"]
    assert [method for method, _ in await mutations(world) if method == "DELETE"] == []
    others = [each for each in resources(world) if each["metadata"]["name"] not in ("main", "broker")]
    await asyncio.gather(*(world.delete(each["kind"], each["metadata"]["name"], wait=False) for each in others))

    async def look() -> bool:
        await nothing_is_left(world)
        return True

    await world.until("nothing is left", look)
    deleted = [path for method, path in await mutations(world) if method == "DELETE"]
    outside = sorted(f"/v1/{COLLECTIONS[each['kind']]}/{{id}}" for each in resources(world) if each["kind"] in OUTSIDE)
    assert deleted == outside, "what is inside goes along"
