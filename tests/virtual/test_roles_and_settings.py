"""Roles and settings of a user in virtual time: with a cloud that has them, with one that has not, and across a kill."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
USER = ResourceKey("DatabaseUser", NAMESPACE, "app")
WANTED: dict[str, Any] = {"roles": ["pg_read_all_data"], "settings": {"conn_limit": "20", "login": True}}

MANAGED = {"roles.pg_read_all_data", "settings.conn_limit", "settings.login"}


async def begin(world: VirtualWorld, **spec: Any) -> ResourceKey:
    """A datastore and a user with this spec; returns the user's key."""
    key = USER
    world.cluster.apply(project())
    await world.start()
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
    world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, {"datastoreRef": {"name": MAIN.name}} | spec))
    return key


async def the_user(world: VirtualWorld) -> dict[str, Any]:
    (user,) = await world.objects("users")
    return user


def puts(world: VirtualWorld) -> list[str]:
    return [sent.path.rpartition("/")[2] for sent in world.sent if sent.method == "PUT" and "/users/" in sent.path]


def test_they_are_given_changed_and_reset() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            key = await begin(world, **WANTED)
            await world.until("it is made", lambda: world.says(key, "Ready")[0] == "True")
            made = await the_user(world)
            assert len(made["roles"]) == 1
            assert made["settings"] == {"conn_limit": 20, "login": True}
            assert puts(world) == [], "the POST has carried all of it"
            assert set(world.get(key)["status"]["managed"]) == MANAGED
            world.cluster.change(key, roles=["pg_read_all_data", "pg_write_all_data"], settings={"conn_limit": 30})
            await world.until("it is changed", lambda: puts(world) == ["roles", "settings"])
            await world.until("all is right", lambda: world.says(key, "Synced") == ("True", "InSync"))
            changed = await the_user(world)
            assert len(changed["roles"]) == 2
            assert changed["settings"] == {"conn_limit": 30}, "login has left the spec, so it was reset"
            world.cluster.change(key, roles=None, settings=None)
            await world.until("they are reset", lambda: puts(world)[2:] == ["roles", "settings"])
            await world.until("all is right", lambda: world.says(key, "Synced") == ("True", "InSync"))
            left = await the_user(world)
            assert (left["roles"], left["settings"]) == ([], {})
            assert "managed" not in world.get(key)["status"]

    in_virtual_time(story())


def test_an_older_cloud_makes_the_user_all_the_same() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            key = await begin(world, **WANTED)
            await world.until("it is told", lambda: world.says(key, "Synced") == ("False", "NotSupported"))
            assert world.says(key, "Ready")[0] == "True", "the rest of the user works"
            assert not {"roles", "settings"} & (await the_user(world)).keys()
            before = len(world.sent)
            await asyncio.sleep(3600)
            asked = [sent.path for sent in world.sent[before:] if sent.path.endswith(("/roles", "-parameters"))]
            assert len(asked) <= 3 * 7, "asked for once with each reading of the catalogue"
            assert puts(world) == []
            await world.settings(user_offers=True)  # the cloud is brought up to date
            await world.until("it has them", lambda: world.says(key, "Synced") == ("True", "InSync"), 1800)
            assert (await the_user(world))["settings"] == {"conn_limit": 20, "login": True}

    in_virtual_time(story())


def test_who_needs_none_does_not_ask_for_them() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            key = await begin(world)
            await world.until("it is made", lambda: world.says(key, "Ready")[0] == "True")
            await asyncio.sleep(3600)
            assert not [sent for sent in world.sent if sent.path.endswith(("/roles", "/user-setting-parameters"))]

    in_virtual_time(story())


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}])
def test_offers_that_cannot_be_read(fault: dict[str, Any]) -> None:
    """A failure is waited out, and told meanwhile; without the right to read them there is nothing on offer."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            await world.fault(path="^/v1/roles", **fault)
            key = await begin(world, **WANTED)
            if fault["status"] == 403:
                await world.until("it is told", lambda: world.says(key, "Synced") == ("False", "NotSupported"))
                assert (await the_user(world))["settings"] == {"conn_limit": 20, "login": True}
            else:
                await world.until("it is told", lambda: world.says(key, "Synced") == ("False", "Looking"))
                assert await world.objects("users") == []
            await world.clear_faults()
            await world.until("it has them", lambda: world.says(key, "Synced") == ("True", "InSync"), 1800)
            assert len((await the_user(world))["roles"]) == 1

    in_virtual_time(story())


@pytest.mark.parametrize("seconds", [0.005, 0.02, 0.5, 1.5, 3.0])
def test_a_kill_in_the_middle_of_a_change_loses_no_reset(seconds: float) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            key = await begin(world)
            await world.until("it is made", lambda: world.says(key, "Ready")[0] == "True")
            world.cluster.change(key, **WANTED)
            await asyncio.sleep(seconds)
            await world.kill()
            await world.start()
            await world.until("it has them", lambda: world.says(key, "Synced") == ("True", "InSync"))
            world.cluster.change(key, roles=None, settings=None)
            await asyncio.sleep(600)
            left = await the_user(world)
            assert (left["roles"], left["settings"]) == ([], {}), "the operator has set them, so it resets them"

    in_virtual_time(story())


@pytest.mark.parametrize("fault", [None, {"status": 503}, {"status": 404}])
def test_a_restart_says_nothing_new(fault: dict[str, Any] | None) -> None:
    """A process that has just started does not know the offers; what it waits for is no news, unless it cannot read them."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            key = await begin(world, **WANTED)
            await world.until("all is right", lambda: world.says(key, "Synced") == ("True", "InSync"))
            before = world.get(key)["metadata"]["resourceVersion"]
            await world.kill()
            # The catalogue is read before the list of users: its offers are asked for later.
            world.seconds_to_answer = lambda request: 20.0 if request.url.path == "/v1/users" else 0.01
            if fault:
                await world.fault(path="^/v1/roles", **fault)
            await world.start()
            await asyncio.sleep(120)
            if not fault:
                assert world.get(key)["metadata"]["resourceVersion"] == before, world.get(key)["status"]
            else:
                why = "Looking" if fault["status"] == 503 else "NotSupported"
                assert world.says(key, "Synced") == ("False", why)
                assert world.says(key, "Ready")[0] == "True"
                assert set(world.get(key)["status"]["managed"]) == MANAGED
                await world.clear_faults()
                await world.until("all is right", lambda: world.says(key, "Synced") == ("True", "InSync"), 1800)

    in_virtual_time(story())


def test_what_others_have_given_stays() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            key = await begin(world)
            await world.until("it is made", lambda: world.says(key, "Ready")[0] == "True")
            theirs = {"roles": ["99999999-9999-4999-8999-999999999999"], "settings": {"conn_limit": 7}}
            await world.edit("users", (await the_user(world))["id"], **theirs)
            await asyncio.sleep(1800)
            left = await the_user(world)
            assert {"roles": left["roles"], "settings": left["settings"]} == theirs
            assert puts(world) == []

    in_virtual_time(story())


def test_a_role_of_other_hands_stays_when_the_field_goes() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            key = await begin(world, roles=["pg_read_all_data", "pg_write_all_data"])
            await world.until("it is made", lambda: world.says(key, "Ready")[0] == "True")
            made = await the_user(world)
            world.cluster.change(key, roles=["pg_read_all_data"])
            await world.until("it has one", lambda: puts(world) == ["roles"])
            await world.until("all is right", lambda: world.says(key, "Synced") == ("True", "InSync"))
            (read,) = (await the_user(world))["roles"]
            (write,) = set(made["roles"]) - {read}
            world.cluster.change(key, driftPolicy="Report")
            await world.edit("users", made["id"], roles=[read, write])
            await world.until("it is seen", lambda: world.says(key, "Synced") == ("False", "Drift"))
            world.cluster.change(key, roles=None)
            await world.until("it loses one", lambda: puts(world) == ["roles"] * 2)
            await asyncio.sleep(600)
            assert (await the_user(world))["roles"] == [write], "somebody else has given this one"
            assert puts(world) == ["roles"] * 2

    in_virtual_time(story())
