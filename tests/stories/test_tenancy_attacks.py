"""The attacker forges what the operator writes: owner references, retained Secrets, and the annotations that control the
operator.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cluster import Cluster, Manifest
from managed_databases.kinds.registry import GROUP
from stories.attacker import Attacker, edit_rights
from stories.pace import fast
from stories.world import SUBNET, World, condition

FORGED = "the-password-that-attacker-knows"
STEERING = {"force-delete": "true", "paused": "false", "sync-requested": "now", "approve": "0" * 12}


@asynccontextmanager
async def attacker_beside(world: World) -> AsyncIterator[Attacker]:
    """The victim has a datastore that lets her in, and a user in it; both are Ready and in sync."""
    hers = await world.another_namespace()
    await edit_rights(world, hers, "attacker")
    await world.operator.start()
    await world.apply(
        world.project_manifest(allowedNamespaces=[{"name": world.namespace}, {"name": hers}]),
        world.datastore(allowedNamespaces=[hers]),
        world.user(),
    )
    await world.becomes("DatabaseUser", "app", "Synced")
    kubeconfig = await world.cluster.control_plane.user("attacker")
    async with Cluster(world.cluster.control_plane, kubeconfig) as cluster:
        yield Attacker(cluster, hers, world)


def retained_secret(name: str, namespace: str, user: Manifest, *, is_owned: bool) -> Manifest:
    """As the operator would have left it behind for this very user."""
    owner = {"apiVersion": user["apiVersion"], "kind": user["kind"], "name": user["metadata"]["name"]}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "labels": {f"{GROUP}/managed": "true"},
        "annotations": {
            f"{GROUP}/owner-uid": user["metadata"]["uid"],
            f"{GROUP}/object-id": user["status"]["id"],
            f"{GROUP}/retained": "true",
        },
    }
    if is_owned:
        metadata["ownerReferences"] = [owner | {"uid": user["metadata"]["uid"], "controller": True}]
    data = {"username": "app", "password": FORGED}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "servicebinding.io/postgresql",
        "metadata": metadata,
        "data": encoded,
    }


async def nothing_of_the_victim_is_touched(world: World, user: Manifest, secret: Manifest) -> None:
    assert await world.login_works()
    assert not await world.sandbox.login(user["status"]["identity"]["datastoreID"], "app", FORGED)
    after = await world.cluster.get("Secret", "app-user", world.namespace)
    assert (after["metadata"]["uid"], after["data"]) == (secret["metadata"]["uid"], secret["data"])
    assert [request["path"] for request in await world.calls("PUT", "/v1/")] == []
    assert [request["path"] for request in await world.calls("DELETE", "/v1/")] == []


@fast
async def test_forged_secrets(world: World) -> None:
    """One that says that it is the victim's, retained for whoever adopts the same object."""
    async with attacker_beside(world) as attacker:
        user = await world.get("DatabaseUser", "app")
        secret = await world.cluster.get("Secret", "app-user", world.namespace)
        await world.sandbox.clear_requests()
        main = {"name": "main", "namespace": world.namespace}
        for name, is_owned in (("app-user", False), ("mine-user", True)):
            await attacker.cluster.apply(retained_secret(name, attacker.namespace, user, is_owned=is_owned))
        for name in ("app", "mine"):
            made = world.user(name, datastoreRef=main, name="app", adoption="IfExists", onUnknownPassword="Reset")
            await attacker.apply(made)
            told = await attacker.is_told("DatabaseUser", name, "Conflict")
            assert user["status"]["id"] not in told
        await nothing_of_the_victim_is_touched(world, user, secret)

        # The victim lets go of it: now nobody holds it, and still it takes the power to adopt.
        await world.change("DatabaseUser", "app", deletionPolicy="Retain")
        await world.delete("DatabaseUser", "app")
        for name in ("app", "mine"):
            await attacker.is_told("DatabaseUser", name, "Forbidden")
        assert await world.calls("PUT", "/v1/") == []
        for name in ("app", "mine"):
            await attacker.cluster.delete("DatabaseUser", name, attacker.namespace, wait=True)
        [left] = await world.sandbox.objects("users")
        assert left["id"] == user["status"]["id"]
        assert await world.calls("DELETE", "/v1/") == []
        assert await world.sandbox.login(left["datastore_id"], "app", (await world.secret("app-user"))["password"])


@fast
async def test_a_backup_that_is_not_hers(world: World) -> None:
    async with attacker_beside(world) as attacker:
        victims = (await world.get("ManagedDatastore", "main"))["status"]["id"]
        await world.change("ManagedDatastore", "main", allowedNamespaces=None)
        orphan = (await world.sandbox.create("datastores", {"name": "orphan", "subnet_id": SUBNET}))["id"]
        await world.sandbox.clear_requests()
        for name, reference in (
            ("held", {"id": victims}),
            ("named", {"name": "main", "namespace": world.namespace}),
            ("orphaned", {"id": orphan}),
        ):
            await attacker.apply(world.datastore(name, restore={"datastoreRef": reference}))
            reason = "ParentMissing" if "name" in reference else "Forbidden"
            told = await attacker.is_told("ManagedDatastore", name, reason)
            assert world.project not in told
            await attacker.cluster.delete("ManagedDatastore", name, attacker.namespace, wait=True)
        assert await world.posts("datastores") == []
        assert await world.calls("DELETE", "/v1/") == []


@fast
async def test_annotations_on_what_is_not_hers_to_hold(world: World) -> None:
    """They steer what happens to her own resource, and that holds nothing."""
    async with attacker_beside(world) as attacker:
        user = await world.get("DatabaseUser", "app")
        secret = await world.cluster.get("Secret", "app-user", world.namespace)
        datastore = (await world.get("ManagedDatastore", "main"))["status"]["id"]
        await world.sandbox.clear_requests()
        main = {"name": "main", "namespace": world.namespace}
        for made, victims in (
            (
                world.user("app", datastoreRef=main, adoption="Required", onUnknownPassword="Reset"),
                user["status"]["id"],
            ),
            (world.datastore("main", adoption="Required", nodeCount=1), datastore),
        ):
            told = STEERING | {"recreate": victims, "object-id": victims, "owned-by": user["metadata"]["uid"]}
            annotations = {f"{GROUP}/{key}": value for key, value in told.items()}
            name, kind = made["metadata"]["name"], made["kind"]
            await attacker.apply(made)
            await attacker.is_told(kind, name, "Conflict")
            await attacker.cluster.patch(kind, name, attacker.namespace, {"metadata": {"annotations": annotations}})

            async def is_handled(kind: str = kind, name: str = name) -> bool:
                resource = await attacker.cluster.get(kind, name, attacker.namespace)
                assert resource["status"].get("lastHandledSyncRequest") == "now", resource["status"]
                assert condition(resource, "Ready")["reason"] == "Conflict", resource["status"]
                return True

            await world.until(f"{kind} {name} is looked at again", is_handled)
            await attacker.cluster.delete(kind, name, attacker.namespace, wait=True)
        await nothing_of_the_victim_is_touched(world, user, secret)
        assert await world.posts("users") + await world.posts("datastores") == []
        for kind, name in (("ManagedDatastore", "main"), ("DatabaseUser", "app")):
            await world.becomes(kind, name, "Synced")


@fast
async def test_a_pending_secret_of_somebody_else(world: World) -> None:
    """Two users in one namespace, one of which calls its Secret as the other's pending one is called."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user("app"))
    await world.becomes("DatabaseUser", "app", "Synced")
    await world.apply(world.user("other", secretName="app-user-pending"))
    await world.becomes("DatabaseUser", "other", "Synced")
    others = await world.secret("app-user-pending")
    await world.cluster.delete("Secret", "app-user", world.namespace)
    stuck = await world.becomes("DatabaseUser", "app", "Stalled", reason="SecretConflict")
    assert "app-user-pending" in condition(stuck, "Stalled")["message"]
    assert await world.secret("app-user-pending") == others
    assert await world.login_works("other", "app-user-pending")
    await world.delete("DatabaseUser", "other")

    async def is_repaired() -> bool:
        return await world.login_works()

    await world.until("it has a password again", is_repaired)
