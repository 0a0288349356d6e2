"""Deletions, in any order and in any state: no object of the operator is left behind, and nobody's object is lost."""

from typing import Any

import pytest

from managed_databases.kinds.registry import GROUP
from stories.pace import fast
from stories.world import COLLECTIONS, World, condition

ALL = (("ManagedDatastore", "main"), ("ManagedDatabase", "shop"), ("DatabaseUser", "app"))
WAYS_OUT = ("deletionProtection", "deletionPolicy")


async def everything(world: World, **datastore: Any) -> None:
    """The operator runs, and a datastore, a database and its owner are Ready."""
    await world.grant_cluster_wide()
    await world.operator.start()
    await world.apply(
        world.project_manifest(allowedNamespaces=[{"name": world.namespace, "powers": ["adopt"]}]),
        world.datastore(**datastore),
        world.database(ownerRef={"name": "app"}),
        world.user(databaseRef={"name": "shop"}),
    )
    for kind, name in ALL:
        await world.becomes(kind, name)


async def is_gone(world: World, kind: str, name: str) -> None:
    async def look() -> bool:
        there = await world.cluster.list(kind, world.namespace)
        mine = [one for one in there if one["metadata"]["name"] == name]
        assert not mine, mine[0].get("status")
        return True

    await world.until(f"{kind} {name} is gone", look)


async def left_in_the_cloud(world: World) -> list[str]:
    return [one["name"] for collection in COLLECTIONS.values() for one in await world.sandbox.objects(collection)]


async def foreground_delete(world: World, kind: str, name: str) -> None:
    await world.cluster.kubectl("delete", kind, name, "-n", world.namespace, "--cascade=foreground", "--wait=false")


@fast
@pytest.mark.parametrize("order", ["datastore first", "user first", "all at once", "namespace"])
async def test_in_any_order(world: World, order: str) -> None:
    await everything(world)
    if order == "namespace":
        await world.cluster.delete("Namespace", world.namespace, wait=True)
    elif order == "user first":
        for kind, name in reversed(ALL):
            await world.delete(kind, name)
    else:
        if order == "datastore first":
            await world.delete("ManagedDatastore", "main", wait=False)
            told = await world.becomes("ManagedDatastore", "main", status="False", reason="InUse")
            message = condition(told, "Ready")["message"]
            assert "shop" in message
            assert "app" in message
        for kind, name in ALL:
            await world.delete(kind, name, wait=False)
        for kind, name in ALL:
            await is_gone(world, kind, name)
    assert await left_in_the_cloud(world) == []
    deleted = [request["path"].split("/")[-2] for request in await world.calls("DELETE")]
    assert deleted.count("datastores") == 1
    if order == "datastore first":
        assert deleted == ["datastores"], "what goes with its datastore needs no call of its own"
    if order == "user first":
        assert deleted == ["users", "databases", "datastores"]
    if order != "namespace":
        assert not await world.cluster.exists("Secret", "app-user", world.namespace)


@fast
async def test_a_protected_datastore_is_refused_at_every_door(world: World) -> None:
    await world.grant_cluster_wide()
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(deletionProtection=True))
    await world.becomes("ManagedDatastore", "main")
    path = f"/apis/{GROUP}/v1alpha1/namespaces/{world.namespace}/manageddatastores"
    one = await world.cluster.http.delete(f"{path}/main")
    many = await world.cluster.http.delete(path)
    for answer in (one, many):
        assert answer.status_code in (403, 422), answer.text
        assert all(way in answer.json()["message"] for way in WAYS_OUT), answer.text
    await world.cluster.delete("Namespace", world.namespace)

    async def namespace_tells() -> str:
        namespace = await world.cluster.get("Namespace", world.namespace)
        told = str(namespace["status"].get("conditions"))
        assert all(way in told for way in WAYS_OUT), told
        return told

    await world.until("the namespace says why it stays", namespace_tells)
    assert "deletionTimestamp" not in (await world.get("ManagedDatastore", "main"))["metadata"]
    assert [one["is_protected"] for one in await world.sandbox.objects("datastores")] == [True]
    assert await world.calls("DELETE") == []
    await world.change("ManagedDatastore", "main", deletionProtection=False)

    async def namespace_is_gone() -> bool:
        return not await world.cluster.exists("Namespace", world.namespace)

    await world.until("the namespace goes", namespace_is_gone, 120)
    assert await left_in_the_cloud(world) == []


@fast
async def test_protected_after_the_delete_the_finalizer_is_the_second_line(world: World) -> None:
    await everything(world)
    await world.delete("ManagedDatastore", "main", wait=False)
    await world.becomes("ManagedDatastore", "main", status="False", reason="InUse")
    await world.delete("ManagedDatabase", "shop", wait=False)
    await world.becomes("ManagedDatabase", "shop", status="False", reason="Deleting")
    await world.change("ManagedDatastore", "main", deletionProtection=True)
    told = await world.becomes("ManagedDatastore", "main", "Stalled", reason="Protected")
    assert all(way in condition(told, "Stalled")["message"] for way in WAYS_OUT)
    await world.becomes("ManagedDatabase", "shop", "Stalled", reason="Protected")
    await world.change("DatabaseUser", "app", deletionProtection=False)
    await world.delete("DatabaseUser", "app")
    assert [request["path"].split("/")[-2] for request in await world.calls("DELETE")] == ["users"]
    await world.change("ManagedDatabase", "shop", deletionPolicy="Retain")
    await is_gone(world, "ManagedDatabase", "shop")
    await world.change("ManagedDatastore", "main", deletionPolicy="Retain")
    await is_gone(world, "ManagedDatastore", "main")
    assert await left_in_the_cloud(world) == ["main", "shop"]
    assert len(await world.calls("DELETE")) == 1


@fast
async def test_force_delete_lets_go_of_the_cloud_object(world: World) -> None:
    await everything(world)
    await world.delete("ManagedDatastore", "main", wait=False)
    await world.becomes("ManagedDatastore", "main", status="False", reason="InUse")
    await world.annotate("ManagedDatastore", "main", force_delete="true")
    await is_gone(world, "ManagedDatastore", "main")
    assert await left_in_the_cloud(world) == ["main", "shop", "app"]
    assert await world.calls("DELETE") == []
    await world.delete("DatabaseUser", "app")
    await world.delete("ManagedDatabase", "shop")
    assert await left_in_the_cloud(world) == ["main"]


@fast
async def test_what_is_retained_is_taken_over_with_its_secret(world: World) -> None:
    """The policy is changed to Retain only later, and the deletion is a foreground one."""
    await everything(world)
    before = await world.cluster.get("Secret", "app-user", world.namespace)
    assert before["metadata"]["ownerReferences"]
    for kind, name in ALL:
        await world.change(kind, name, deletionPolicy="Retain")

    async def no_owner() -> bool:
        secret = await world.cluster.get("Secret", "app-user", world.namespace)
        assert not secret["metadata"].get("ownerReferences"), secret["metadata"]
        return True

    await world.until("the Secret has no owner that would take it along", no_owner)
    for kind, name in ALL:
        await foreground_delete(world, kind, name)
    for kind, name in ALL:
        await is_gone(world, kind, name)
    secret = await world.cluster.get("Secret", "app-user", world.namespace)
    assert secret["metadata"]["annotations"][f"{GROUP}/retained"] == "true"
    assert secret["data"] == before["data"]
    assert await left_in_the_cloud(world) == ["main", "shop", "app"]
    await world.sandbox.clear_requests()
    manifests = [world.datastore(), world.database(ownerRef={"name": "app"}), world.user(databaseRef={"name": "shop"})]
    for each in manifests:
        each["spec"]["adoption"] = "IfExists"
    await world.apply(*manifests)
    for kind, name in ALL:
        resource = await world.becomes(kind, name)
        assert resource["status"]["adopted"] is True
        await world.becomes(kind, name, "Synced")  # its Secret is taken over as well
    after = await world.cluster.get("Secret", "app-user", world.namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"] == before["data"]
    assert f"{GROUP}/retained" not in after["metadata"]["annotations"]
    assert await world.login_works()
    assert await world.posts("datastores") + await world.posts("databases") + await world.posts("users") == []


@fast
async def test_while_an_attempt_to_create_is_open(world: World) -> None:
    """The answer is lost and the effect comes later: the finalizer stays until what was made is deleted."""
    await world.operator.start()
    await world.sandbox.fault(method="POST", path="/datastores$", effect_after_seconds=1, times=1)
    await world.apply(world.project_manifest(), world.datastore())

    async def posted() -> bool:
        return bool(await world.posts("datastores"))

    await world.until("the attempt is under way", posted)
    await world.delete("ManagedDatastore", "main")
    assert await left_in_the_cloud(world) == []
    assert len(await world.posts("datastores")) == 1
    assert len(await world.calls("DELETE")) == 1


@fast
async def test_without_its_project_a_deletion_waits_and_heals(world: World) -> None:
    await everything(world)
    await world.cluster.delete("DatabaseProject", world.project, wait=True)
    for kind, name in ALL:
        await world.delete(kind, name, wait=False)
    for kind, name in ALL:
        told = await world.becomes(kind, name, status="False", reason="ProjectMissing")
        message = condition(told, "Ready")["message"]
        assert world.project in message
        assert "force-delete" in message
    assert await world.calls("DELETE") == []
    await world.apply(world.project_manifest())
    for kind, name in ALL:
        await is_gone(world, kind, name)
    assert await left_in_the_cloud(world) == []


@fast
async def test_without_credentials_a_deletion_waits_and_can_be_forced(world: World) -> None:
    await everything(world)
    before = await left_in_the_cloud(world)
    await world.sandbox.fault(path="^/v1/", status=401, body={"error": {"code": 401, "message": "no"}})
    await world.becomes("DatabaseProject", world.project, status="False", reason="CredentialsInvalid")
    for kind, name in ALL:
        await world.delete(kind, name, wait=False)
    for kind, name in ALL:
        told = await world.becomes(kind, name, status="False", reason="CredentialsInvalid")
        assert "force-delete: true" in condition(told, "Ready")["message"]
    for kind, name in ALL:
        await world.annotate(kind, name, force_delete="true")
    for kind, name in ALL:
        await is_gone(world, kind, name)
    assert await left_in_the_cloud(world) == before
    assert await world.calls("DELETE") == []
