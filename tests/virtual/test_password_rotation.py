"""A password changes by a date of the spec or because somebody asks for it: once, and with a Secret that opens the database."""

import asyncio
from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest

from managed_databases.kinds.password_rotation import read
from stories.world import condition, manifest
from virtual.faults import REQUEST_FAULTS
from virtual.given_passwords import APP, GIVEN, HOUR, MAIN, MINE, PENDING, SOON, begin_with_given, opens
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore

DAILY: dict[str, Any] = {"rotation": {"everyDays": 1}}
MONTHLY: dict[str, Any] = {"rotation": {"everyDays": 30}}


async def begin(world: VirtualWorld, **spec: Any) -> list[str]:
    """A user is there; return the passwords that its Secret has had, which grow."""
    await begin_with_datastore(world)
    passwords: list[str] = []

    def told(kind: str, key: Any, raw: Raw, gone: bool) -> None:
        if key == MINE and not gone and (value := b64decode(raw["data"]["password"]).decode()) not in passwords:
            passwords.append(value)

    world.cluster.told.append(told)
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | spec))
    await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
    await asyncio.sleep(SOON)
    return passwords


def rotation(world: VirtualWorld) -> dict[str, str]:
    return dict(world.get(APP)["status"].get("rotation", {}))


def is_over(world: VirtualWorld) -> bool:
    """Whether no date has come, and nothing is under way."""
    due = read(rotation(world).get("dueAt"))
    is_well = world.says(APP, "Synced")[0] == world.says(APP, "Ready")[0] == "True"
    return due is not None and due > world.clock.now() and is_well and PENDING not in world.cluster.objects


def test_a_date_changes_the_password_once() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, **DAILY)
            changed_at = world.get(APP)["status"]["passwordChangedAt"]
            due = read(rotation(world)["dueAt"])
            assert due is not None
            assert due == read(changed_at) + timedelta(days=1)  # type: ignore[operator]
            world.clock.ahead += timedelta(hours=23, minutes=50)
            await asyncio.sleep(60)
            assert len(passwords) == 1, "it is not due yet"
            world.clock.ahead += timedelta(minutes=15)
            await world.until("it is changed", lambda: len(passwords) == 2, HOUR + 700)
            assert world.clock.now() - due < timedelta(seconds=HOUR + 700)
            await world.until("it is over", lambda: is_over(world), SOON)
            assert await opens(world)
            assert world.get(APP)["status"]["passwordChangedAt"] > changed_at
            await asyncio.sleep(3 * HOUR)
            assert len(passwords) == 2

    in_virtual_time(story())


def test_a_schedule_is_a_date_in_utc() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, rotation={"schedule": "0 3 * * *"})
            due = read(rotation(world)["dueAt"])
            assert due is not None
            assert (due.hour, due.minute) == (3, 0)
            # The clock shows the real hour of the day: the date may have come in the meantime.
            world.clock.ahead += max(due - world.clock.now(), timedelta())
            await world.until("it is changed", lambda: len(passwords) == 2, HOUR + 700)
            await world.until("it is over", lambda: is_over(world), SOON)
            assert read(rotation(world)["dueAt"]) == due + timedelta(days=1)

    in_virtual_time(story())


def test_dates_that_passed_while_nobody_worked_are_made_up_for_once() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, **DAILY)
            await world.kill()
            world.clock.ahead += timedelta(days=10)
            await world.start()
            await world.until("it is changed", lambda: len(passwords) == 2 and is_over(world), HOUR + 60)
            await asyncio.sleep(3 * HOUR)
            assert len(passwords) == 2

    in_virtual_time(story())


def test_a_plan_counts_from_when_it_was_set() -> None:
    """Also where the password is older than that: to set a plan cuts nobody off."""

    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world)
            assert rotation(world) == {}
            world.clock.ahead += timedelta(days=100)
            world.cluster.change(APP, **MONTHLY)
            await asyncio.sleep(2 * HOUR)
            assert len(passwords) == 1
            first = read(rotation(world)["dueAt"])
            assert first is not None
            world.cluster.change(APP, rotation={"everyDays": 60})
            await asyncio.sleep(SOON)
            later = read(rotation(world)["dueAt"])
            assert later is not None
            assert later > first + timedelta(days=29)
            world.cluster.change(APP, rotation=None)
            await asyncio.sleep(SOON)
            assert rotation(world) == {}

    in_virtual_time(story())


def test_a_request_changes_it_at_once_and_once() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world)
            world.cluster.annotate(APP, rotate_password="leaked")
            await world.until("it is changed", lambda: len(passwords) == 2, 5)
            await world.until("it is told", lambda: rotation(world).get("handledRequest") == "leaked", SOON)
            assert await opens(world)
            await world.kill()
            await world.start()
            await asyncio.sleep(2 * HOUR)
            assert len(passwords) == 2
            world.cluster.annotate(APP, rotate_password="again")
            await world.until("it is changed again", lambda: len(passwords) == 3, 5)

    in_virtual_time(story())


def test_a_request_that_was_there_first_is_answered_by_the_first_password() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
            world.cluster.annotate(APP, rotate_password="v1")
            await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
            password = world.secret(MINE.name)["password"]
            assert rotation(world) == {"handledRequest": "v1"}
            await asyncio.sleep(HOUR)
            assert world.secret(MINE.name)["password"] == password

    in_virtual_time(story())


def test_a_password_of_a_person_is_not_changed() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            world.cluster.annotate(APP, rotate_password="now")
            await asyncio.sleep(HOUR)
            assert world.secret(MINE.name)["password"] == world.secret(GIVEN.name)["password"]
            assert "handledRequest" not in rotation(world)

    in_virtual_time(story())


MOMENTS = [pytest.param(at, marks=[] if at % 24 == 0 else [pytest.mark.chaos]) for at in range(0, 240, 8)]
"""`make chaos` tries all of them."""


@pytest.mark.parametrize("milliseconds", MOMENTS)
@pytest.mark.parametrize("way", ["request", "date"])
def test_killed_at_any_moment_it_is_changed_once(way: str, milliseconds: int) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.answer_seconds = 0.01
            passwords = await begin(world, **MONTHLY)
            ends = asyncio.Event()

            def begins(kind: str, key: Any, raw: Raw, gone: bool) -> None:
                if key == PENDING:
                    ends.set()

            world.cluster.told.append(begins)
            if way == "request":
                world.cluster.annotate(APP, rotate_password="now")
            else:
                world.clock.ahead += timedelta(days=30)
                await asyncio.wait_for(ends.wait(), 2 * HOUR)
            await asyncio.sleep(milliseconds / 1000)
            await world.kill()
            await asyncio.sleep(1)
            await world.start()
            await world.until("it is changed", lambda: len(passwords) == 2 and is_over(world), HOUR)
            assert await opens(world)
            await asyncio.sleep(2 * HOUR)
            assert len(passwords) == 2, "the same request, or date, is not answered twice"
            assert await opens(world)

    in_virtual_time(story())


def test_a_pause_holds_it_back() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, **DAILY)
            world.cluster.annotate(APP, paused="true")
            world.clock.ahead += timedelta(days=2)
            await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "Paused"), 2 * HOUR)
            assert "due since" in condition(world.get(APP), "Stalled")["message"]
            assert world.says(APP, "Ready")[0] == "True"
            assert len(passwords) == 1
            world.cluster.annotate(APP, paused=None)
            await world.until("it is changed", lambda: len(passwords) == 2, SOON)

    in_virtual_time(story())


def test_it_is_a_wish_and_no_drift() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, driftPolicy="Report", **DAILY)
            world.clock.ahead += timedelta(days=2)
            await world.until("it is changed", lambda: len(passwords) == 2 and is_over(world), 2 * HOUR)

    in_virtual_time(story())


def test_a_datastore_at_work_is_waited_for() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, **DAILY)
            main = world.get(MAIN)["status"]["id"]
            await world.edit("datastores", main, status="PENDING_UPDATE")
            world.clock.ahead += timedelta(days=2)
            await asyncio.sleep(2 * HOUR)
            assert len(passwords) == 1
            assert await opens(world)
            await world.edit("datastores", main, status="ACTIVE")
            await world.until("it is changed", lambda: len(passwords) == 2 and is_over(world), 2 * HOUR)

    in_virtual_time(story())


@pytest.mark.parametrize(
    "fault", ["400 of validation", "403", "409", "429", "reset after the effect", "502 after the effect"]
)
def test_what_the_cloud_refuses_leaves_a_secret_that_opens(fault: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, **DAILY)
            await world.fault(**{"path": "/users/", "method": "PUT", "times": 3} | REQUEST_FAULTS[fault])
            world.clock.ahead += timedelta(days=1)
            for _ in range(120):
                await asyncio.sleep(SOON)
                assert world.says(APP, "Ready")[0] != "True" or await opens(world)
            await world.clear_faults()
            await world.until("it is changed", lambda: len(passwords) == 2 and is_over(world), 2 * HOUR)
            assert await opens(world)

    in_virtual_time(story())


def test_a_change_that_nobody_wants_any_more_is_given_up() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            passwords = await begin(world, **DAILY)
            await world.fault(
                **{"path": "/users/", "method": "PUT", "times": 100} | REQUEST_FAULTS["400 of validation"]
            )
            world.clock.ahead += timedelta(days=1)
            await world.until("it has begun", lambda: PENDING in world.cluster.objects, 2 * HOUR)
            world.cluster.change(APP, rotation=None)
            await world.until("it is given up", lambda: PENDING not in world.cluster.objects, HOUR)
            await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", HOUR)
            assert len(passwords) == 1
            assert await opens(world)

    in_virtual_time(story())


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "61 * * * *", "a b c d e"])
def test_a_schedule_without_dates_is_told(schedule: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.change(APP, rotation={"schedule": schedule})
            await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "InvalidSpec"), SOON)
            assert "rotation.schedule" in condition(world.get(APP), "Stalled")["message"]
            assert world.says(APP, "Ready")[0] == "True"

    in_virtual_time(story())
