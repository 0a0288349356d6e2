"""A user who lists its databases: grants of their own come, change and go with the list."""

from stories.world import World, condition, manifest


async def test_grants_follow_the_list(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(),
        world.datastore(),
        world.database("shop"),
        world.database("stock"),
        world.user(databases=[{"name": "shop"}]),
    )
    await world.becomes("DatabaseGrant", "app-shop")
    await world.becomes("DatabaseUser", "app", "Synced")
    assert len(await world.posts("grants")) == 1

    await world.change("DatabaseUser", "app", databases=[{"name": "stock"}])
    await world.becomes("DatabaseGrant", "app-stock")

    async def only_the_new_one() -> bool:
        return len(await world.sandbox.objects("grants")) == 1

    await world.until("the first grant is gone", only_the_new_one)

    # What somebody else made under the name is not taken over.
    foreign = {"datastoreRef": {"name": "main"}, "databaseRef": {"name": "shop"}, "userRef": {"name": "app"}}
    await world.apply(manifest("DatabaseGrant", "app-shop", world.namespace, foreign))
    await world.becomes("DatabaseGrant", "app-shop")
    await world.change("DatabaseUser", "app", databases=[{"name": "stock"}, {"name": "shop"}])
    stalled = await world.becomes("DatabaseUser", "app", "Stalled", reason="ResourceConflict")
    assert "app-shop" in condition(stalled, "Stalled")["message"]
    assert condition(stalled, "Ready")["status"] == "True"

    await world.delete("DatabaseUser", "app", wait=False)

    async def all_gone() -> bool:
        return not await world.cluster.exists("DatabaseGrant", "app-stock", world.namespace)

    await world.until("the owned grant goes with its user", all_gone)
