"""The attacker writes statuses in her own namespace: the policy refuses that, and without the policy the seal shows it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from cluster import Cluster, Manifest, Refused
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.reconcile.observe.seal_key import KEY_SECRET
from stories.attacker import Attacker
from stories.guarding import RESTORER, guard_statuses, unguard_statuses
from stories.pace import fast
from stories.world import SUBNET, World, condition

FORGED_ID = "00000000-0000-4000-8000-000000000000"
HOLD = {"metadata": {"annotations": {f"{GROUP}/paused": None}, "finalizers": [f"{GROUP}/cloud-object"]}}


async def owner_rights(world: World, namespace: str, user: str) -> None:
    """As a RoleBinding to cluster-admin in her own namespace gives."""
    api = "rbac.authorization.k8s.io"
    metadata = {"name": f"owner-{user}", "namespace": namespace}
    role = {"apiGroup": api, "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"apiGroup": api, "kind": "User", "name": user}
    binding = {"apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": metadata}
    await world.cluster.apply(binding | {"roleRef": role, "subjects": [subject]})


@asynccontextmanager
async def owner_beside(world: World, user: str = "attacker") -> AsyncIterator[Attacker]:
    """A project for two namespaces, of which one is hers."""
    hers = await world.another_namespace()
    await owner_rights(world, hers, user)
    await world.operator.start()
    await world.apply(world.project_manifest(allowedNamespaces=[{"name": world.namespace}, {"name": hers}]))
    await world.becomes(
        "DatabaseProject", world.project
    )  # the operator has its key: what is forged now was not there before
    kubeconfig = await world.cluster.control_plane.user(user)
    async with Cluster(world.cluster.control_plane, kubeconfig) as cluster:
        yield Attacker(cluster, hers, world)


async def paused(attacker: Attacker, made: Manifest, name: str, **spec: Any) -> None:
    """A decoy that the operator leaves alone from the beginning, while she forges."""
    metadata = {**made["metadata"], "annotations": {f"{GROUP}/paused": "true"}}
    await attacker.apply({**made, "metadata": metadata}, called=name, **spec)


async def forge(attacker: Attacker, kind: str, name: str, status: Manifest) -> None:
    """Once the API server has noticed that the policy is gone."""

    async def writes() -> bool:
        await attacker.cluster.patch(kind, name, attacker.namespace, {"status": status}, "status")
        return True

    await attacker.cluster.wait_until("the policy is gone", writes)
    await attacker.cluster.patch(kind, name, attacker.namespace, HOLD)


async def says(attacker: Attacker, kind: str, name: str, reason: str) -> Manifest:
    async def look() -> Manifest:
        resource = await attacker.cluster.get(kind, name, attacker.namespace)
        stalled = condition(resource, "Stalled")
        assert (stalled.get("status"), stalled.get("reason")) == ("True", reason), resource.get("status")
        assert resource["status"]["observedGeneration"] == resource["metadata"]["generation"]
        return resource

    found: Manifest = await attacker.cluster.wait_until(f"{kind} {name} says {reason}", look)
    return found


async def changed(world: World) -> list[tuple[str, str]]:
    """What the cloud was asked to change."""
    requests = [each for each in await world.sandbox.requests() if "/v1/" in each["path"]]
    return [(each["method"], each["path"]) for each in requests if each["method"] != "GET"]


@fast
async def test_the_policy_refuses_everybody_but_the_operator(world: World) -> None:
    async with owner_beside(world) as attacker:
        made = world.user("decoy")
        await attacker.apply({**made, "status": {"id": FORGED_ID}})
        assert "id" not in (await attacker.cluster.get("DatabaseUser", "decoy", attacker.namespace))["status"]
        with pytest.raises(Refused, match="only the operator, and whom the policy guard-status") as refused:
            await attacker.cluster.patch(
                "DatabaseUser", "decoy", attacker.namespace, {"status": {"id": FORGED_ID}}, "status"
            )
        assert refused.value.code == 403
        assert "attacker is none of them" in refused.value.message
        path = f"/apis/{GROUP}/v1alpha1/namespaces/{attacker.namespace}/databaseusers/decoy"
        whole = await attacker.cluster.get("DatabaseUser", "decoy", attacker.namespace)
        whole["status"]["id"] = FORGED_ID

        async def is_answered() -> int:
            newest = await attacker.cluster.get("DatabaseUser", "decoy", attacker.namespace)
            whole["metadata"]["resourceVersion"] = newest["metadata"]["resourceVersion"]
            code = (await attacker.cluster.http.put(f"{path}/status", json=whole)).status_code
            return 0 if code == 409 else code  # the operator has just written it

        assert await world.until("her update is answered", is_answered) == 403
        whole["metadata"].pop("managedFields")
        applied = await attacker.cluster.http.patch(
            f"{path}/status",
            params={"fieldManager": "attacker", "force": "true"},
            json={**whole, "metadata": {"name": "decoy", "namespace": attacker.namespace}},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        assert applied.status_code == 403
        fresh = await attacker.cluster.get("DatabaseUser", "decoy", attacker.namespace)
        fresh["status"]["id"] = FORGED_ID
        await attacker.cluster.http.put(path, json=fresh)
        assert "id" not in (await attacker.cluster.get("DatabaseUser", "decoy", attacker.namespace))["status"]

        await world.apply(world.datastore(), world.user())
        await world.becomes("DatabaseUser", "app", "Synced")
        project = await world.get("DatabaseProject", world.project)
        assert condition(project, "StatusUnguarded") == {}


@fast
async def test_a_restore_may_be_let_write(world: World) -> None:
    """The account of a tool that the policy names; what it writes is as good as its seal."""
    async with owner_beside(world, RESTORER) as tool:
        await paused(tool, world.user("decoy"), "decoy")
        await forge(tool, "DatabaseUser", "decoy", {"id": FORGED_ID})
        await says(tool, "DatabaseUser", "decoy", "OwnershipNotProven")


@fast
async def test_a_policy_that_is_missing_is_told(world: World) -> None:
    port = free_port()
    await world.operator.start(metrics_port=port)
    await world.apply(world.project_manifest())
    await world.becomes("DatabaseProject", world.project)

    async def is_guarded(told: bool) -> bool:
        project = await world.get("DatabaseProject", world.project)
        found = condition(project, "StatusUnguarded")
        assert found.get("status", "False") == str(not told), found
        assert (condition(project, "Synced")["status"], condition(project, "Stalled")["status"]) == (
            str(told),
            str(not told),
        )
        assert condition(project, "Ready")["status"] == "True"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as probes:
            text = (await probes.get("/metrics")).text
        value = re.search(r"^managed_databases_status_guarded (\S+)$", text, re.MULTILINE)
        assert value is not None
        assert float(value[1]) == float(told)
        return True

    await world.until("it is there", lambda: is_guarded(True))
    await unguard_statuses(world.cluster)
    await world.until("it is missed", lambda: is_guarded(False))
    assert "statuses are not guarded" in world.operator.log_tail()
    await guard_statuses(world.cluster)
    await world.until("it is back", lambda: is_guarded(True))
    assert "statuses are guarded again" in world.operator.log_tail()


@pytest.mark.parametrize("decoy_is_older", [True, False], ids=["older", "younger"])
@fast
async def test_a_forged_claim_on_the_victims_datastore(world: World, decoy_is_older: bool) -> None:
    await unguard_statuses(world.cluster)
    async with owner_beside(world) as attacker:
        decoy = world.datastore("decoy", deletionProtection=False)
        if decoy_is_older:
            await paused(attacker, decoy, "decoy")
        await world.apply(world.datastore(deletionProtection=True), world.user())
        await world.becomes("DatabaseUser", "app", "Synced")
        if not decoy_is_older:
            await paused(attacker, decoy, "decoy")
        victim = await world.get("ManagedDatastore", "main")
        await world.sandbox.clear_requests()
        stolen = {field: victim["status"][field] for field in ("id", "identity", "seal")}
        await forge(attacker, "ManagedDatastore", "decoy", stolen)
        told = await says(attacker, "ManagedDatastore", "decoy", "Conflict")
        assert world.namespace not in str(told["status"]["conditions"])
        assert "endpoints" not in told["status"]
        spy = await attacker.apply(world.user("spy", datastoreRef={"name": "decoy"}))
        await attacker.is_told("DatabaseUser", spy, "ParentNotReady")
        await attacker.cluster.delete("DatabaseUser", spy, attacker.namespace, wait=True)
        await attacker.cluster.delete("ManagedDatastore", "decoy", attacker.namespace)
        await says(attacker, "ManagedDatastore", "decoy", "Conflict")
        await attacker.cluster.patch(
            "ManagedDatastore",
            "decoy",
            attacker.namespace,
            {"metadata": {"annotations": {f"{GROUP}/force-delete": "true"}}},
        )

        async def is_gone() -> bool:
            return not await world.cluster.exists("ManagedDatastore", "decoy", attacker.namespace)

        await world.until("it can be let go", is_gone)
        assert await changed(world) == []
        await world.becomes("ManagedDatastore", "main", "Synced", reason="InSync")
        assert await world.login_works()


@fast
async def test_a_forged_claim_on_the_victims_user_and_on_nobodys_datastore(world: World) -> None:
    await unguard_statuses(world.cluster)
    async with owner_beside(world) as attacker:
        await world.apply(world.datastore(allowedNamespaces=[attacker.namespace]), world.user())
        await world.becomes("DatabaseUser", "app", "Synced")
        victim, user = await world.get("ManagedDatastore", "main"), await world.get("DatabaseUser", "app")
        reference = {"name": "main", "namespace": world.namespace}
        await paused(
            attacker,
            world.user("decoy", onUnknownPassword="Reset", datastoreRef=reference, deletionProtection=False),
            "decoy",
        )
        await paused(attacker, world.datastore("orphan2", deletionProtection=False), "orphan2")
        orphan = (await world.sandbox.create("datastores", {"name": "orphan", "subnet_id": SUBNET}))["id"]
        await world.sandbox.clear_requests()
        claim = {"id": user["status"]["id"], "identity": user["status"]["identity"]}
        await forge(attacker, "DatabaseUser", "decoy", claim)
        identity = {**victim["status"]["identity"], "key": ["orphan"]}
        await forge(attacker, "ManagedDatastore", "orphan2", {"id": orphan, "identity": identity})
        await says(attacker, "DatabaseUser", "decoy", "Conflict")
        told = await says(attacker, "ManagedDatastore", "orphan2", "OwnershipNotProven")
        assert "spec.adoption" in condition(told, "Stalled")["message"]
        for kind, name, reason in (
            ("DatabaseUser", "decoy", "Conflict"),
            ("ManagedDatastore", "orphan2", "OwnershipNotProven"),
        ):
            await attacker.cluster.delete(kind, name, attacker.namespace)
            await says(attacker, kind, name, reason)
        assert await changed(world) == []
        assert orphan in [each["id"] for each in await world.sandbox.objects("datastores")]
        assert await world.login_works()


@pytest.mark.parametrize(
    "odd", [{"seal": "\u00e9"}, {"intent": {"attempt": 1, "waitSeconds": 1e300}}], ids=["seal", "number"]
)
@fast
async def test_a_status_that_nobody_would_write_ends_no_operator(world: World, odd: Manifest) -> None:
    """Nor keeps the next one from starting: every other namespace would wait for ever."""
    await unguard_statuses(world.cluster)
    async with owner_beside(world) as attacker:
        await paused(attacker, world.user("decoy"), "decoy")
        identity = {"project": world.project, "projectID": "p", "region": "r", "key": ["decoy"]}
        await forge(attacker, "DatabaseUser", "decoy", {"id": FORGED_ID, "identity": identity, **odd})
        await world.apply(world.datastore())
        await world.becomes("ManagedDatastore", "main", "Synced")
        await world.operator.kill()
        await world.operator.start()
        await says(attacker, "DatabaseUser", "decoy", "OwnershipNotProven")
        await world.change("ManagedDatastore", "main", nodeCount=3)
        await world.becomes("ManagedDatastore", "main", "Synced", reason="InSync")
        assert world.operator.is_running


@fast
async def test_a_deletion_in_a_namespace_that_is_not_allowed_makes_no_call(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app", "Synced")
    await world.apply(world.project_manifest(allowedNamespaces=[{"name": "elsewhere"}]))
    await world.sandbox.clear_requests()
    await world.delete("DatabaseUser", "app", wait=False)
    await world.becomes("DatabaseUser", "app", "Stalled", reason="Forbidden")
    assert await changed(world) == []
    await world.apply(world.project_manifest())

    async def is_gone() -> bool:
        return not await world.cluster.exists("DatabaseUser", "app", world.namespace)

    await world.until("it goes once it may", is_gone)
    assert [method for method, _ in await changed(world)] == ["DELETE"]


@fast
async def test_an_upgrade_and_a_key_that_is_put_back(world: World) -> None:
    """What a version without seals has left is believed once, as it was then; the same key proves the same."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.database(), world.user())
    for kind, name in (("ManagedDatabase", "shop"), ("DatabaseUser", "app")):
        await world.becomes(kind, name, "Synced")
    await world.operator.kill()
    key = await world.cluster.get("Secret", KEY_SECRET, world.system)
    await world.cluster.delete("Secret", KEY_SECRET, world.system)
    for plural in [kind.plural for kind in kinds().values() if kind.namespaced]:
        for each in await world.cluster.list(plural, world.namespace):
            unsealed = {"status": {"seal": None}}
            await world.cluster.patch(plural, each["metadata"]["name"], world.namespace, unsealed, "status")
    told = {"status": {"inUse": None}}
    await world.cluster.patch("DatabaseProject", world.project, None, told, "status")
    await world.sandbox.clear_requests()
    await world.operator.start()

    async def is_over() -> bool:
        secret = await world.cluster.get("Secret", KEY_SECRET, world.system)
        return sorted(secret["data"]) == ["key"] and secret["data"] != key["data"]

    await world.until("all is sealed", is_over)
    for kind, name in (("ManagedDatabase", "shop"), ("DatabaseUser", "app")):
        made = await world.becomes(kind, name, "Synced")
        assert made["status"]["seal"]
    await world.change("ManagedDatastore", "main", nodeCount=3)
    await world.becomes("ManagedDatastore", "main", "Synced", reason="InSync")
    await world.cluster.delete("Secret", KEY_SECRET, world.system)

    async def is_back() -> bool:
        return await world.cluster.exists("Secret", KEY_SECRET, world.system)

    await world.until("the running operator puts it back", is_back)
    await world.operator.kill()
    await world.operator.start()
    await world.delete("DatabaseUser", "app")
