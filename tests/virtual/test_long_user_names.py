"""Names of users beyond the 32 characters of the API's reference: of existing users, and of new ones where the API takes them."""

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
APP = ResourceKey("DatabaseUser", NAMESPACE, "app")
LONG = "u" * 35


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("exists", [False, True])
def test_a_long_name(exists: bool, allowed: bool) -> None:
    in_virtual_time(long_name(exists, allowed))


async def long_name(exists: bool, allowed: bool) -> None:
    async with VirtualWorld() as world:
        await world.settings(long_user_names=allowed)
        world.cluster.apply(project())
        await world.start()
        world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
        await world.until("there is a datastore", lambda: world.says(MAIN, "Ready")[0] == "True")
        (datastore,) = await world.objects("datastores")
        there = None
        if exists:
            there = await world.create("users", {"name": LONG, "datastore_id": datastore["id"], "password": "old"})
        spec = {"datastoreRef": {"name": MAIN.name}, "name": LONG, "adoption": "IfExists", "onUnknownPassword": "Reset"}
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
        if not exists and not allowed:
            await world.until("it is refused", lambda: world.says(APP, "Stalled") == ("True", "Invalid"))
            told = condition(world.get(APP), "Stalled")["message"]
            assert f"{{'user.name': \"'{LONG}' is too long\"}}" in told, "by the API, in its own words"
            return
        await world.until("it can be used", lambda: world.says(APP, "Ready")[0] == "True")
        (user,) = await world.objects("users")
        assert user["name"] == LONG
        assert there is None or user["id"] == there["id"]
        assert await world.login(datastore["id"], LONG, world.secret("app-user")["password"])
