"""A datastore with a database and a user, and what must be true of them after Kubernetes was restored to an older state."""

from cluster import Manifest
from stories.world import COLLECTIONS, World, condition


def everything(world: World, **spec: object) -> list[Manifest]:
    return [
        world.datastore(**spec),
        world.database(ownerRef={"name": "app"}, **spec),
        world.user(databaseRef={"name": "shop"}, **spec),
    ]


async def ids(world: World) -> dict[str, list[str]]:
    return {name: [row["id"] for row in await world.sandbox.objects(name)] for name in COLLECTIONS.values()}


async def all_ready(world: World, resources: list[Manifest]) -> None:
    for each in resources:
        await world.becomes(each["kind"], each["metadata"]["name"])
        await world.becomes(each["kind"], each["metadata"]["name"], "Synced")


async def nothing_is_lost_or_doubled(world: World, later: list[Manifest], before: dict[str, list[str]]) -> None:
    """`later` were made since, and come again from Git; `before` is what the cloud had."""
    await all_ready(world, everything(world))
    await world.apply(*later)  # from Git
    for each in later:
        there = await world.becomes(each["kind"], "later", "Stalled", reason="AlreadyExists")
        assert "choose another name" in condition(there, "Stalled")["message"]
    assert await ids(world) == before
    assert await world.calls("DELETE") == []
    assert [post["status"] for post in await world.calls("POST", "/v1/") if post["status"] in (200, 201)] == []
    assert await world.login_works()
