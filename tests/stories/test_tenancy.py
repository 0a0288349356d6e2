"""The attacker has the usual rights in a namespace of her own, and wants objects of another namespace."""

import json
from uuid import uuid4

import pytest

from cluster import Cluster, Refused
from stories.attacker import Attacker, edit_rights
from stories.pace import fast
from stories.world import SUBNET, World, condition, manifest

RESET = {"adoption": "IfExists", "onUnknownPassword": "Reset"}


@fast
async def test_an_attacker_gets_nothing(world: World) -> None:
    hers = await world.another_namespace()
    await edit_rights(world, hers, "attacker")
    await world.operator.start()
    both = [{"name": world.namespace}, {"name": hers}]
    locked = manifest("DatabaseProject", f"{world.project}-locked", None, world.project_manifest()["spec"])
    locked["spec"] |= {"default": False, "allowedNamespaces": [{"name": world.namespace}]}
    world.project_names.append(locked["metadata"]["name"])
    await world.apply(
        world.project_manifest(allowedNamespaces=both),
        locked,
        world.datastore(),
        world.database(ownerRef={"name": "app"}),
        world.user(),
    )
    datastore = (await world.becomes("ManagedDatastore", "main"))["status"]["id"]
    owner = (await world.becomes("DatabaseUser", "app"))["status"]["id"]
    shop = (await world.becomes("ManagedDatabase", "shop"))["status"]["id"]
    orphan = (await world.sandbox.create("datastores", {"name": "orphan", "subnet_id": SUBNET}))["id"]
    await world.sandbox.create("users", {"name": "legacy", "datastore_id": datastore, "password": "legacy-password"})
    secret = await world.cluster.get("Secret", "app-user", world.namespace)
    await world.sandbox.clear_requests()
    kubeconfig = await world.cluster.control_plane.user("attacker")
    async with Cluster(world.cluster.control_plane, kubeconfig) as cluster:
        attacker = Attacker(cluster, hers, world)
        await _what_kubernetes_refuses(world, attacker)
        await _what_names_and_ids_tell(world, attacker, datastore, orphan)
        await _in_a_shared_datastore(world, attacker, owner, shop)
        await _secrets(world, attacker)
        made = [each["body"] for each in await world.calls("POST", "/v1/") if each["status"] in (200, 201)]
        assert [body["user"]["name"] for body in made] == ["guest"], "only what she may have was made"
        assert await world.calls("PUT", "/v1/") == []
        for kind in ("DatabaseUser", "ManagedDatabase", "ManagedDatastore"):
            for resource in reversed(await cluster.list(kind, hers)):  # "second" would get the Secret of "guest"
                await cluster.delete(kind, resource["metadata"]["name"], hers, wait=True)
    assert len(await world.calls("DELETE", "/v1/")) == 1
    for kind, name in (("ManagedDatastore", "main"), ("ManagedDatabase", "shop"), ("DatabaseUser", "app")):
        await world.becomes(kind, name)
    assert await world.login_works()
    after = await world.cluster.get("Secret", "app-user", world.namespace)
    assert (after["metadata"]["uid"], after["data"]) == (secret["metadata"]["uid"], secret["data"])
    assert await world.sandbox.login(datastore, "legacy", "legacy-password")


async def _what_kubernetes_refuses(world: World, attacker: Attacker) -> None:
    """Another namespace, her own status, a project."""
    await attacker.apply(world.datastore("mine", projectRef={"name": f"{world.project}-locked"}))
    for attempt in (
        attacker.cluster.patch("ManagedDatastore", "main", world.namespace, {"spec": {"allowedNamespaces": ["x"]}}),
        attacker.cluster.patch(
            "ManagedDatastore", "mine", attacker.namespace, {"status": {"observedGeneration": 7}}, "status"
        ),
        attacker.cluster.get("Secret", "app-user", world.namespace),
        attacker.cluster.apply(world.project_manifest()),
    ):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refused.value.code == 403
    told = await attacker.is_told("ManagedDatastore", "mine", "Forbidden")
    assert world.namespace not in told


async def _what_names_and_ids_tell(world: World, attacker: Attacker, datastore: str, orphan: str) -> None:
    there: dict[tuple[str, str], str] = {}
    not_there: dict[tuple[str, str], str] = {}
    by_id: dict[tuple[str, str], str] = {}
    for kind, made in (("DatabaseUser", world.user("spy")), ("ManagedDatabase", world.database("spy"))):
        for told, name, reference, reason in (
            (there, "there", {"name": "main", "namespace": world.namespace}, "ParentMissing"),
            (not_there, "notthere", {"name": "none", "namespace": world.namespace}, "ParentMissing"),
            (by_id, "byid", {"id": datastore}, "Forbidden"),
            (by_id, "noid", {"id": str(uuid4())}, "Forbidden"),
        ):
            resource = await attacker.apply(made, called=f"{name}-spy", name=name, datastoreRef=reference)
            said = await attacker.is_told(kind, resource, reason)
            assert world.project not in said, "not even the project that the other one uses"
            await attacker.cluster.delete(kind, resource, attacker.namespace, wait=True)
            told[kind, name] = said.replace(reference.get("name", "?"), "X").replace(reference.get("id", "?"), "X")
        assert _timeless(there[kind, "there"]) == _timeless(not_there[kind, "notthere"]), "there or not: the same"
        assert _timeless(by_id[kind, "byid"]) == _timeless(by_id[kind, "noid"])
    for name, adoption, reason in (
        ("main", "Never", "Conflict"),
        ("main", "Required", "Conflict"),
        ("orphan", "IfExists", "Forbidden"),
        ("orphan", "Required", "Forbidden"),
    ):
        resource = f"{name}-{adoption.lower()}"
        await attacker.apply(world.datastore(name, adoption=adoption), called=resource, name=name)
        told_ = await attacker.is_told("ManagedDatastore", resource, reason)
        assert world.namespace not in told_
        assert datastore not in told_
        assert orphan not in told_
        await attacker.cluster.delete("ManagedDatastore", resource, attacker.namespace, wait=True)


async def _in_a_shared_datastore(world: World, attacker: Attacker, owner: str, shop: str) -> None:
    """Being let into a datastore gives nothing of what others have in it."""
    await world.change("ManagedDatastore", "main", allowedNamespaces=[attacker.namespace])
    main = {"name": "main", "namespace": world.namespace}
    for name, reason in (("app", "Conflict"), ("legacy", "Forbidden")):
        await attacker.apply(world.user(name, datastoreRef=main, **RESET))
        told = await attacker.is_told("DatabaseUser", name, reason)
        assert f"{world.namespace}/{name}" not in told
        assert owner not in told
    await attacker.apply(world.database("shop", datastoreRef=main, adoption="IfExists"))
    told = await attacker.is_told("ManagedDatabase", "shop", "Conflict")
    assert shop not in told
    await attacker.apply(world.database("hers", datastoreRef=main, ownerRef={"id": owner}))
    told = await attacker.is_told("ManagedDatabase", "hers", "Forbidden")
    assert "app" not in told
    assert not await attacker.cluster.exists("Secret", "app-user", attacker.namespace)


async def _secrets(world: World, attacker: Attacker) -> None:
    main = {"name": "main", "namespace": world.namespace}
    await attacker.apply(world.user("thief", datastoreRef=main, passwordSecretRef={"name": "cloud"}))
    await attacker.is_told("DatabaseUser", "thief", "SecretMissing")
    await world.put_secret(attacker.namespace, "somebodys", {"password": "somebodys-password"})
    await attacker.apply(world.user("taker", datastoreRef=main, secretName="somebodys"))
    told = await attacker.is_told("DatabaseUser", "taker", "SecretConflict")
    assert "somebodys-password" not in told
    await attacker.apply(world.user("guest", datastoreRef=main, databaseRef={"name": "shop"}))

    async def is_ready() -> bool:
        resource = await attacker.cluster.get("DatabaseUser", "guest", attacker.namespace)
        assert condition(resource, "Ready").get("status") == "True", resource.get("status")
        return True

    await world.until("a user of her own works", is_ready)
    await attacker.apply(world.user("second", datastoreRef=main, secretName="guest-user"))
    await attacker.is_told("DatabaseUser", "second", "SecretConflict")
    kept = await attacker.cluster.get("Secret", "somebodys", attacker.namespace)
    assert "annotations" not in kept["metadata"]
    assert list(kept["data"]) == ["password"]


def _timeless(conditions: str) -> list[tuple[str, str, str, str]]:
    return [(one["type"], one["status"], one["reason"], one["message"]) for one in json.loads(conditions)]


@fast
async def test_two_resources_for_one_object(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore("older", name="shared"))
    await world.becomes("ManagedDatastore", "older")
    await world.apply(world.datastore("newer", name="shared"), world.user(datastoreRef={"name": "older"}))
    resource = await world.becomes("ManagedDatastore", "newer", "Stalled", reason="Conflict")
    assert "older" in condition(resource, "Stalled")["message"]
    await world.becomes("DatabaseUser", "app")
    await world.apply(world.user("again", name="app", datastoreRef={"name": "older"}))
    await world.becomes("DatabaseUser", "again", "Stalled", reason="Conflict")
    assert len(await world.posts("datastores")) == 1
    assert len(await world.posts("users")) == 1
    await world.delete("DatabaseUser", "again")
    await world.delete("DatabaseUser", "app")
    await world.delete("ManagedDatastore", "older")
    await world.becomes("ManagedDatastore", "newer")
    assert len(await world.posts("datastores")) == 2
    assert len(await world.sandbox.objects("datastores")) == 1
