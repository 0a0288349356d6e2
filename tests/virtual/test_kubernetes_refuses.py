"""A refusal of Kubernetes is shown in conditions, before anything is lost, and the step is tried again with pauses."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import KEYS, SPECS, begin_with_datastore

MAIN, SHOP, APP, OTHER, _, GRANT, TOKEN = KEYS
SECRET_OF_APP = ResourceKey(SECRET, NAMESPACE, "app-user")
PROJECT = ResourceKey("DatabaseProject", "", "team")
REFUSES = ("True", "KubernetesRefuses")
QUOTA = "exceeded quota: count/secrets=10"


async def with_app(world: VirtualWorld) -> None:
    await begin_with_datastore(world)
    world.put_secret(NAMESPACE, "given", {"password": "the-first-password"})
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP] | {"passwordSecretRef": {"name": "given"}}))
    await world.until("the user is there", lambda: world.says(APP, "Synced")[0] == "True")
    await asyncio.sleep(30)


def give(world: VirtualWorld, password: str) -> None:
    key = ResourceKey(SECRET, NAMESPACE, "given")
    world.cluster.delete(key)
    world.put_secret(NAMESPACE, "given", {"password": password})


async def opens(world: VirtualWorld, key: ResourceKey = APP) -> bool:
    datastore = world.get(MAIN)["status"]["id"]
    return await world.login(datastore, key.name, world.secret(f"{key.name}-user").get("password", ""))


def is_told(world: VirtualWorld, key: ResourceKey, words: str) -> None:
    stalled = condition(world.get(key), "Stalled")
    assert (stalled["status"], stalled["reason"]) == REFUSES, stalled
    assert words in stalled["message"], stalled
    warnings = [
        each for each in world.cluster.events if each["regarding"]["name"] == key.name and each["type"] == "Warning"
    ]
    assert [words in each["note"] for each in warnings if each["reason"] == REFUSES[1]] == [True], warnings


def test_a_quota_on_secrets() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.max_secrets = len(world.cluster.secrets_of(NAMESPACE))
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP]))
            await asyncio.sleep(300)
            is_told(world, APP, "exceeded quota")
            assert world.says(APP, "Ready")[0] == "False"
            writes = world.cluster.writes
            await asyncio.sleep(3600)
            assert world.cluster.writes == writes, "nothing is new"
            assert not await world.objects("users"), "no user without a Secret"
            assert "intent" not in world.get(APP)["status"], "nothing was begun"
            world.cluster.max_secrets = None
            await world.until("it heals by itself", lambda: world.says(APP, "Synced")[0] == "True")
            assert await opens(world)

    in_virtual_time(story())


def test_nothing_is_left_of_a_refused_attempt() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.max_secrets = 0
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, SPECS[APP]))
            await asyncio.sleep(30)
            world.cluster.delete(APP)
            await world.until("it goes", lambda: APP not in world.cluster.objects, 60)

    in_virtual_time(story())


@pytest.mark.parametrize("what", ["immutable", "a policy", "no room for the pending Secret", "a restart in between"])
def test_a_rotation_that_cannot_end_does_not_begin(what: str) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_app(world)
            if what == "a policy":
                world.cluster.refuses = lambda method, path: (
                    "by our policy" if path.endswith("app-user") and method == "PATCH" else None
                )
            elif what == "no room for the pending Secret":
                world.cluster.max_secrets = len(world.cluster.secrets_of(NAMESPACE))
            else:
                world.cluster.make_immutable(SECRET_OF_APP)
            world.sent.clear()
            give(world, "the-second-password")
            if what == "a restart in between":
                await asyncio.sleep(1)
                await world.kill()
                await world.start()
            await asyncio.sleep(1800)
            is_told(
                world,
                APP,
                {"a policy": "by our policy", "no room for the pending Secret": "exceeded quota"}.get(
                    what, "immutable"
                ),
            )
            assert not [sent for sent in world.sent if sent.method == "PUT"], "the cloud was not changed"
            assert world.says(APP, "Ready")[0] == "True"
            assert await opens(world)
            assert "the-second-password" not in str(world.get(APP)["status"])
            world.cluster.refuses, world.cluster.max_secrets = (lambda method, path: None), None
            world.cluster.objects[SECRET_OF_APP].pop("immutable", None)
            await world.until(
                "it heals by itself", lambda: world.secret("app-user")["password"] == "the-second-password"
            )
            await world.until("and says so", lambda: world.says(APP, "Synced")[0] == "True")
            assert await opens(world)

    in_virtual_time(story())


def test_an_immutable_secret_that_a_person_removes() -> None:
    """The way out is taken at once, not after a pause."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await with_app(world)
            world.cluster.make_immutable(SECRET_OF_APP)
            give(world, "the-second-password")
            await asyncio.sleep(1800)
            is_told(world, APP, "immutable")
            world.cluster.delete(SECRET_OF_APP)
            await asyncio.sleep(5)
            assert world.secret("app-user")["password"] == "the-second-password"
            assert await opens(world)

    in_virtual_time(story())


def test_a_refusal_after_the_cloud_was_changed() -> None:
    """The dry run was let through, the write is not: nobody gets in with the Secret, so it is not Ready."""

    async def story() -> None:
        async with VirtualWorld() as world:
            await with_app(world)
            give(world, "the-second-password")

            def refuses(method: str, path: str) -> str | None:
                is_sent = any(sent.method == "PUT" and sent.path.startswith("/v1/users/") for sent in world.sent)
                return "by our policy" if is_sent and method == "PATCH" and path.endswith("app-user") else None

            world.sent.clear()
            world.cluster.refuses = refuses
            await asyncio.sleep(900)
            is_told(world, APP, "by our policy")
            assert not await opens(world)
            assert world.says(APP, "Ready") == ("False", "KubernetesRefuses")
            await world.kill()
            await world.start()
            await asyncio.sleep(900)
            assert world.says(APP, "Ready")[0] == "False", "also for who did not send it"
            world.cluster.refuses = lambda method, path: None
            await world.until("it heals by itself", lambda: world.says(APP, "Ready")[0] == "True")
            assert await opens(world)

    in_virtual_time(story())


@pytest.mark.parametrize("deleting", [False, True])
def test_without_the_right_to_read_secrets(deleting: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await with_app(world)
            world.cluster.refuses = lambda method, path: "cannot get resource secrets" if "/secrets/" in path else None
            if deleting:
                world.cluster.delete(APP)
            else:
                give(world, "the-second-password")
            await asyncio.sleep(900)
            is_told(world, APP, "cannot get resource secrets")
            world.cluster.refuses = lambda method, path: None
            await asyncio.sleep(700)
            assert (APP not in world.cluster.objects) if deleting else await opens(world)

    in_virtual_time(story())


@pytest.mark.parametrize("is_open", [False, True])
def test_the_projects_secret_may_not_be_read(is_open: bool) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            if is_open:
                await begin_with_datastore(world)
            world.cluster.refuses = lambda method, path: "no right" if f"{SYSTEM}/secrets/" in path else None
            if not is_open:
                await world.start()
            await asyncio.sleep(900)
            is_told(world, PROJECT, "no right")
            assert (world.says(PROJECT, "Ready")[0] == "True") is is_open
            world.cluster.refuses = lambda method, path: None
            await world.until("it heals by itself", lambda: world.says(PROJECT, "Synced")[0] == "True")

    in_virtual_time(story())


def test_an_owned_resource_and_a_status_are_refused() -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            for key in (SHOP, APP):
                world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key]))
            await world.until("they are there", lambda: world.says(SHOP, "Synced")[0] == "True")
            world.cluster.refuses = lambda method, path: (
                QUOTA if method == "POST" and "databasegrants" in path else None
            )
            world.cluster.change(APP, databases=[{"name": "shop"}])
            await asyncio.sleep(900)
            is_told(world, APP, QUOTA)
            assert world.says(APP, "Ready")[0] == "True"
            world.cluster.events.clear()
            world.cluster.refuses = lambda method, path: "no status" if path.endswith("/status") else None
            world.cluster.change(SHOP, deletionPolicy="Retain", ownerRef=None)
            world.cluster.apply(manifest(OTHER.kind, OTHER.name, NAMESPACE, SPECS[OTHER]))
            await asyncio.sleep(900)
            told = {
                each["regarding"]["name"]: each["note"] for each in world.cluster.events if each["reason"] == REFUSES[1]
            }
            assert "no status" in told["other"], "where the status cannot say it, an Event does"

    in_virtual_time(story())


def test_a_defect_is_told_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("a text that may hold anything")

    async def story(lines: list[Any]) -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            monkeypatch.setitem(vars(DATASTORE), "changes", fails)
            world.cluster.annotate(MAIN, sync_requested="now")
            await asyncio.sleep(900)
            stalled = condition(world.get(MAIN), "Stalled")
            assert (stalled["status"], stalled["reason"]) == ("True", "OperatorDefect"), stalled
            assert "RuntimeError" in stalled["message"]
            assert "anything" not in stalled["message"]
            incident = stalled["message"].partition("incident=")[2].partition(";")[0]
            assert len(incident) == 10
            assert incident in {line.get("incident") for line in lines}
            assert world.says(MAIN, "Ready")[0] == "True"
            assert [each["type"] for each in world.cluster.events if each["reason"] == "OperatorDefect"] == ["Warning"]
            version = world.get(MAIN)["metadata"]["resourceVersion"]
            await asyncio.sleep(3600)
            assert world.get(MAIN)["metadata"]["resourceVersion"] == version, "the same defect is no news"
            monkeypatch.undo()
            await world.until("it heals by itself", lambda: world.says(MAIN, "Synced")[0] == "True")

    with capture_logs() as lines:
        in_virtual_time(story(lines))
