"""A field that is removed from the spec is reset if the operator has set it, and never otherwise."""

import asyncio
from typing import Any

import pytest

from stories.world import manifest
from virtual.everything import project
from virtual.faults import REQUEST_FAULTS
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
THEIRS: dict[str, Any] = {
    "firewall": ["192.0.2.0/24"],
    "pooler": {"mode": "session", "size": 77},
    "config": {"work_mem": 7777, "max_connections": 77},
}
"""As somebody else has set them."""
OURS: dict[str, Any] = {
    "firewall": ["198.51.100.0/24"],
    "pooler": {"mode": "statement", "size": 11},
    "config": {"work_mem": 1111, "max_connections": 55},
}
GONE = dict.fromkeys(OURS)


async def guards(world: VirtualWorld) -> dict[str, Any]:
    """What a reset would take away, as the cloud has it."""
    (datastore,) = await world.objects("datastores")
    config = datastore["config"] or {}
    return {
        "firewall": [entry["ip"] for entry in datastore["firewall"]],
        "pooler": datastore["pooler"],
        "config": {name: config[name] for name in ("work_mem", "max_connections") if name in config},
    }


async def with_theirs(world: VirtualWorld, **spec: Any) -> None:
    """A datastore that was made elsewhere, with values of other hands, is taken over."""
    world.cluster.apply(project())
    await world.start()
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | THEIRS | {"deletionPolicy": "Retain"}))
    await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")
    world.cluster.delete(MAIN)
    await world.until("it is let go", lambda: MAIN not in world.cluster.objects)
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"adoption": "Required"} | spec))
    await world.until("it is taken over", lambda: world.get(MAIN)["status"].get("adopted"))
    await asyncio.sleep(120)


async def taken_out(world: VirtualWorld) -> list[str]:
    """The fields leave the spec; returns what was sent then."""
    world.sent.clear()
    world.cluster.change(MAIN, **GONE)
    await asyncio.sleep(3600)
    assert world.says(MAIN, "Synced") == ("True", "InSync"), world.get(MAIN)["status"]
    return [sent.path.rpartition("/")[2] for sent in world.sent if sent.method == "PUT"]


def test_a_reported_value_is_not_reset() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_theirs(world, driftPolicy="Report", **OURS)
            assert world.says(MAIN, "Synced") == ("False", "Drift")
            assert not world.get(MAIN)["status"].get("managed")
            assert await taken_out(world) == []
            assert await guards(world) == THEIRS

    in_virtual_time(story())


def test_a_value_that_matched_already_is_not_reset() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_theirs(world, **THEIRS)
            assert world.says(MAIN, "Synced")[0] == "True"
            assert await taken_out(world) == []
            assert await guards(world) == THEIRS

    in_virtual_time(story())


@pytest.mark.parametrize("fault", ["403", "400 of validation", "409", "429", "503"])
def test_a_refused_value_is_not_reset(fault: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_theirs(world)
            await world.fault(path="^/v1/datastores/", method="PUT", **REQUEST_FAULTS[fault])
            world.cluster.change(MAIN, **OURS)
            await asyncio.sleep(900)
            await world.clear_faults()
            world.cluster.change(MAIN, **GONE)
            await world.until("as it was", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert await guards(world) == THEIRS

    in_virtual_time(story())


def test_a_mistyped_or_unapproved_value_is_not_reset() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_theirs(world, changePolicy="Approve")
            world.cluster.change(MAIN, config={"work_mem": "much", "max_connections": 55, "wrok_mem": 1})
            await world.until("it is told", lambda: world.says(MAIN, "Stalled")[0] == "True")
            message = next(
                each["message"] for each in world.get(MAIN)["status"]["conditions"] if each["type"] == "Stalled"
            )
            assert all(name in message for name in ("config.work_mem", "config.wrok_mem", "approve:")), message
            assert await taken_out(world) == []
            assert await guards(world) == THEIRS

    in_virtual_time(story())


def test_a_value_that_others_changed_under_report_is_not_reset() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(
                manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | OURS | {"driftPolicy": "Report"})
            )
            await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")
            assert await guards(world) == OURS
            theirs = THEIRS | {"firewall": [{"ip": ip} for ip in THEIRS["firewall"]]}
            await world.edit("datastores", world.get(MAIN)["status"]["id"], **theirs)
            await world.until("it is told", lambda: world.says(MAIN, "Synced") == ("False", "Drift"))
            assert await taken_out(world) == []
            assert await guards(world) == THEIRS

    in_virtual_time(story())


@pytest.mark.parametrize("fault", [None, "502 after the effect", "503"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["", "killed"])
def test_a_value_that_was_set_is_reset_once(fault: str | None, is_killed: bool) -> None:
    """Also when its answer was lost, and nobody was there to look before it left the spec."""

    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN]))
            await world.until("it is made", lambda: world.says(MAIN, "Synced")[0] == "True")
            before = await guards(world)
            if fault is not None:
                await world.fault(path="^/v1/datastores/", method="PUT", times=1, **REQUEST_FAULTS[fault])
            world.cluster.change(MAIN, firewall=OURS["firewall"])
            await world.until("it is sent", lambda: any(sent.method == "PUT" for sent in world.sent))
            await asyncio.sleep(0.02 if is_killed else 300)
            if is_killed:
                await world.kill()
                await asyncio.sleep(5)
            was_set = (await guards(world))["firewall"] == OURS["firewall"]
            world.sent.clear()
            world.cluster.change(MAIN, firewall=None)
            if is_killed:
                await world.start()
            await asyncio.sleep(900)
            assert await guards(world) == before
            assert [sent.path.rpartition("/")[2] for sent in world.sent if sent.method == "PUT"] == [
                "firewall"
            ] * was_set
            assert world.says(MAIN, "Synced") == ("True", "InSync")
            assert not {"managed", "applying"} & world.get(MAIN)["status"].keys()

    in_virtual_time(story())
