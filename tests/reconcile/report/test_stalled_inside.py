"""Of what a datastore is told that is in it."""

import asyncio
from typing import Any, cast

from managed_databases.reconcile.ports import Kube, Resource, ResourceKey
from managed_databases.reconcile.report.event_recorder import Announcement, EventRecorder
from managed_databases.reconcile.report.stalled_inside import TOGETHER_SECONDS, StalledInside
from reconcile.manual_clocks import LeapingClock

DATASTORE = ResourceKey("ManagedDatastore", "shop", "orders")


def resource(key: ResourceKey, spec: dict[str, Any], *, stalled: bool = True) -> Resource:
    conditions = [
        {"type": "Ready", "status": "False", "reason": "Invalid", "message": "no"},
        {"type": "Stalled", "status": str(stalled), "reason": "Invalid", "message": "no"},
    ]
    return Resource(key, str(key), "1", 1, "", None, (), {}, {**spec}, {"conditions": conditions})


def user(
    name: str, reference: dict[str, str] | None = None, *, stalled: bool = True, namespace: str = "shop"
) -> Resource:
    key = ResourceKey("DatabaseUser", namespace, name)
    return resource(key, {"datastoreRef": reference or {"name": "orders"}}, stalled=stalled)


async def told_of(*children: Resource) -> list[tuple[ResourceKey, Announcement]]:
    posted: list[tuple[ResourceKey, Announcement]] = []
    there = {key: resource(key, {}) for key in (DATASTORE, DATASTORE._replace(namespace="other"))}
    clock = LeapingClock()
    inside = StalledInside(there.get, lambda about, told: posted.append((about.key, told)), clock)
    began = clock.monotonic()
    running = asyncio.create_task(inside.run())
    for child in children:
        inside.warned(child, Announcement("Warning", "Invalid", "no"))
    for _ in range(10):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not posted or clock.monotonic() - began >= TOGETHER_SECONDS
    return posted


async def test_all_of_half_a_minute_are_one_event() -> None:
    ((about, told),) = await told_of(user("b"), user("a"), user("a"))
    assert about == DATASTORE
    assert told == Announcement(
        "Warning",
        "StalledInside",
        "a person must act on resources in this datastore: DatabaseUser a (Invalid), DatabaseUser b (Invalid)",
    )


async def test_many_are_counted() -> None:
    ((_, told),) = await told_of(*(user(f"u{number:03}") for number in range(200)))
    assert told.message.endswith("DatabaseUser u009 (Invalid) and 190 more")


async def test_what_is_not_to_be_told_there() -> None:
    assert await told_of(user("heals", stalled=False)) == []
    assert await told_of(user("elsewhere", {"name": "orders", "namespace": "shop"}, namespace="other")) == []
    assert await told_of(user("by-id", {"id": "5"})) == []
    assert await told_of(user("of-none", {"name": "unknown"})) == []
    assert await told_of(resource(DATASTORE, {})) == [], "it has an Event of its own"


async def test_a_warning_of_a_status_gets_here_once() -> None:
    warned: list[str] = []
    recorder = EventRecorder(
        cast(Kube, None),
        lambda: False,
        LeapingClock(),
        lambda about, told: warned.append(f"{about.key.name} {told.reason}"),
    )
    child = user("app")
    for _ in range(3):
        recorder.status_written({"conditions": []}, child)
    assert warned == ["app Invalid"]
