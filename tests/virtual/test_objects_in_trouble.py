"""A resource whose cloud object is in trouble (DOWN, ERROR, ...): at rest, during a change, and during its deletion."""

import asyncio
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from virtual.everything import (
    CLOUD_KINDS,
    all_is_right,
    change_everything,
    collection,
    everything,
    keys_of,
    nothing_is_left,
)
from virtual.faults import OBJECT_FAULTS, STAYS_READY
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

DURING = ("rest", "change", "delete")
DATA = ("ManagedDatastore", "ManagedDatabase", "LogicalReplicationSlot", "KafkaTopic")
LASTS_SECONDS = 300
SAMPLE = [("rest", "DEGRADED"), ("change", "maintenance"), ("rest", "DISK_FULL")]


def troubled(fields: dict[str, Any]) -> tuple[str, ...]:
    """Only datastores have such states, besides ERROR."""
    return tuple(CLOUD_KINDS) if fields.get("status") == "ERROR" else ("ManagedDatastore",)


async def edit_each(world: VirtualWorld, kinds: tuple[str, ...], fields: dict[str, Any]) -> None:
    for kind in kinds:
        for each in await world.objects(collection(kind)):
            await world.edit(collection(kind), each["id"], **fields)


async def lives_with(during: str, fields: dict[str, Any], stays_ready: bool) -> None:
    manifests = everything()
    resources = keys_of(manifests)
    async with VirtualWorld() as world:
        await world.start()
        for each in manifests:
            world.cluster.apply(each)
        await all_is_right(world, resources)
        before = {kind: sorted(each["id"] for each in await world.objects(collection(kind))) for kind in CLOUD_KINDS}
        await edit_each(world, troubled(fields), fields)
        if during == "change":
            change_everything(world)
        elif during == "delete":
            for key in resources:
                world.cluster.delete(key)
        if during != "delete":
            await asyncio.sleep(90)  # a LIST at rest shows it
            for _ in range(LASTS_SECONDS // 5):
                await asyncio.sleep(5)
                for key in resources:
                    if during == "rest" and key.kind == "ManagedDatastore":  # a change ends in ACTIVE
                        said = world.says(key, "Ready")
                        assert (said[0] == "True") == stays_ready, f"{key}: {said}"
            there = {kind: sorted(each["id"] for each in await world.objects(collection(kind))) for kind in CLOUD_KINDS}
            before.pop("KafkaACL")  # one of them is not asked for any more
            for kind, ids in before.items():
                assert set(ids) <= set(there[kind]), f"{kind}: nothing that is in trouble is deleted"
        await edit_each(
            world, troubled(fields), {"status": "ACTIVE"} | dict.fromkeys(fields.keys() - {"status"}, False)
        )
        if during == "delete":
            await nothing_is_left(world)
        else:
            await all_is_right(world, resources)


@pytest.mark.parametrize(("during", "trouble"), SAMPLE)
def test_some_troubles(during: str, trouble: str) -> None:
    in_virtual_time(lives_with(during, OBJECT_FAULTS[trouble], trouble in STAYS_READY))


@pytest.mark.chaos
@pytest.mark.parametrize(("during", "trouble"), list(product(DURING, OBJECT_FAULTS)))
def test_every_trouble(during: str, trouble: str, record_property: Callable[[str, object], None]) -> None:
    record_property("fault", f"{during}, in trouble")
    in_virtual_time(lives_with(during, OBJECT_FAULTS[trouble], trouble in STAYS_READY))


@pytest.mark.parametrize("kind", [kind for kind in CLOUD_KINDS if kind != "ManagedDatastore"])
def test_what_has_vanished(kind: str) -> None:
    """What holds data is not made again by itself; everything else is, once."""
    in_virtual_time(vanishes(kind))


async def vanishes(kind: str) -> None:
    manifests = everything()
    resources = keys_of(manifests)
    async with VirtualWorld() as world:
        await world.start()
        for each in manifests:
            world.cluster.apply(each)
        await all_is_right(world, resources)
        keys = list(world.cluster.of_kind(kind))
        lost = {key: str(world.get(key)["status"]["id"]) for key in keys}
        for id_ in lost.values():
            await world.vanish(collection(kind), id_)
        if kind in DATA:
            await asyncio.sleep(3600)
            assert all(world.says(key, "Stalled") == ("True", "Gone") for key in keys)
            assert await world.objects(collection(kind)) == [], "nothing is made again unasked"
            for key in resources:
                if world.says(key, "Stalled") == ("True", "Gone"):  # a database takes its slots along
                    world.cluster.annotate(key, recreate=world.get(key)["status"]["id"])
        else:
            await world.until(
                "it is made again",
                lambda: all(world.get(key)["status"].get("id") not in (None, lost[key]) for key in keys),
            )
        await all_is_right(world, resources)
