"""While nothing proves who holds an object, nobody else gets it; and deleting the Secret of the operator's key loses nothing."""

import asyncio
from typing import Any

import httpx
import pytest

from managed_databases.reconcile.observe.seal_key import KEY_SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.attacked_world import (
    HERS,
    KEY,
    MAIN,
    USERS,
    begin,
    changing,
    made,
    reason,
    unsealed,
    writes_status,
)
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import IN_MAIN, SPECS

BOTH_ADOPT = {"allowedNamespaces": [{"name": name, "powers": ["adopt"]} for name in (NAMESPACE, HERS)]}


@pytest.mark.parametrize("what", ["a user in it", "a copy of it"])
def test_the_power_to_adopt_gives_no_access_to_claimed_objects(what: str) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(**BOTH_ADOPT))
            await world.start()
            await made(world)
            there = {"datastoreRef": {"id": world.get(MAIN)["status"]["id"]}}
            await world.kill()
            world.cluster.delete(KEY)
            await world.start()
            await world.until("nothing is believed", lambda: reason(world, MAIN) == "OwnershipNotProven")
            world.sent.clear()
            spy = ResourceKey(USERS if what == "a user in it" else MAIN.kind, HERS, "spy")
            spec: dict[str, Any] = there | {"projectRef": {"name": "team"}}
            world.cluster.apply(
                manifest(spy.kind, spy.name, HERS, spec if spy.kind == USERS else SPECS[MAIN] | {"restore": there})
            )
            await world.until("it is refused", lambda: reason(world, spy) == "Forbidden")
            await asyncio.sleep(900)
            assert changing(world) == []
            mine = ResourceKey(USERS, NAMESPACE, "app")
            world.cluster.apply(manifest(mine.kind, mine.name, NAMESPACE, spec))
            await world.until("its own namespace waits", lambda: world.says(mine, "Ready")[1] == "ParentNotReady")
            assert changing(world) == []

    in_virtual_time(scenario())


def test_a_user_inside_is_not_shared_while_nothing_proves_whose_the_database_is() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project(**BOTH_ADOPT))
            await world.start()
            await made(world)
            shop = ResourceKey("ManagedDatabase", NAMESPACE, "shop")
            world.cluster.apply(manifest(shop.kind, shop.name, NAMESPACE, IN_MAIN))
            await world.until("the database is there", lambda: world.says(shop, "Ready")[0] == "True")
            datastore, database = world.get(MAIN)["status"]["id"], world.get(shop)["status"]["id"]
            for key in (MAIN, shop):
                writes_status(world, key, seal="00000000.0000")
            await world.until("it is told", lambda: reason(world, MAIN) == "OwnershipNotProven")
            world.sent.clear()
            there = {"datastoreRef": {"id": datastore}, "projectRef": {"name": "team"}}
            hers = {"databaseRef": {"id": database}, "userRef": {"name": "spy"}}
            world.cluster.apply(manifest(USERS, "spy", HERS, there))
            world.cluster.apply(manifest("DatabaseGrant", "spy", HERS, there | hers))
            await asyncio.sleep(900)
            assert changing(world) == []
            assert reason(world, ResourceKey("DatabaseGrant", HERS, "spy")) == "Forbidden"

    in_virtual_time(scenario())


def test_a_key_that_is_deleted_while_it_lists_trusted_claims() -> None:
    """As at the first start of a version with seals, while the API is away."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await made(world)
            await world.kill()
            unsealed(world)
            world.refuses = lambda _: httpx.Response(503)
            await world.start()
            await world.until("it lists", lambda: "listed" in world.secret_in(SYSTEM, KEY_SECRET))
            before = world.secret_in(SYSTEM, KEY_SECRET)
            world.cluster.delete(KEY)
            await world.until("it is put back", lambda: world.secret_in(SYSTEM, KEY_SECRET) == before)
            world.refuses = lambda _: None
            await world.until("it is sealed", lambda: world.get(MAIN)["status"].get("seal"))
            await world.until("that is over", lambda: "listed" not in world.secret_in(SYSTEM, KEY_SECRET))
            assert world.says(MAIN, "Synced") == ("True", "InSync")

    in_virtual_time(scenario())
