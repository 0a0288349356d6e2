"""Every fault against every kind and phase of life, in virtual time: it ends, and all comes right without a person.

While it lasts: what is usable says so, nothing is made twice, calls are bounded by count, conditions tell the truth.
"""

import asyncio
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from managed_databases.reconcile.ports import ResourceKey
from virtual.everything import CHANGES, CLOUD_KINDS, all_is_right, everything, keys_of, nothing_is_left
from virtual.faults import (
    PHASES,
    REQUEST_FAULTS,
    Phase,
    Watch,
    assert_bounded,
    at_most_one_for_each,
    pattern,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

LASTS_SECONDS = 900
PARENTS = ("ManagedDatastore",)
CHILDREN = tuple(kind for kind in CLOUD_KINDS if kind not in PARENTS)
GROUPS = {"datastores": PARENTS, "what is in them": CHILDREN}

SAMPLE = [
    ("create", "reset after the effect", "what is in them"),
    ("rest", "404", "what is in them"),
    ("rest", "short list", "what is in them"),
    ("rest", "empty list", "datastores"),
    ("change", "429", "datastores"),
    ("delete", "503", "what is in them"),
]
ALL = list(product(PHASES, REQUEST_FAULTS, GROUPS))


async def lives_through(phase: Phase, fault: dict[str, Any], kinds: tuple[str, ...]) -> None:
    manifests = everything()
    resources = keys_of(manifests)
    async with VirtualWorld() as world:
        await world.start()
        watch = Watch(world)
        if phase != "create":
            for each in manifests:
                world.cluster.apply(each)
            await all_is_right(world, resources)
            if phase != "delete":
                watch.was_ready = set(resources)
        world.sent.clear()
        await world.fault(path=pattern(kinds), **fault)
        if phase == "create":
            for each in manifests:
                world.cluster.apply(each)
        elif phase == "change":
            for (kind, name), spec in CHANGES.items():
                world.cluster.change(ResourceKey(kind, NAMESPACE, name), **spec)
        elif phase == "delete":
            for key in resources:
                world.cluster.delete(key)
        for _ in range(LASTS_SECONDS // 5):
            await asyncio.sleep(5)
            watch.look()
        await at_most_one_for_each(world, resources)
        failing = sum(key.kind in kinds for key in resources)
        assert_bounded(world.sent, kinds, failing)
        await world.clear_faults()
        if phase == "delete":
            await nothing_is_left(world)
        else:
            await all_is_right(world, resources)


@pytest.mark.parametrize(("phase", "fault", "group"), SAMPLE)
def test_a_few_faults(phase: Phase, fault: str, group: str) -> None:
    in_virtual_time(lives_through(phase, REQUEST_FAULTS[fault], GROUPS[group]))


@pytest.mark.chaos
@pytest.mark.parametrize(("phase", "fault", "group"), ALL)
def test_every_fault(phase: Phase, fault: str, group: str, record_property: Callable[[str, object], None]) -> None:
    record_property("fault", phase)
    in_virtual_time(lives_through(phase, REQUEST_FAULTS[fault], GROUPS[group]))
