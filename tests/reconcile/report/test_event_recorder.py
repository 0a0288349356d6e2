"""Which changes of conditions become Events."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from managed_databases.reconcile.ports import Kube, Resource, ResourceKey
from managed_databases.reconcile.report import event_recorder
from managed_databases.reconcile.report.event_recorder import EventRecorder, announcements
from managed_databases.reconcile.told import ToldCondition
from reconcile.manual_clocks import LeapingClock, StillClock


def said(**conditions: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"type": type_, "status": status, "reason": reason, "message": f"about {reason}"}
        for type_, (status, reason) in conditions.items()
    ]


CREATING = said(Ready=("False", "Absent"), Reconciling=("True", "Absent"), Stalled=("False", "Absent"))
PENDING = said(Ready=("False", "Pending"), Reconciling=("True", "Pending"), Stalled=("False", "Pending"))
READY = said(
    Ready=("True", "Ready"), Synced=("True", "InSync"), Reconciling=("False", "InSync"), Stalled=("False", "InSync")
)
CHANGING = said(Ready=("True", "Ready"), Reconciling=("True", "Drift"), Stalled=("False", "Drift"))
REFUSED = said(Ready=("False", "Invalid"), Reconciling=("False", "Invalid"), Stalled=("True", "Invalid"))
FORBIDDEN = said(Ready=("False", "Forbidden"), Reconciling=("False", "Forbidden"), Stalled=("True", "Forbidden"))
USABLE_BUT_REFUSED = said(Ready=("True", "Ready"), Reconciling=("False", "Invalid"), Stalled=("True", "Invalid"))
DOWN = said(Ready=("False", "Down"), Reconciling=("False", "InSync"), Stalled=("True", "Down"))
FULL = said(Ready=("False", "DiskFull"), Reconciling=("False", "InSync"), Stalled=("True", "DiskFull"))
DUPLICATE = said(
    Ready=("True", "Ready"), Reconciling=("False", "DuplicateSuspected"), Stalled=("True", "DuplicateSuspected")
)


@pytest.mark.parametrize(
    ("why", "old", "new", "told"),
    [
        ("a new resource that is not ready yet is no news", [], CREATING, []),
        ("a step on the way is none", CREATING, PENDING, []),
        ("it became ready", PENDING, READY, [("Normal", "Ready")]),
        ("it was ready at first sight: an adoption", [], READY, [("Normal", "Ready")]),
        ("a pass that changes nothing", READY, READY, []),
        ("a change under way", READY, CHANGING, []),
        ("a person must act; said once, not for each condition", CREATING, REFUSED, [("Warning", "Invalid")]),
        ("the same for another reason", REFUSED, FORBIDDEN, [("Warning", "Forbidden")]),
        ("refused at first sight", [], REFUSED, [("Warning", "Invalid")]),
        ("it is tried again", REFUSED, CREATING, []),
        ("it goes on to its end", REFUSED, READY, [("Normal", "Ready")]),
        ("a change is refused", CHANGING, USABLE_BUT_REFUSED, [("Warning", "Invalid")]),
        ("it is down", READY, DOWN, [("Warning", "Down")]),
        ("it serves, and something is wrong", READY, DUPLICATE, [("Warning", "DuplicateSuspected")]),
        ("another trouble, in which nothing is under way", DOWN, FULL, [("Warning", "DiskFull")]),
    ],
)
def test_announcements(
    why: str, old: list[dict[str, Any]], new: list[dict[str, Any]], told: list[tuple[str, str]]
) -> None:
    found = list(announcements(map(ToldCondition, old), map(ToldCondition, new), deleting=False))
    assert [announcement[:2] for announcement in found] == told, why
    assert all(announcement.message for announcement in found), why


def test_a_deletion_is_no_warning() -> None:
    going = said(Ready=("False", "Deleting"), Reconciling=("True", "Deleting"), Stalled=("False", "Deleting"))
    assert [
        announcement.type_
        for announcement in announcements(map(ToldCondition, READY), map(ToldCondition, going), deleting=True)
    ] == ["Normal"]


@pytest.mark.parametrize(
    ("why", "now", "told"),
    [
        ("the cloud is at work", ("Pending", "True", "False"), ["Normal"]),
        ("the operator changes the password", ("RotatingPassword", "True", "False"), ["Normal"]),
        ("its datastore is, which tells it itself", ("ParentNotReady", "True", "False"), ["Normal"]),
        ("nobody works on it", ("ParentNotReady", "False", "False"), ["Warning"]),
        ("the API does not answer", ("ApiUnreachable", "True", "False"), ["Warning"]),
        ("the credentials are refused", ("CredentialsInvalid", "True", "False"), ["Warning"]),
        ("a person must act", ("Pending", "True", "True"), ["Warning"]),
    ],
)
def test_only_what_somebody_should_look_at_is_a_warning(why: str, now: tuple[str, str, str], told: list[str]) -> None:
    reason, reconciling, stalled = now
    gone = said(Ready=("False", reason), Reconciling=(reconciling, reason), Stalled=(stalled, reason))
    found = announcements(map(ToldCondition, READY), map(ToldCondition, gone), deleting=False)
    assert [each.type_ for each in found] == told, why


class Kubernetes:
    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []
        self.times: list[datetime] = []

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        self.posted.append((type_, reason))
        self.times.append(at)


def resource(conditions: list[dict[str, Any]], generation: int) -> Resource:
    key = ResourceKey("DatabaseUser", "shop", "app")
    return Resource(key, "uid", "1", generation, "", None, (), {}, {}, {"conditions": conditions})


async def test_a_refusal_is_told_once_for_each_generation_and_so_is_its_end() -> None:
    kubernetes = Kubernetes()
    recorder = EventRecorder(cast(Kube, kubernetes), lambda: False, StillClock())
    history = [
        (CHANGING, USABLE_BUT_REFUSED, 2),
        (USABLE_BUT_REFUSED, CHANGING, 2),
        (CHANGING, USABLE_BUT_REFUSED, 2),
        (CHANGING, USABLE_BUT_REFUSED, 3),
        (USABLE_BUT_REFUSED, CHANGING, 3),
        (CHANGING, READY, 3),
        (READY, CHANGING, 4),
        (CHANGING, READY, 4),
    ]
    for before, after, generation in history:
        recorder.status_written({"conditions": before}, resource(after, generation))
    posting = asyncio.create_task(recorder.run())
    for _ in range(20):
        await asyncio.sleep(0)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    assert kubernetes.posted == [("Warning", "Invalid"), ("Warning", "Invalid"), ("Normal", "InSync")]


@pytest.mark.parametrize("busy_looks", [3, 1_000_000], ids=["a rush", "a backlog that lasts"])
async def test_events_step_aside_for_work_but_not_for_ever(busy_looks: int) -> None:
    kubernetes, looks = Kubernetes(), 0
    posted_at: list[int] = []

    def is_busy() -> bool:
        nonlocal looks
        looks += 1
        posted_at.extend([looks] * (len(kubernetes.posted) - len(posted_at)))
        return looks < busy_looks

    recorder = EventRecorder(cast(Kube, kubernetes), is_busy, LeapingClock())
    for before, after in ((PENDING, READY), (READY, USABLE_BUT_REFUSED), (USABLE_BUT_REFUSED, READY)):
        recorder.status_written({"conditions": before}, resource(after, 2))
    said_by = datetime.now(UTC)
    posting = asyncio.create_task(recorder.run())
    for _ in range(1_000):
        await asyncio.sleep(0)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    assert kubernetes.posted == [("Normal", "Ready"), ("Warning", "Invalid"), ("Normal", "InSync")]
    assert posted_at[0] > min(busy_looks, event_recorder._YIELDS)
    assert max(kubernetes.times) <= said_by


class Named(Kubernetes):
    """Notes of whom it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        self.names.append(f"{resource.key.namespace}/{resource.key.name}")


async def posted(told: list[Resource]) -> list[str]:
    kubernetes = Named()
    recorder = EventRecorder(cast(Kube, kubernetes), lambda: False, StillClock())
    for each in told:
        recorder.tell(each, event_recorder.Announcement("Normal", "Ready", "usable"))
    posting = asyncio.create_task(recorder.run())
    for _ in range(3 * len(told)):
        await asyncio.sleep(0)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    return kubernetes.names


def one(namespace: str, name: str) -> Resource:
    return replace(resource([], 1), key=ResourceKey("DatabaseUser", namespace, name), uid=f"{namespace}-{name}")


async def test_a_namespace_that_tells_much_holds_up_no_other() -> None:
    names = await posted([*(one("loud", str(number)) for number in range(1000)), one("quiet", "app")])
    assert len(names) == 1001
    assert names.index("quiet/app") < 2


async def test_a_resource_that_always_has_something_to_tell_is_told_of_now_and_then() -> None:
    names = await posted([*([one("shop", "flapping")] * 1000), one("shop", "app")])
    assert names.count("shop/flapping") == 25
    assert "shop/app" in names
