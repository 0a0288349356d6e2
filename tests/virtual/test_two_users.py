"""Two users take turns: the mounted Secret opens at every instant, and the login before ends when its time is over."""

import asyncio
from datetime import timedelta
from functools import partial

from stories.world import manifest
from virtual.everything import project
from virtual.two_users import (
    APP,
    HOUR,
    MAIN,
    MINE,
    OTHERS,
    OWN,
    SOON,
    TWIN,
    TWO,
    at_work,
    begin,
    has_turned,
    is_over,
    is_well,
    mounted,
    opens,
    rotation,
    turned,
    users,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, SPECS
from virtual.workloads import SHOP as DEPLOYMENT
from virtual.workloads import put, restarts, roll_out


def test_a_second_user_is_made_and_nothing_changes_for_applications() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            assert await users(world) == ["app", "app_twin"]
            mounted, own = world.secret(MINE.name), world.secret(OWN.name)
            assert mounted["username"] == "app"
            assert mounted["password"] == own["password"]
            assert world.secret(OTHERS.name)["username"] == "app_twin"
            assert world.secret(OTHERS.name)["password"] != mounted["password"]
            assert world.get(APP)["status"]["binding"]["name"] == MINE.name

    in_virtual_time(story())


def test_users_change_places_and_the_login_before_ends() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            first = world.secret(OTHERS.name)["password"]
            async with at_work(world) as application:
                world.cluster.annotate(APP, rotate_password="leaked")
                await world.until("switched", lambda: rotation(world).get("active") == "Twin", SOON)
                old, new = application.logins[0], (await mounted(world))
                assert new[0] == "app_twin"
                assert new[1] != first
                assert rotation(world)["handledRequest"] == "leaked"
                assert await opens(world, old), "it stays valid for a while"
                await asyncio.sleep(500)
                assert await opens(world, old)
                await asyncio.sleep(200)
                await world.until("over", lambda: is_over(world), SOON)
                assert not await opens(world, old)
                world.cluster.annotate(APP, rotate_password="again")
                await world.until("switched back", lambda: rotation(world).get("active") == "Own", SOON)
                assert (await mounted(world))[0] == "app"
                assert await opens(world, new)
                await world.until("over", lambda: is_over(world), HOUR)
                assert not await opens(world, new)
                assert not await opens(world, old)
            assert len(application.logins) == 3
            await asyncio.sleep(SOON)
            told = [event["note"] for event in world.cluster.events if event["reason"] == "RotatingPassword"]
            assert sum("has the login of app_twin; the login before ends at" in each for each in told) == 1
            assert sum("the login before opens nothing any more" in each for each in told) == 2
            assert not any(password in str(world.cluster.events) for _, password in application.logins)
            assert await users(world) == ["app", "app_twin"]

    in_virtual_time(story())


def test_the_user_is_ready_all_the_time() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            said: set[tuple[str, str]] = set()
            world.cluster.told.append(lambda kind, key, raw, gone: said.add(world.says(APP, "Ready")))
            for request in ("a", "b"):
                world.cluster.annotate(APP, rotate_password=request)
                await world.until("answered", partial(_is_answered, world, request), SOON)
                await world.until("over", lambda: is_over(world), HOUR)
            assert said == {("True", "Ready")}

    in_virtual_time(story())


def _is_answered(world: VirtualWorld, request: str) -> bool:
    return rotation(world).get("handledRequest") == request


def test_a_date_begins_a_turn() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, rotation=TWO["rotation"] | {"everyDays": 1})
            async with at_work(world) as application:
                world.clock.ahead += timedelta(days=1)
                await world.until("switched", lambda: rotation(world).get("active") == "Twin", 2 * HOUR)
                await world.until("over", lambda: is_over(world), HOUR)
                await asyncio.sleep(3 * HOUR)
            assert len(application.logins) == 2

    in_virtual_time(story())


def test_with_a_leak_the_old_one_ends_at_once() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, rotation=TWO["rotation"] | {"keepOldFor": "0s"})
            old = await mounted(world)
            async with at_work(world):
                world.cluster.annotate(APP, rotate_password="leaked")
                await world.until("over", lambda: rotation(world).get("active") == "Twin" and is_over(world), SOON)
                assert not await opens(world, old)

    in_virtual_time(story())


def test_a_shorter_time_ends_it_sooner_and_a_second_request_waits_for_the_end() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            old = await mounted(world)
            async with at_work(world):
                world.cluster.annotate(APP, rotate_password="one")
                await world.until("switched", lambda: rotation(world).get("active") == "Twin", SOON)
                world.cluster.annotate(APP, rotate_password="two")
                await asyncio.sleep(100)
                assert rotation(world)["active"] == "Twin"
                assert await opens(world, old)
                world.cluster.change(APP, rotation=TWO["rotation"] | {"keepOldFor": "0s"})
                await world.until("answered", lambda: rotation(world).get("handledRequest") == "two", SOON)
                assert not await opens(world, old)
                assert rotation(world)["active"] == "Own"

    in_virtual_time(story())


def test_back_to_one_user() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            async with at_work(world):
                world.cluster.annotate(APP, rotate_password="one")
                await world.until("over", lambda: rotation(world).get("active") == "Twin" and is_over(world), HOUR)
                before = await mounted(world)
                world.cluster.change(APP, rotation=None)
                await world.until("the own user's turn", lambda: rotation(world).get("active") == "Own", SOON)
                assert TWIN in world.cluster.objects
                assert await opens(world, before)
                await world.until("one user", lambda: TWIN not in world.cluster.objects and is_well(world), 2 * HOUR)
                await asyncio.sleep(SOON)
            assert await users(world) == ["app"]
            assert "active" not in rotation(world)
            assert OWN not in world.cluster.objects
            assert OTHERS not in world.cluster.objects
            assert (await mounted(world))[0] == "app"

    in_virtual_time(story())


def test_both_go_with_the_user() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.delete(APP)
            await world.until("both are gone", lambda: not {APP, TWIN} & world.cluster.objects.keys(), HOUR)
            assert await users(world) == []
            assert not {MINE, OWN, OTHERS} & world.cluster.objects.keys()

    in_virtual_time(story())


def test_workloads_are_restarted_once_for_each_turn() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await begin(world, rolloutRestart=[{"kind": "Deployment", "name": "shop"}])
            await asyncio.sleep(SOON)
            assert restarts(world) == 0, "that there are two users restarts nothing"
            for turn, side in enumerate(("Twin", "Own"), start=1):
                world.cluster.annotate(APP, rotate_password=f"turn {turn}")
                await world.until(f"it is the turn of {side}", lambda side=side: has_turned(world, side), HOUR)  # type: ignore[misc]
                await asyncio.sleep(HOUR)
                assert restarts(world) == turn
                assert world.says(APP, "Synced") == ("False", "RestartIncomplete"), "nobody rolls it out"
                assert world.says(APP, "Ready")[0] == "True"
                roll_out(world, DEPLOYMENT)
                await world.until("all is well", lambda: is_well(world), HOUR)

    in_virtual_time(story())


def test_a_kafka_user_and_its_access_rules() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            engine = {"engine": {"type": "kafka", "version": "3.6"}}
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | engine))
            user = TWO | {"access": [{"patternType": "literal", "pattern": "orders", "allowRead": True}]}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | user))
            separate = {"userRef": {"name": APP.name}, "patternType": "prefixed", "pattern": "log", "allowWrite": True}
            world.cluster.apply(manifest("KafkaACL", "by-hand", NAMESPACE, IN_MAIN | separate))
            await world.until("there are two", lambda: rotation(world).get("active") == "Own" and is_well(world), HOUR)
            await asyncio.sleep(SOON)
            ids = {each["id"]: each["name"] for each in await world.objects("users")}
            rules = sorted(
                (ids[each["user_id"]], each["pattern"], each["allow_read"], each["allow_write"])
                for each in await world.objects("acls")
            )
            assert rules == [
                ("app", "log", False, True),
                ("app", "orders", True, False),
                ("app_twin", "log", False, True),
                ("app_twin", "orders", True, False),
            ]
            async with at_work(world):
                await turned(world, "one", "Twin")
            assert 'username="app_twin"' in world.secret(MINE.name)["jaas-config"]

    in_virtual_time(story())


def test_what_is_kept_in_the_cloud_keeps_both() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, deletionPolicy="Retain")
            await turned(world, "one", "Twin")
            login = await mounted(world)
            world.cluster.delete(APP)
            await world.until("both are let go", lambda: not {APP, TWIN} & world.cluster.objects.keys(), HOUR)
            await asyncio.sleep(SOON)
            assert await users(world) == ["app", "app_twin"]
            assert await mounted(world) == login
            assert await opens(world, login)

    in_virtual_time(story())
