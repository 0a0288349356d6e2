"""A waiting resource is woken by the change that it waits for. Polls and retries come once an hour here, so they explain
nothing.
"""

from typing import Any

import pytest

from stories.world import COLLECTIONS, World, condition

HOUR = 3600
NOTHING_BY_TIME = {
    "settings": {
        "poll_seconds": HOUR,
        "pending_poll_seconds": HOUR,
        "resync_seconds": HOUR,
        "min_backoff_seconds": HOUR,
        "catalogue_seconds": HOUR,
    },
    "sandbox_arguments": ("--manual",),
}
FLUX = "reconcile.fluxcd.io/requestedAt"

pytestmark = pytest.mark.parametrize("world", [NOTHING_BY_TIME], indirect=True, ids=["nothing by time"])


async def test_one_list_of_the_datastores_sets_all_in_motion(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.user("second", databaseRef={"name": "shop"}),
        world.database(ownerRef={"name": "app"}),
        world.user(databaseRef={"name": "shop"}),
        world.datastore(),
        world.project_manifest(pollSeconds=HOUR),
    )
    await posted(world, "datastores", 1)
    for kind, name in (("DatabaseUser", "app"), ("DatabaseUser", "second"), ("ManagedDatabase", "shop")):
        await world.becomes(kind, name, status="False", reason="ParentNotReady")
    await world.sandbox.complete()
    await world.sandbox.clear_requests()

    await request_sync(world, "ManagedDatastore", "main", "first")
    await posted(world, "users", 2)
    # The cloud works on them, too, and nobody tells the operator when it is done: again one list, of the users.
    await world.sandbox.complete()
    await request_sync(world, "DatabaseUser", "second", "users")
    await posted(world, "databases", 1)
    await world.sandbox.complete()
    await request_sync(world, "ManagedDatabase", "shop", "databases")

    for kind, name in (
        ("ManagedDatastore", "main"),
        ("DatabaseUser", "app"),
        ("DatabaseUser", "second"),
        ("ManagedDatabase", "shop"),
    ):
        await world.becomes(kind, name)
    for collection in COLLECTIONS.values():
        assert len(await listed(world, collection)) == 1, f"one list of {collection}, the one that was asked for"


async def test_a_requested_sync_is_handled_at_once_and_echoed(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(pollSeconds=HOUR), world.datastore())
    await posted(world, "datastores", 1)
    await world.sandbox.complete()
    await request_sync(world, "ManagedDatastore", "main", "ours")
    await world.becomes("ManagedDatastore", "main")

    datastore = (await world.sandbox.objects("datastores"))[0]
    await world.sandbox.edit("datastores", datastore["id"], status="DEGRADED")
    await annotate(world, "ManagedDatastore", "main", **{FLUX: "2026-01-01T00:00:00Z"})
    await until_handled(world, "ManagedDatastore", "main", "2026-01-01T00:00:00Z")
    await world.becomes("ManagedDatastore", "main", "Degraded")

    await world.sandbox.edit("datastores", datastore["id"], status="ACTIVE")
    await annotate(world, "ManagedDatastore", "main", **{FLUX: "2026-01-02T00:00:00Z"})
    await until_handled(world, "ManagedDatastore", "main", "2026-01-02T00:00:00Z")

    async def is_whole_again() -> bool:
        return not condition(await world.get("ManagedDatastore", "main"), "Degraded")

    await world.until("the datastore is no longer degraded", is_whole_again)

    await annotate(world, "DatabaseProject", world.project, **{FLUX: "of-the-project"})
    await until_handled(world, "DatabaseProject", world.project, "of-the-project")


async def posted(world: World, collection: str, count: int) -> None:
    async def enough() -> bool:
        assert len(await world.posts(collection)) == count, await world.sandbox.requests(method="POST")
        return True

    await world.until(f"{count} POSTs of {collection}", enough)


async def listed(world: World, collection: str) -> list[dict[str, Any]]:
    return [request for request in await world.calls("GET") if request["path"].endswith(f"/{collection}")]


async def annotate(world: World, kind: str, name: str, **annotations: str) -> None:
    namespace = None if kind == "DatabaseProject" else world.namespace
    await world.cluster.patch(kind, name, namespace, {"metadata": {"annotations": annotations}})


async def request_sync(world: World, kind: str, name: str, token: str) -> None:
    await world.annotate(kind, name, sync_requested=token)
    await until_handled(world, kind, name, token)


async def until_handled(world: World, kind: str, name: str, token: str) -> None:
    async def is_echoed() -> bool:
        handled = (await world.get(kind, name))["status"].get("lastHandledSyncRequest", "")
        assert token in handled.split(), handled
        return True

    await world.until(f"{kind} {name} echoes {token}", is_echoed)
