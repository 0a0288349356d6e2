"""What a guest namespace may do in another namespace's datastore, and the label that a Secret with a password must have."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, OWN, ResourceKey
from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, SPECS, begin_with_datastore

MAIN = KEYS[0]
ELSEWHERE = "elsewhere"
THERE = {"datastoreRef": {"name": MAIN.name, "namespace": NAMESPACE}}
APP = ResourceKey("DatabaseUser", NAMESPACE, "app")


async def begin(world: VirtualWorld, **spec: Any) -> str:
    """A datastore that lets a guest in; return its id."""
    world.cluster.apply(project(allowedNamespaces=[{"name": NAMESPACE}, {"name": ELSEWHERE}]))
    await world.start()
    allowed = {"allowedNamespaces": [ELSEWHERE]} | spec
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | allowed))
    await world.until("the datastore is there", lambda: world.says(MAIN, "Synced")[0] == "True")
    return str(world.get(MAIN)["status"]["id"])


@pytest.mark.parametrize("by_id", [False, True])
def test_a_guest_restores_only_what_the_owner_lets_him(by_id: bool) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            id_ = await begin(world, guestRights=[{"namespace": "another", "restore": True}])
            copy = ResourceKey(MAIN.kind, ELSEWHERE, "copy")
            source = {"id": id_} if by_id else THERE["datastoreRef"]
            world.cluster.apply(
                manifest(copy.kind, copy.name, ELSEWHERE, SPECS[MAIN] | {"restore": {"datastoreRef": source}})
            )
            await world.until("it is refused", lambda: world.says(copy, "Stalled") == ("True", "Forbidden"))
            await asyncio.sleep(300)
            assert len(await world.objects("datastores")) == 1
            world.cluster.change(MAIN, guestRights=[{"namespace": ELSEWHERE, "restore": True}])
            await world.until("the owner lets him", lambda: world.says(copy, "Ready")[0] == "True")

    in_virtual_time(scenario())


def test_a_guest_refers_only_to_databases_that_the_owner_shares() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            shop = ResourceKey("ManagedDatabase", NAMESPACE, "shop")
            world.cluster.apply(manifest(shop.kind, shop.name, NAMESPACE, IN_MAIN))
            world.cluster.apply(manifest("DatabaseUser", "guest", ELSEWHERE, THERE))
            await world.until("the database is there", lambda: world.says(shop, "Ready")[0] == "True")
            by_id = {"databaseRef": {"id": world.get(shop)["status"]["id"]}, "userRef": {"name": "guest"}}
            grant = ResourceKey("DatabaseGrant", ELSEWHERE, "grant")
            world.cluster.apply(manifest(grant.kind, grant.name, ELSEWHERE, THERE | by_id))
            await world.until("it is refused", lambda: world.says(grant, "Stalled") == ("True", "Forbidden"))
            for rights in (
                [{"namespace": "another", "databases": ["shop"]}],
                [{"namespace": ELSEWHERE, "databases": ["x"]}],
            ):
                world.cluster.change(MAIN, guestRights=rights)
                await asyncio.sleep(60)
                assert world.says(grant, "Stalled") == ("True", "Forbidden")
            rights = [{"namespace": ELSEWHERE, "databases": ["shop"]}]
            world.cluster.change(MAIN, guestRights=rights, allowedNamespaces=[])
            await asyncio.sleep(60)
            assert world.says(grant, "Ready")[0] == "False", "who is not let in has no rights"
            world.cluster.change(MAIN, allowedNamespaces=[ELSEWHERE])
            await world.until("it is granted", lambda: world.says(grant, "Ready")[0] == "True")

    in_virtual_time(scenario())


@pytest.mark.parametrize("label", [{}, {MANAGED_LABEL: OWN}, {MANAGED_LABEL: "Password"}])
def test_a_secret_is_given_only_where_it_says_so(label: dict[str, str]) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            given = ResourceKey(SECRET, NAMESPACE, "given")
            data = {"password": b64encode(b"of another application").decode()}
            world.cluster.create(given, {"metadata": {"labels": label}, "data": data})
            spec = IN_MAIN | {"passwordSecretRef": {"name": "given"}}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
            await world.until("it is not there", lambda: world.says(APP, "Ready") == ("False", "SecretMissing"))
            await asyncio.sleep(700)
            assert world.secret("app-user") == {}
            world.cluster.objects[given]["metadata"]["labels"] = {MANAGED_LABEL: GIVEN}
            world.cluster.touch(given)
            await world.until("it says so", lambda: world.says(APP, "Ready")[0] == "True")
            assert world.secret("app-user")["password"] == "of another application"

    in_virtual_time(scenario())
