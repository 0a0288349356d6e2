"""Two users take turns, and other hands are at work: what they do to Secrets, resources and users in the cloud is put right, and
rights of both users are the same.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

from managed_databases.probe import Outcome
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.two_users import (
    APP,
    HOUR,
    MAIN,
    MINE,
    OTHERS,
    OWN,
    SHOP,
    SOON,
    TWIN,
    TWO,
    answering,
    at_work,
    begin,
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
from virtual.walk import IN_MAIN, begin_with_datastore


def test_secrets_that_somebody_deletes_come_back_and_the_mounted_one_opens() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            for side, secrets in (("Own", (OWN, OTHERS)), ("Twin", (OWN,))):
                login = await mounted(world)
                async with at_work(world):
                    for secret in secrets:
                        world.cluster.delete(secret)
                        await world.until("it is back", partial(_is_back, world, secret), HOUR)
                        await asyncio.sleep(SOON)
                assert await mounted(world) == login, side
                world.cluster.delete(MINE)
                await world.until("it is back", lambda: MINE in world.cluster.objects and is_well(world), SOON)
                assert await mounted(world) == login, side
                world.change_secret(NAMESPACE, MINE.name, {"password": "mine", "username": "me"})
                await world.until("it is put right", partial(_is_named, world, login[0]), SOON)
                assert await mounted(world) == login, side
                if side == "Own":
                    await turned(world, "one", "Twin")

    in_virtual_time(story())


def _are_granted(world: VirtualWorld, times: int) -> bool:
    grants = [key for key in world.cluster.objects if key.kind == "DatabaseGrant"]
    return len(grants) == times and all(world.says(key, "Synced")[0] == "True" for key in grants)


def _is_back(world: VirtualWorld, secret: ResourceKey) -> bool:
    return secret in world.cluster.objects and is_well(world)


def _is_named(world: VirtualWorld, user: str) -> bool:
    return world.secret(MINE.name)["username"] == user


def _is_at(world: VirtualWorld, side: str) -> bool:
    return rotation(world).get("active") == side and is_over(world)


def test_the_second_user_whose_login_is_in_use_is_deleted() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await turned(world, "one", "Twin")
            world.cluster.delete(TWIN)
            await world.until("the own user's turn", lambda: rotation(world).get("active") == "Own", SOON)
            assert await opens(world, await mounted(world))
            await world.until("there are two again", lambda: TWIN in world.cluster.objects and is_over(world), HOUR)
            assert await users(world) == ["app", "app_twin"]
            await turned(world, "two", "Twin")
            assert await opens(world, await mounted(world))

    in_virtual_time(story())


def test_the_second_user_vanishes_from_the_cloud() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await turned(world, "one", "Twin")
            await world.vanish("users", world.get(TWIN)["status"]["id"])
            await world.until("it is made again", lambda: is_well(world), HOUR)
            await asyncio.sleep(10 * SOON)
            assert await users(world) == ["app", "app_twin"]
            assert await opens(world, await mounted(world))

    in_virtual_time(story())


def test_both_users_have_the_same_rights() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await world.settings(user_offers=True)
            await begin_with_datastore(world)
            for name in ("listed", "granted"):
                world.cluster.apply(manifest("ManagedDatabase", name, NAMESPACE, IN_MAIN))
            world.cluster.apply(manifest(SHOP.kind, "owned", NAMESPACE, IN_MAIN | {"ownerRef": {"name": APP.name}}))
            granted = IN_MAIN | {"databaseRef": {"name": "granted"}, "userRef": {"name": APP.name}}
            world.cluster.apply(manifest("DatabaseGrant", "by-hand", NAMESPACE, granted))
            more: dict[str, Any] = {"databases": [{"name": "listed"}], "roles": ["pg_read_all_data"]}
            more["settings"] = {"conn_limit": 20}
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | TWO | more))
            await world.until("there are two", lambda: is_well(world) and TWIN in world.cluster.objects, HOUR)
            own, twin = (world.get(key)["status"]["id"] for key in (APP, TWIN))
            databases = {each["id"]: each["name"] for each in await world.objects("databases")}

            async def rights(user: str) -> set[str]:
                return {
                    databases[each["database_id"]] for each in await world.objects("grants") if each["user_id"] == user
                }

            assert await rights(own) == {"listed", "granted"}
            assert await rights(twin) == {"listed", "granted", "owned"}
            told = {each["name"]: (each["roles"], each["settings"]) for each in await world.objects("users")}
            assert told["app"] == told["app_twin"]
            assert told["app"][1] == {"conn_limit": 20}
            # A grant that somebody makes later is one of both, at once.
            late = ResourceKey("DatabaseGrant", NAMESPACE, "late")
            world.cluster.apply(manifest(late.kind, late.name, NAMESPACE, granted | {"databaseRef": {"name": "owned"}}))
            await world.until("it is made for both", partial(_are_granted, world, 6), 30)
            world.cluster.delete(late)
            # A change of the first one's rights is one of both; a right that is taken away is taken from both.
            world.cluster.change(APP, settings={"conn_limit": 30}, databases=None)
            world.cluster.delete(ResourceKey("DatabaseGrant", NAMESPACE, "by-hand"))
            await asyncio.sleep(5 * SOON)
            assert await rights(own) == set()
            assert await rights(twin) == {"owned"}
            assert {str(each["settings"]) for each in await world.objects("users")} == {"{'conn_limit': 30}"}

    in_virtual_time(story())


def test_a_right_that_the_second_user_lacks_holds_the_turn_back() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            granted = IN_MAIN | {"databaseRef": {"name": "missing"}, "userRef": {"name": APP.name}}
            world.cluster.apply(manifest("DatabaseGrant", "by-hand", NAMESPACE, granted))
            await asyncio.sleep(SOON)
            of_twin = [key.name for key in world.cluster.objects if key.name.startswith("app-twin-")]
            assert len(of_twin) == 1, "also a grant that waits is made for both, at once"
            async with at_work(world) as application:
                world.cluster.annotate(APP, rotate_password="one")
                await asyncio.sleep(HOUR)
                assert rotation(world)["active"] == "Own"
                assert world.says(APP, "Ready") == ("True", "Ready")
                world.cluster.apply(manifest("ManagedDatabase", "missing", NAMESPACE, IN_MAIN))
                await world.until("switched", lambda: rotation(world).get("active") == "Twin", HOUR)
            assert len(application.logins) == 2

    in_virtual_time(story())


def test_a_login_comes_before_the_turn_where_one_is_asked_for() -> None:
    async def story() -> None:
        answers = {"app": Outcome.LOGGED_IN, "app_twin": Outcome.LOGGED_IN}

        async with VirtualWorld(attempt=answering(answers)) as world:
            await begin(world, probe=True)
            for request, side, user in (("one", "Twin", "app_twin"), ("two", "Own", "app")):
                before = rotation(world)["active"]
                answers[user] = Outcome.REFUSED
                world.cluster.annotate(APP, rotate_password=request)
                await asyncio.sleep(5 * SOON)
                assert rotation(world)["active"] == before, side
                answers[user] = Outcome.LOGGED_IN
                await world.until("switched", partial(_is_at, world, side), HOUR)

    in_virtual_time(story())


def test_nothing_is_asked_at_rest() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            for request, side in (("one", "Twin"), ("two", "Own")):
                await turned(world, request, side)
                await asyncio.sleep(SOON)
                asked: list[str] = []
                request_ = world.cluster.request

                async def asking(method: str, path: str, of: Any = request_, to: list[str] = asked, **told: Any) -> Any:
                    if f"/namespaces/{NAMESPACE}/" in path:
                        to.append(f"{method} {path}")
                    return await of(method, path, **told)

                world.cluster.request = asking  # type: ignore[method-assign]
                await asyncio.sleep(2 * HOUR)
                world.cluster.request = request_  # type: ignore[method-assign]
                assert asked == []

    in_virtual_time(story())


def test_a_second_user_that_cannot_be_made_leaves_the_first_one_alone() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            main = world.get(MAIN)["status"]["id"]
            await world.create("users", {"datastore_id": main, "name": "app_twin", "password": "theirs"})
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | TWO))
            await asyncio.sleep(5 * SOON)
            assert world.says(APP, "Ready") == ("True", "Ready")
            assert world.says(APP, "Synced")[0] == "False"
            world.cluster.annotate(APP, rotate_password="one")
            await asyncio.sleep(HOUR)
            assert rotation(world)["active"] == "Own"
            assert await opens(world, await mounted(world))
            assert await world.login(main, "app_twin", "theirs")

    in_virtual_time(story())


def test_an_earlier_secret_and_a_copy_stay_whatever_their_names_are() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"secretName": OWN.name}))
            await world.until("it is there", lambda: is_well(world), HOUR)
            world.cluster.change(APP, secretName=None)
            await world.until("it has another Secret", lambda: MINE in world.cluster.objects and is_well(world), HOUR)
            await asyncio.sleep(5 * SOON)
            assert OWN in world.cluster.objects
            world.cluster.delete(OWN)
            meta = world.cluster.objects[MINE]["metadata"]
            copied = {"metadata": {each: meta[each] for each in ("labels", "annotations")}}
            world.cluster.create(OWN, world.cluster.objects[MINE] | copied)
            world.cluster.annotate(APP, sync_requested="now")
            await asyncio.sleep(5 * SOON)
            assert OWN in world.cluster.objects

    in_virtual_time(story())


def test_the_secret_of_two_users_that_an_end_has_left_behind_goes() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            left = world.cluster.objects[OWN]
            world.cluster.change(APP, rotation=None)
            await world.until("one user", lambda: TWIN not in world.cluster.objects and is_well(world), 2 * HOUR)
            meta = {each: left["metadata"][each] for each in ("labels", "annotations")}
            world.cluster.create(OWN, left | {"metadata": meta})
            await world.until("it is tidied away", lambda: OWN not in world.cluster.objects, HOUR)

    in_virtual_time(story())


def test_the_mounted_secret_comes_back_whatever_the_probes_say() -> None:
    async def story() -> None:
        answers = {"app": Outcome.LOGGED_IN, "app_twin": Outcome.LOGGED_IN}

        async with VirtualWorld(attempt=answering(answers)) as world:
            await begin(world, probe=True)
            first = await mounted(world)
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("switched", lambda: rotation(world).get("active") == "Twin", HOUR)
            # The second user is in use, and the operator cannot log in with it: the Secret comes back, the login before ends.
            answers["app_twin"] = Outcome.UNREACHABLE
            await world.until("it is told", lambda: world.says(APP, "Ready")[0] == "False", HOUR)
            login = await mounted(world)
            world.cluster.delete(MINE)
            await world.until("it is back", lambda: MINE in world.cluster.objects, SOON)
            assert await mounted(world) == login
            await world.until("the login before is over", lambda: "lockAt" not in rotation(world), HOUR)
            assert not await opens(world, first)
            # The own user's turn waits for a login: the Secret has the second user's login meanwhile, also if somebody harms it.
            answers |= {"app_twin": Outcome.LOGGED_IN, "app": Outcome.REFUSED}
            await world.until("all is well", lambda: is_well(world), HOUR)
            world.cluster.annotate(APP, rotate_password="two")
            await asyncio.sleep(10 * SOON)
            assert rotation(world)["turningTo"] == "Own"
            assert world.says(APP, "Ready")[0] == "True"
            world.cluster.delete(MINE)
            await world.until("it is back again", lambda: MINE in world.cluster.objects, SOON)
            assert await mounted(world) == login
            world.change_secret(NAMESPACE, MINE.name, {"password": "mine", "username": "me"})
            await world.until("it is put right", partial(_is_named, world, "app_twin"), SOON)
            assert await mounted(world) == login
            await world.until("Ready again", lambda: world.says(APP, "Ready")[0] == "True", SOON)
            answers["app"] = Outcome.LOGGED_IN
            await world.until("switched", partial(_is_at, world, "Own"), HOUR)
            assert await opens(world, await mounted(world))

    in_virtual_time(story())


def test_a_clock_that_is_set_back_keeps_no_login() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            first = await mounted(world)
            world.clock.ahead += timedelta(days=3650)
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("switched", lambda: rotation(world).get("active") == "Twin", HOUR)
            world.clock.ahead -= timedelta(days=3650)
            await world.until("the login before is over", lambda: is_over(world), HOUR)
            assert not await opens(world, first)

    in_virtual_time(story())


def test_a_paused_user_pauses_the_second_one() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await turned(world, "one", "Twin")
            login = await mounted(world)
            world.cluster.annotate(APP, paused="true")
            await asyncio.sleep(SOON)
            async with at_work(world):
                world.cluster.delete(OTHERS)
                world.cluster.annotate(TWIN, rotate_password="by hand")
                await asyncio.sleep(HOUR)
                world.cluster.delete(TWIN)
                await asyncio.sleep(HOUR)
                assert await mounted(world) == login
                assert world.says(TWIN, "Synced")[1] == "InUse"
                world.cluster.annotate(APP, paused="false")
                await world.until("the own user's turn", lambda: rotation(world).get("active") == "Own", HOUR)
                await world.until("there are two again", lambda: TWIN in world.cluster.objects and is_over(world), HOUR)
            assert await users(world) == ["app", "app_twin"]

    in_virtual_time(story())


def test_a_password_of_the_second_user_changes_only_for_a_turn() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await turned(world, "one", "Twin")
            login = await mounted(world)
            async with at_work(world):
                world.cluster.annotate(TWIN, rotate_password="by hand")
                await asyncio.sleep(HOUR)
                assert await mounted(world) == login
                # Deleted by hand, it goes only after the own user's turn.
                world.cluster.delete(TWIN)
                await world.until("the own user's turn", lambda: rotation(world).get("active") == "Own", SOON)
                await world.until("there are two again", lambda: TWIN in world.cluster.objects and is_over(world), HOUR)
                await turned(world, "two", "Twin")

    in_virtual_time(story())
