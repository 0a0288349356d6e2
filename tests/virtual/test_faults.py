"""Every fault against every kind and phase of life, in virtual time: the fault ends, and all is well again without a person.

While it lasts, usable resources are Ready, nothing is made twice, the number of calls is bounded, and conditions are true.
"""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from virtual.everything import (
    CHANGED_KINDS,
    CLOUD_KINDS,
    all_is_right,
    change_everything,
    everything,
    gone,
    keys_of,
    nothing_is_left,
)
from virtual.faults import (
    CHANGING,
    PHASES,
    REQUEST_FAULTS,
    SURELY_REFUSED,
    Calls,
    Phase,
    Watch,
    assert_blamed,
    assert_bounded,
    at_most_one_for_each,
    pattern,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld

LASTS_SECONDS = 900
CHILDREN = tuple(kind for kind in CLOUD_KINDS if kind != "ManagedDatastore")
GROUPS = {kind: (kind,) for kind in CLOUD_KINDS} | {"what is in datastores": CHILDREN}

Case = tuple[Phase, str, Calls, str]

SAMPLE: list[Case] = [
    ("create", "reset after the effect", "all", "what is in datastores"),
    ("create", "500", "all", "KafkaTopic"),
    ("create", "400", "changing", "DatabaseGrant"),
    ("create", "time-out", "all", "DatabaseExtension"),
    ("create", "effect 20 s after the reset", "changing", "DatabaseUser"),
    ("rest", "404", "all", "what is in datastores"),
    ("rest", "404 of an ingress", "all", "ManagedDatastore"),
    ("rest", "rows of another type", "all", "ManagedDatastore"),
    ("rest", "rows that tell little", "all", "ManagedDatastore"),
    ("create", "rows of another type", "all", "LogicalReplicationSlot"),
    ("create", "404 of an ingress after the effect", "changing", "ManagedDatastore"),
    ("create", "an empty 200", "changing", "DatabaseUser"),
    ("delete", "404 of a gateway", "all", "ManagedDatastore"),
    ("delete", "200 of an ingress", "all", "DatabaseUser"),
    ("rest", "short list", "all", "DatabaseUser"),
    ("rest", "empty list", "all", "ManagedDatastore"),
    ("change", "400 in prose", "changing", "ManagedDatastore"),
    ("change", "429", "changing", "ManagedDatastore"),
    ("change", "stale list", "all", "ManagedDatastore"),
    ("change", "time-out after the effect", "changing", "DatabaseUser"),
    ("delete", "503", "all", "what is in datastores"),
    ("delete", "reset", "changing", "LogicalReplicationSlot"),
    ("delete", "garbage", "changing", "KafkaTopic"),
]


def every_case() -> Iterator[Case]:
    """All that can be met: a LIST changes nothing, and not every kind can be changed."""
    for phase in PHASES:
        for fault in REQUEST_FAULTS:
            for group, kinds in GROUPS.items():
                if phase != "change" or CHANGED_KINDS.intersection(kinds):
                    yield phase, fault, "all", group
                    if phase != "rest" and "list" not in fault and len(kinds) == 1:
                        yield phase, fault, "changing", group


async def lives_through(phase: Phase, fault: str, calls: Calls, kinds: tuple[str, ...]) -> None:
    manifests = everything()
    resources = keys_of(manifests)
    # A datastore takes along what is in it: a DELETE of that is sent only while its datastore stays.
    takes_all = calls == "all" or "ManagedDatastore" in kinds
    doomed = [key for key in resources if takes_all or key.kind in kinds] if phase == "delete" else []
    async with VirtualWorld() as world:
        await world.start()
        watch = Watch(world, is_unclear=fault not in SURELY_REFUSED)
        if phase != "create":
            for each in manifests:
                world.cluster.apply(each)
            await all_is_right(world, resources)
            if phase != "delete":
                watch.all_are_ready(resources)
        failing = _count(world, kinds)
        world.sent.clear()
        for method in CHANGING if calls == "changing" else (None,):
            await world.fault(path=pattern(kinds), method=method, **REQUEST_FAULTS[fault])
        if phase == "create":
            for each in manifests:
                world.cluster.apply(each)
        elif phase == "change":
            change_everything(world)
        for key in doomed:
            world.cluster.delete(key)
        for _ in range(LASTS_SECONDS // 5):
            await asyncio.sleep(5)
            await watch.look()
        assert sum(each["met"] for each in await world.faults()), "no request met the fault"
        await at_most_one_for_each(world, resources)
        assert_bounded(world.sent, kinds, max(failing, _count(world, kinds)), ends="times" in REQUEST_FAULTS[fault])
        assert_blamed(world, phase, fault, kinds)
        await world.clear_faults()
        if not doomed:
            await all_is_right(world, resources)
        elif takes_all:
            await nothing_is_left(world)
        else:
            await gone(world, doomed)


def _count(world: VirtualWorld, kinds: tuple[str, ...]) -> int:
    """How many there are, those that others ask for inline among them."""
    return sum(len(world.cluster.of_kind(kind)) for kind in kinds)


@pytest.mark.parametrize(("phase", "fault", "calls", "group"), SAMPLE)
def test_a_few_faults(phase: Phase, fault: str, calls: Calls, group: str) -> None:
    in_virtual_time(lives_through(phase, fault, calls, GROUPS[group]))


@pytest.mark.chaos
@pytest.mark.parametrize(("phase", "fault", "calls", "group"), list(every_case()))
def test_every_fault(
    phase: Phase, fault: str, calls: Calls, group: str, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", f"{phase}, {calls} calls")
    in_virtual_time(lives_through(phase, fault, calls, GROUPS[group]))
