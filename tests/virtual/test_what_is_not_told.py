"""A field that the API does not tell changes nothing, neither in a Secret nor in the cloud."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from stories.world import condition, manifest
from virtual.begun_world import APP, MAIN, apply, begin, synced
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import SPECS

UNTOLD: list[Mapping[str, Any]] = [
    {"connection": None},
    {"connection": {}},
    {"connection": None, "instances": None},
    {"connection": {}, "instances": [], "firewall": None, "pooler": None, "config": None, "node_count": None},
    {"connection": "(left out)", "instances": "(left out)", "flavor": "(left out)", "status": "(left out)"},
    {"connection": {"master": 5}, "instances": "none"},
]


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("fields", UNTOLD, ids=lambda fields: ", ".join(fields))
@pytest.mark.parametrize("engine", ["postgresql", "kafka", "redis"])
def test_a_secret_keeps_what_it_has(engine: str, fields: Mapping[str, Any], is_killed: bool) -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            spec = SPECS[MAIN] | {
                "engine": {"type": engine, "version": {"kafka": "3.5", "redis": "7"}.get(engine, "16")}
            }
            if engine == "redis":
                spec["flavor"] = {"name": "RS1.1-1024-10"}
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, spec))
            keys = (MAIN,) if engine == "redis" else (MAIN, APP)
            if engine != "redis":
                apply(world, APP)
            await synced(world, *keys)
            name = "main-redis" if engine == "redis" else "app-user"
            before, endpoints = world.secret(name), world.get(MAIN)["status"]["endpoints"]
            await world.fault(path="^/v1/datastores", rows=fields)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(600)
            assert world.secret(name) == before
            assert world.get(MAIN)["status"]["endpoints"] == endpoints
            assert world.says(keys[-1], "Ready")[0] == "True"
            if engine == "redis":
                return
            world.put_secret(NAMESPACE, "given", {"password": "another-password-1"})
            world.cluster.change(APP, passwordSecretRef={"name": "given", "key": "password"})
            await world.until("it changes", lambda: world.secret(name)["password"] != before["password"])
            after = world.secret(name)
            assert {key for key in before if before[key] != after.get(key)} <= {"password", "uri", "jaas-config"}
            assert "another-password-1" in after.get("uri", after.get("jaas-config", ""))
            assert {key: before[key] for key in ("host", "port") if key in before} == {
                key: after[key] for key in ("host", "port") if key in before
            }

    in_virtual_time(work())


def test_a_new_secret_without_a_host_is_not_ready() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            main = world.get(MAIN)["status"]["id"]
            (row,) = await world.objects("datastores")
            await world.kill()
            world.get(MAIN)["status"].pop("endpoints")
            await world.edit("datastores", main, connection=None)
            await world.start()
            apply(world, APP)
            await world.until("the user is made", lambda: world.get(APP)["status"].get("id"))
            await asyncio.sleep(600)
            assert world.says(APP, "Ready") == ("False", "NotTold")
            assert world.says(APP, "Synced") == ("False", "NotTold")
            assert "host" not in world.secret("app-user")
            await world.edit("datastores", main, connection=row["connection"])
            await synced(world, APP)
            assert world.says(APP, "Ready")[0] == "True"
            assert world.secret("app-user")["host"] == row["connection"]["master"]

    in_virtual_time(work())


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "killed"])
def test_a_firewall_that_is_never_told(is_killed: bool) -> None:
    """It is set once, as a guard that is not seen is not taken for granted; then it is told of, and not set again."""

    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(path="^/v1/datastores", rows={"firewall": "(left out)"})
            apply(world, MAIN, firewall=["192.0.2.0/24"])
            await asyncio.sleep(600)
            if is_killed:
                await world.kill()
                await world.start()
            await asyncio.sleep(3600)
            puts = [each for each in world.sent if each.path.endswith("/firewall")]
            assert len(puts) == 1
            told = condition(world.get(MAIN), "NotTold")
            assert told["status"] == "True"
            assert "firewall" in told["message"]
            world.cluster.change(MAIN, firewall=["198.51.100.0/24"])
            await asyncio.sleep(600)
            puts = [each for each in world.sent if each.path.endswith("/firewall")]
            assert len(puts) == 2, "another wish is sent, once"

    in_virtual_time(work())


def test_nodes_that_are_never_told() -> None:
    async def work() -> None:
        async with VirtualWorld() as world:
            await begin(world, MAIN)
            main = world.get(MAIN)["status"]["id"]
            (row,) = await world.objects("datastores")
            await world.kill()
            await world.edit("datastores", main, instances=None)
            await world.start()
            world.cluster.change(MAIN, floatingIPs={"master": True})
            await asyncio.sleep(900)
            assert world.says(MAIN, "Synced") == ("False", "NotTold")
            assert world.says(MAIN, "Ready")[0] == "True"
            await world.edit("datastores", main, instances=row["instances"])
            await synced(world, MAIN)
            assert "publicReadWrite" in world.get(MAIN)["status"]["endpoints"]

    in_virtual_time(work())
