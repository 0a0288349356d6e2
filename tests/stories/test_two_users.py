"""Two users take turns, on a real API server, with the least rights: the mounted Secret opens all the time, also across kills."""

import asyncio

import pytest

from cluster import Refused
from stories.kill_points import QUICK
from stories.world import World, condition, manifest

TWO = {"strategy": "TwoUsers", "keepOldFor": "3s"}

quick = pytest.mark.parametrize("world", [{"settings": QUICK}], indirect=True, ids=["quick"])


async def _logs_in(world: World, refused: list[str]) -> None:
    while True:
        secret = await world.secret("app-user")
        main = (await world.get("ManagedDatastore", "main"))["status"]["id"]
        if not await world.sandbox.login(main, secret["username"], secret["password"]):
            refused.append(secret["username"])
        await asyncio.sleep(0.1)


async def _answered(world: World, request: str) -> None:
    await world.annotate("DatabaseUser", "app", rotate_password=request)

    async def is_over() -> bool:
        told = (await world.get("DatabaseUser", "app"))["status"]["rotation"]
        return told.get("handledRequest") == request and "lockAt" not in told and "turningTo" not in told

    await world.until(f"{request} is answered", is_over)


@quick
async def test_the_secret_opens_all_the_time(world: World) -> None:
    await world.sandbox.settings(user_offers=True)
    await world.operator.start()
    await world.apply(
        world.project_manifest(),
        world.datastore(),
        world.database("shop"),
        world.database("stock"),
        world.user(databases=[{"name": "shop"}], rotation=TWO, roles=["pg_read_all_data"]),
    )
    await world.becomes("DatabaseUser", "app-twin", "Synced")
    await world.becomes("DatabaseUser", "app", "Synced")
    both = await world.sandbox.objects("users")
    assert sorted(user["name"] for user in both) == ["app", "app_twin"]
    assert both[0]["roles"] == both[1]["roles"] != []
    assert len(await world.sandbox.objects("grants")) == 2
    separate = {"datastoreRef": {"name": "main"}, "databaseRef": {"name": "stock"}, "userRef": {"name": "app"}}
    await world.apply(manifest("DatabaseGrant", "by-hand", world.namespace, separate))

    async def has_it_too() -> bool:
        return len(await world.sandbox.objects("grants")) == 4

    await world.until("the second user has the grant that was made by itself", has_it_too)
    await world.becomes("DatabaseUser", "app", "Synced")
    refused: list[str] = []
    application = asyncio.create_task(_logs_in(world, refused))
    old = await world.secret("app-user")
    await _answered(world, "one")
    new = await world.secret("app-user")
    assert (old["username"], new["username"]) == ("app", "app_twin")
    main = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    assert not await world.sandbox.login(main, old["username"], old["password"])
    for number in range(3):
        await world.annotate("DatabaseUser", "app", rotate_password=f"killed {number}")
        await asyncio.sleep(0.2 + 0.3 * number)
        await world.operator.kill()
        await asyncio.sleep(0.3)
        await world.operator.start()
        await _answered(world, f"killed {number}")
    assert (await world.secret("app-user"))["username"] == "app"
    application.cancel()
    assert refused == []
    assert len(await world.sandbox.objects("users")) == 2
    with pytest.raises(Refused, match="keepOldFor goes with the strategy TwoUsers"):
        await world.change("DatabaseUser", "app", rotation={"everyDays": 1, "strategy": "InPlace"})
    await world.change("DatabaseUser", "app", rotation=None)

    async def only_one() -> bool:
        return len(await world.sandbox.objects("users")) == 1 and len(await world.sandbox.objects("grants")) == 2

    await world.until("one user is left", only_one)
    assert await world.login_works("app")
    assert not await world.cluster.exists("Secret", "app-user-own", world.namespace)


@quick
async def test_what_cannot_take_turns_says_so(world: World) -> None:
    await world.operator.start()
    allowed = [{"name": world.namespace, "powers": ["adopt"]}]
    await world.apply(world.project_manifest(allowedNamespaces=allowed), world.datastore())
    for spec, message in (
        (
            {"rotation": TWO, "passwordSecretRef": {"name": "own", "key": "password"}},
            "say rotation or passwordSecretRef",
        ),
        ({"rotation": TWO, "adoption": "Required"}, "is for users that the operator has made"),
        ({"rotation": {"strategy": "InPlace"}}, "only with the strategy TwoUsers both may be left out"),
        ({"rotation": TWO | {"keepOldFor": "soon"}}, "keepOldFor"),
    ):
        with pytest.raises(Refused, match=message):
            await world.apply(world.user(**spec))
    await world.becomes("ManagedDatastore", "main")
    main = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    await world.sandbox.create("users", {"datastore_id": main, "name": "app", "password": "theirs"})
    await world.apply(world.user(rotation=TWO, adoption="IfExists", onUnknownPassword="Reset"))
    told = await world.becomes("DatabaseUser", "app", "Stalled", reason="InvalidSpec")
    assert "TwoUsers is for users that the operator has made" in condition(told, "Stalled")["message"]
    assert condition(told, "Ready")["status"] == "True"
    assert [user["name"] for user in await world.sandbox.objects("users")] == ["app"]
