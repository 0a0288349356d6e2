"""Copies in the cases that broke them: what others have made, what is withdrawn, what is lost, and who is in trouble."""

import asyncio
import copy
from base64 import b64encode
from typing import Any

import pytest

from managed_databases.reconcile.keepers.copy_run import REST_SECONDS
from managed_databases.reconcile.ports import KubeRefused, KubeUnreachable, ResourceKey
from stories.world import manifest
from virtual import secret_copies as of
from virtual.everything import project
from virtual.memory_cluster import Raw
from virtual.secret_copies import (
    APP,
    COPIES,
    FAR,
    HOUR,
    LETS_IN,
    MINE,
    NEAR,
    OTHER,
    SOON,
    ask_for,
    begin,
    is_there,
    with_copies,
)
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import VirtualWorld
from virtual.walk import IN_MAIN, SPECS

STORE = SPECS[of.MAIN]


def replicate(world: VirtualWorld, to: ResourceKey) -> dict[str, Any]:
    """What `kubectl get -o yaml | kubectl apply -n`, or a tool that clones with labels and annotations, makes."""
    raw = copy.deepcopy(world.get(MINE))
    world.cluster.create(
        to,
        {
            "metadata": {name: raw["metadata"][name] for name in ("labels", "annotations")},
            "type": raw["type"],
            "data": raw["data"],
        },
    )
    return copy.deepcopy(world.get(to))


async def left_behind(world: VirtualWorld) -> dict[str, Any]:
    """shop's user goes without its finalizer (`kubectl patch`, a restored etcd): its copy web/far stays, and serves."""
    everybody = [{"name": "*", "powers": ["metrics", "adopt"]}]
    await with_copies(world)
    world.cluster.apply(project(allowedNamespaces=everybody))
    await world.kill()
    world.get(APP)["metadata"]["finalizers"] = []
    world.cluster.delete(APP)
    await world.start()
    await asyncio.sleep(SOON)
    return copy.deepcopy(world.get(FAR))


async def a_user(world: VirtualWorld, namespace: str, **spec: Any) -> ResourceKey:
    store = ResourceKey("ManagedDatastore", namespace, "main")
    world.cluster.apply(manifest(store.kind, "main", namespace, STORE | {"name": f"of-{namespace}"}))
    await world.until("its datastore", lambda: world.says(store, "Synced")[0] == "True", HOUR)
    key = ResourceKey(APP.kind, namespace, "mine")
    world.cluster.apply(manifest(key.kind, "mine", namespace, IN_MAIN | {"name": f"u_{namespace}"} | spec))
    return key


@pytest.mark.parametrize("labels", [{}, LETS_IN], ids=["not let in", "let in"])
def test_a_replica_that_somebody_else_made_is_not_touched(labels: dict[str, str]) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, labels=labels)
            before = replicate(world, FAR)
            await asyncio.sleep(SOON)
            ask_for(world, {"name": "far", "namespace": OTHER, "presets": ["rails"]})
            await asyncio.sleep(REST_SECONDS)
            assert world.cluster.objects.get(FAR) == before

    in_virtual_time(story())


def test_a_copy_left_behind_by_another_namespace_is_not_taken_over() -> None:
    """blog's user has a cloud object of its own; web's applications use web/far for shop's database."""

    async def story() -> None:
        async with VirtualWorld() as world:
            before = await left_behind(world)
            world.label_namespace(OTHER, LETS_IN | {"copies-from.manageddatabases.io/blog": "allowed"})
            blog = await a_user(
                world, "blog", adoption="IfExists", credentials={"copies": [{"name": "far", "namespace": OTHER}]}
            )
            await world.until("blog's user", lambda: world.says(blog, "Ready")[0] == "True", HOUR)
            await asyncio.sleep(REST_SECONDS)
            assert world.says(blog, "Synced") == ("False", "CopyRefused")
            assert world.get(FAR)["data"] == before["data"], "a Secret of shop's user, for another cloud object"

    in_virtual_time(story())


@pytest.mark.parametrize("is_away", [False, True], ids=["while it runs", "while no process runs"])
def test_a_withdrawn_word_counts_for_a_paused_resource(is_away: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            world.cluster.annotate(APP, paused="true")
            await asyncio.sleep(SOON)
            if is_away:
                await world.kill()
            world.label_namespace(OTHER, {})
            if is_away:
                await world.start()
            await asyncio.sleep(2 * HOUR)
            assert FAR not in world.cluster.objects

    in_virtual_time(story())


def test_a_copy_is_made_only_of_the_secret_that_a_pass_has_found_right() -> None:
    """Somebody edits the Secret between the pass that found it right and the run that reads it."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            edited, passwords = b64encode(b"edited-by-hand").decode(), set[str]()

            def edit_first(method: str, path: str) -> str | None:
                if method == "GET" and path.endswith("/secrets/app-user") and FAR not in world.cluster.objects:
                    world.cluster.change_data(of.MINE, {"password": edited})
                return None

            def listen(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
                if key == FAR and not gone:
                    passwords.add(raw["data"]["password"])

            world.cluster.told.append(listen)
            world.cluster.refuses = edit_first
            world.cluster.delete(FAR)
            await asyncio.sleep(SOON)
            world.cluster.refuses = lambda method, path: None
            await world.until("it is back", lambda: FAR in world.cluster.objects, HOUR)
            assert edited not in passwords
            assert world.get(FAR)["data"]["password"] == world.get(of.MINE)["data"]["password"]

    in_virtual_time(story())


@pytest.mark.parametrize("way", ["Retain", "force-delete"])
def test_a_word_withdrawn_as_the_resource_goes_with_retain(way: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world, **({"deletionPolicy": "Retain"} if way == "Retain" else {}))
            await world.kill()
            world.label_namespace(OTHER, {})
            if way == "force-delete":
                world.cluster.annotate(APP, force_delete="true")
            world.cluster.delete(APP)
            await world.start()
            await world.until("let go", lambda: APP not in world.cluster.objects, HOUR)
            await asyncio.sleep(SOON)
            assert FAR not in world.cluster.objects

    in_virtual_time(story())


@pytest.mark.parametrize("lost", ["copies", "all"])
def test_a_status_lost_right_before_the_deletion(lost: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            await world.kill()
            if lost == "all":
                world.get(APP)["status"] = {}
            else:
                del world.get(APP)["status"][lost]
            world.cluster.delete(APP)
            await world.start()
            await world.until("deleted", lambda: APP not in world.cluster.objects, HOUR)
            await asyncio.sleep(SOON)
            assert FAR not in world.cluster.objects

    in_virtual_time(story())


def test_one_namespace_in_trouble_does_not_hold_up_the_other_copies() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin(world, COPIES[1], COPIES[0])
            await world.until("the copies are there", lambda: is_there(world, NEAR, FAR), SOON)
            before = of.password(world, NEAR)
            request = world.cluster.request

            async def fails(method: str, path: str, **more: Any) -> Any:
                if f"/namespaces/{OTHER}/" in path and method != "GET":
                    raise KubeUnreachable("500 Internal error")
                return await request(method, path, **more)

            world.cluster.request = fails  # type: ignore[method-assign]
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("another password", lambda: of.password(world, MINE) != before, SOON)
            await asyncio.sleep(2 * HOUR)
            assert is_there(world, NEAR), "its namespace has no trouble"

    in_virtual_time(story())


def test_a_namespace_learns_only_that_a_name_is_taken() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.refuses = lambda method, path: (
                "exceeded quota: secret-project-x, requested: count/secrets=1, used: count/secrets=73, limited: count/secrets=73"
                if f"/namespaces/{OTHER}/" in path and method == "POST"
                else None
            )
            await begin(world, COPIES[1])
            await world.until("told", lambda: OTHER in of.told(world), SOON)
            assert "secret-project-x" not in of.told(world), of.told(world)

    in_virtual_time(story())


@pytest.mark.parametrize("error", [KubeRefused, KubeUnreachable])
def test_one_refusal_does_not_leave_the_old_login_for_ten_minutes(error: type[Exception]) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            before = of.password(world, MINE)
            request = world.cluster.request
            failed: list[int] = []

            async def fails(method: str, path: str, **more: Any) -> Any:
                if path.endswith("/secrets/far") and method == "PATCH" and not failed:
                    failed.append(1)
                    raise error("admission webhook denied the request: timeout")
                return await request(method, path, **more)

            world.cluster.request = fails  # type: ignore[method-assign]
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("another password", lambda: of.password(world, MINE) != before, SOON)
            await world.until("the copy follows", lambda: is_there(world, FAR), SOON)

    in_virtual_time(story())


def test_a_wish_that_changes_while_a_copy_is_written_is_carried_out() -> None:
    """What the run for the former wish has written says nothing of the new one."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await with_copies(world)
            request, writes = world.cluster.request, list[float]()

            async def slowly(method: str, path: str, **more: Any) -> Any:
                if path.endswith("/secrets/far") and method == "PATCH" and not writes:
                    writes.append(1)
                    await asyncio.sleep(4)
                return await request(method, path, **more)

            world.cluster.request = slowly  # type: ignore[method-assign]
            for team in ("one", "two"):
                ask_for(world, COPIES[0], COPIES[1] | {"labels": {"team": team}})
                await world.until("it is being written", lambda: writes, SOON)
                await asyncio.sleep(1)
            await asyncio.sleep(SOON)
            assert world.get(FAR)["metadata"]["labels"]["team"] == "two"

    in_virtual_time(story())


def test_what_is_refused_is_asked_for_seldom_and_holds_up_nothing_afterwards() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            refused, is_barred = list[str](), True

            def refuse(method: str, path: str) -> str | None:
                if f"/namespaces/{OTHER}/" not in path or not (is_barred or len(refused) == 1):
                    return None
                refused.append(method)
                return "admission webhook denied the request"

            world.cluster.refuses = refuse
            await begin(world, *COPIES)
            await asyncio.sleep(24 * HOUR)
            assert 100 < len(refused) < 160, "every ten minutes"
            is_barred = False
            refused.clear()
            await world.until("it is made", lambda: is_there(world, FAR), 2 * REST_SECONDS)
            before = of.password(world, MINE)
            refused.append("the next one is refused once")
            world.cluster.annotate(APP, rotate_password="one")
            await world.until("another password", lambda: of.password(world, MINE) != before, SOON)
            await world.until("the copy follows", lambda: is_there(world, FAR), SOON)

    in_virtual_time(story())
