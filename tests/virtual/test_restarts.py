"""Workloads are restarted once for each change of the login in their Secret, one after the other, and for nothing else."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.keepers.logins_of_workloads import RESTARTED_AT, mark
from managed_databases.reconcile.keepers.restarter import ROLLOUT_SECONDS
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual import begun_world as begun
from virtual.begun_world import APP, MAIN, begin
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.workloads import SECRET, SHOP, is_restarted, pods, put, restarts, roll_out

NAMED = [{"kind": "Deployment", "name": "shop"}]
OTHER = ResourceKey("StatefulSet", NAMESPACE, "reports")
BOTH = [*NAMED, {"kind": "StatefulSet", "name": "reports"}]
TYPE = "RestartIncomplete"


async def with_option(world: VirtualWorld, targets: list[dict[str, Any]], **spec: Any) -> None:
    """A user whose Secret is there, and whose status says what login the workloads have."""
    await begin(world, MAIN, begun.SHOP)
    begun.apply(world, APP, rolloutRestart=targets, **spec)
    await world.until("it is noted", lambda: world.get(APP)["status"]["restartedFor"], 120)


async def new_password(world: VirtualWorld) -> None:
    """Have the password changed, and wait until the Secret has the new one."""
    before = world.secret(SECRET)["password"]
    world.cluster.annotate(APP, rotate_password=before[:8])
    await world.until("it is changed", lambda: world.secret(SECRET)["password"] not in ("", before), 300)


def told(world: VirtualWorld) -> str:
    return str(condition(world.get(APP), TYPE).get("message", ""))


def workload_requests(world: VirtualWorld) -> list[tuple[str, str]]:
    """Count from now on what the operator asks of workloads."""
    asked: list[tuple[str, str]] = []

    def note(method: str, path: str) -> None:
        if path.startswith("/apis/apps/"):
            asked.append((method, path))

    world.cluster.refuses = note
    return asked


def test_a_new_password_restarts_once() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            await asyncio.sleep(60)
            assert restarts(world) == 0, "the first Secret restarts nothing"
            await new_password(world)
            await world.until("restarted", lambda: is_restarted(world), 60)
            assert world.says(APP, "Ready")[0] == "True"
            await world.until("it is told", lambda: world.says(APP, TYPE) == ("True", "Restarting"), 10)
            password = world.secret(SECRET)["password"]
            assert password not in str(pods(world)) + str(world.get(APP))
            roll_out(world, SHOP)
            await world.until("done", lambda: not told(world), 60)
            assert world.get(APP)["status"]["restartedFor"] == pods(world)[mark(SECRET)]
            await asyncio.sleep(7200)
            assert restarts(world) == 1
            await new_password(world)
            await world.until("again", lambda: restarts(world) == 2, 60)

    in_virtual_time(story())


def test_what_is_no_change_of_the_login_restarts_nothing() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            version = world.cluster.objects[ResourceKey("Secret", NAMESPACE, SECRET)]["metadata"]["resourceVersion"]
            begun.apply(world, APP, rolloutRestart=NAMED, credentials={"labels": {"a": "b"}, "presets": ["libpq"]})
            await world.until("rewritten", lambda: "PGHOST" in world.secret(SECRET), 120)
            world.change_secret(NAMESPACE, SECRET, {"host": "elsewhere.example"})
            await world.until("put right", lambda: world.secret(SECRET)["host"] != "elsewhere.example", 60)
            assert (
                world.cluster.objects[ResourceKey("Secret", NAMESPACE, SECRET)]["metadata"]["resourceVersion"]
                != version
            )
            await asyncio.sleep(1300)
            assert restarts(world) == 0
            assert not told(world)

    in_virtual_time(story())


def test_another_host_restarts_as_well() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            await world.edit("datastores", world.get(MAIN)["status"]["id"], connection={"master": "elsewhere.example"})
            await world.until("restarted", lambda: restarts(world) == 1, 300)
            assert world.secret(SECRET)["host"] == "elsewhere.example"

    in_virtual_time(story())


def test_nothing_is_asked_of_workloads_where_nobody_wants_it() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            asked = workload_requests(world)
            await begin(world, MAIN, begun.SHOP)
            begun.apply(world, APP)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            await new_password(world)
            await asyncio.sleep(3600)
            assert asked == []
            assert "restartedFor" not in world.get(APP)["status"]

    in_virtual_time(story())


def test_at_rest_nothing_is_read_or_written() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            await asyncio.sleep(60)
            asked, version = workload_requests(world), world.get(APP)["metadata"]["resourceVersion"]
            await asyncio.sleep(7200)
            assert asked == []
            assert world.get(APP)["metadata"]["resourceVersion"] == version

    in_virtual_time(story())


def test_one_after_the_other() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            put(world, OTHER)
            await with_option(world, BOTH)
            await new_password(world)
            await world.until("the first", lambda: is_restarted(world), 60)
            await asyncio.sleep(ROLLOUT_SECONDS / 2)
            assert restarts(world, OTHER) == 0, "the first is not rolled out"
            assert "Deployment shop" in told(world)
            roll_out(world, SHOP)
            await world.until("the second", lambda: is_restarted(world, OTHER), 30)
            assert restarts(world) == 1
            await world.until("bounded", lambda: world.says(APP, TYPE)[1] == "RestartIncomplete", ROLLOUT_SECONDS + 60)
            assert "StatefulSet reports is not rolled out" in told(world)
            await asyncio.sleep(3600)
            assert (restarts(world), restarts(world, OTHER)) == (1, 1)
            assert "StatefulSet reports is not rolled out" in told(world)

    in_virtual_time(story())


@pytest.mark.parametrize("rolled_out", [True, False])
def test_a_process_that_starts_anew_restarts_nothing_twice(rolled_out: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            put(world, OTHER)
            await with_option(world, BOTH)
            await new_password(world)
            await world.until("the first", lambda: is_restarted(world), 60)
            await world.kill()
            if rolled_out:
                roll_out(world, SHOP)
            before = condition(world.get(APP), TYPE)
            await world.start()
            await asyncio.sleep(3)
            assert condition(world.get(APP), TYPE) == before or rolled_out
            await asyncio.sleep(30)
            assert restarts(world, OTHER) == int(rolled_out)
            roll_out(world, SHOP)
            await world.until("the second", lambda: is_restarted(world, OTHER), 60)
            roll_out(world, OTHER)
            await world.until("done", lambda: not told(world), 60)
            await world.kill()
            await world.start()
            await asyncio.sleep(1300)
            assert (restarts(world), restarts(world, OTHER)) == (1, 1)

    in_virtual_time(story())


def test_a_process_that_starts_anew_still_says_what_is_not_rolled_out() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            await new_password(world)
            await world.until(
                "it is told", lambda: world.says(APP, TYPE)[1] == "RestartIncomplete", ROLLOUT_SECONDS + 90
            )
            before = condition(world.get(APP), TYPE)
            for _ in range(2):
                await world.kill()
                await world.start()
                await asyncio.sleep(ROLLOUT_SECONDS / 4)
                assert condition(world.get(APP), TYPE) == before
                assert world.says(APP, "Synced")[0] == "False"
            roll_out(world, SHOP)
            await world.until("and no more", lambda: not told(world), ROLLOUT_SECONDS + 60)
            assert restarts(world) == 1

    in_virtual_time(story())


def test_killed_before_the_restart_it_comes_later() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            world.cluster.refuses = lambda method, path: "no" if path.startswith("/apis/apps/") else None
            await new_password(world)
            await world.kill()
            world.cluster.refuses = lambda method, path: None
            await world.start()
            await world.until("restarted", lambda: restarts(world) == 1, 60)

    in_virtual_time(story())


def test_a_status_that_is_set_back_restarts_nothing_twice() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            before = world.get(APP)["status"]["restartedFor"]
            await new_password(world)
            await world.until("restarted", lambda: restarts(world) == 1, 60)
            roll_out(world, SHOP)
            await world.until("done", lambda: world.get(APP)["status"]["restartedFor"] != before, 60)
            await world.kill()
            world.get(APP)["status"]["restartedFor"] = before
            await world.start()
            await world.until("put right", lambda: world.get(APP)["status"]["restartedFor"] != before, 60)
            assert restarts(world) == 1

    in_virtual_time(story())


def test_a_tool_that_takes_the_annotation_away_does_not_make_a_loop() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            await new_password(world)
            await world.until("restarted", lambda: is_restarted(world), 60)
            for _ in range(20):
                world.get(SHOP)["spec"]["template"].pop("metadata", None)
                world.cluster.touch(SHOP)
                await asyncio.sleep(5)
            assert restarts(world) == 1

    in_virtual_time(story())


def test_without_the_right_a_condition_says_so_and_nothing_is_tried_in_a_loop() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            refused = 0

            def refuse(method: str, path: str) -> str | None:
                nonlocal refused
                if not path.startswith("/apis/apps/"):
                    return None
                refused += 1
                return "deployments.apps is forbidden"

            world.cluster.refuses = refuse
            await with_option(world, NAMED)
            assert world.says(APP, TYPE) == ("True", "RestartIncomplete"), "it is told before the first change"
            assert "deployments.apps is forbidden" in told(world)
            assert "rbac.restartWorkloads" in told(world)
            await new_password(world)
            refused = 0
            await asyncio.sleep(3600)
            assert refused <= 8
            assert (world.says(APP, "Ready")[0], world.says(APP, "Stalled")[0]) == ("True", "False")
            assert world.says(APP, "Synced") == ("False", "RestartIncomplete")
            assert restarts(world) == 0
            world.cluster.refuses = lambda method, path: None
            await world.until("the right is given", lambda: restarts(world) == 1, 700)

    in_virtual_time(story())


def test_a_selector_and_what_is_not_there() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            labels = {"app.kubernetes.io/part-of": "shop", "tier": "back"}
            put(world, labels=labels)
            put(world, OTHER, labels=labels)
            stranger = put(world, ResourceKey("DaemonSet", NAMESPACE, "agent"), labels=labels, secret="another")
            other_label = put(world, ResourceKey("Deployment", NAMESPACE, "front"), labels={"tier": "front"})
            elsewhere = put(world, ResourceKey("Deployment", "elsewhere", "shop"), labels=labels)
            targets: list[dict[str, Any]] = [
                {"selector": {"matchLabels": labels}},
                {"kind": "DaemonSet", "name": "nobody"},
            ]
            await with_option(world, targets)
            assert told(world) == "rolloutRestart: there is no DaemonSet nobody"
            await new_password(world)
            for key in (SHOP, OTHER):
                await world.until("restarted", lambda key=key: is_restarted(world, key), 60)  # type: ignore[misc]
                roll_out(world, key)
            await world.until("told", lambda: "DaemonSet agent do not use the Secret app-user" in told(world), 60)
            assert [restarts(world, key) for key in (stranger, other_label, elsewhere)] == [0, 0, 0]

    in_virtual_time(story())


def test_paused_means_no_restart() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            world.cluster.refuses = lambda method, path: "no" if path.startswith("/apis/apps/") else None
            await new_password(world)
            world.cluster.annotate(APP, paused="true")
            await asyncio.sleep(10)
            world.cluster.refuses = lambda method, path: None
            await asyncio.sleep(1300)
            assert restarts(world) == 0
            world.cluster.annotate(APP, paused=None)
            await world.until("restarted", lambda: restarts(world) == 1, 60)

    in_virtual_time(story())


def test_who_takes_the_option_away_begins_anew() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            await with_option(world, NAMED)
            begun.apply(world, APP)
            await world.until("forgotten", lambda: "restartedFor" not in world.get(APP)["status"], 60)
            await new_password(world)
            begun.apply(world, APP, rolloutRestart=NAMED)
            await world.until("noted", lambda: world.get(APP)["status"]["restartedFor"], 60)
            await asyncio.sleep(60)
            assert restarts(world) == 0

    in_virtual_time(story())


def test_a_redis_restarts_its_workloads_as_well() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            cache = ResourceKey("ManagedDatastore", NAMESPACE, "cache")
            put(world, secret="cache-redis")
            world.cluster.apply(project())
            await world.start()
            spec = {
                "engine": {"type": "redis", "version": "7"},
                "flavor": {"name": "RS1.2-4096-40"},
                "subnetID": "11111111-2222-4333-8444-555555555555",
                "rolloutRestart": NAMED,
            }
            world.cluster.apply(manifest(cache.kind, cache.name, NAMESPACE, spec))
            await world.until("noted", lambda: world.get(cache)["status"].get("restartedFor"), 3600)
            world.change_secret(NAMESPACE, "cache-redis", {"password": ""})
            await world.until("restarted", lambda: mark("cache-redis") in pods(world), 600)
            assert pods(world)[RESTARTED_AT]

    in_virtual_time(story())


def test_a_workload_that_nobody_may_change_holds_up_no_other() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            put(world)
            put(world, OTHER)
            await with_option(world, BOTH)

            def refuses(method: str, path: str) -> str | None:
                return "frozen by our policy" if method == "PATCH" and path.endswith(f"/{SHOP.name}") else None

            world.cluster.refuses = refuses
            await new_password(world)
            await world.until("the other", lambda: is_restarted(world, OTHER), 60)
            assert restarts(world) == 0
            roll_out(world, OTHER)
            await world.until("it is told", lambda: "frozen by our policy" in told(world), 60)
            world.cluster.refuses = lambda method, path: None
            await world.until("and this one, once it may be", lambda: is_restarted(world), 3600)

    in_virtual_time(story())


def test_a_workload_that_comes_later_is_missed_no_more() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_option(world, NAMED)
            await world.until("it is told", lambda: "there is no Deployment" in told(world), 60)
            put(world)
            await world.until("and told no more", lambda: not told(world), 3600)

    in_virtual_time(story())
