"""The policies hold for every way to write: with a generated name, by any sort of patch, through a subresource."""

from collections.abc import Mapping
from typing import Any

import httpx

from cluster import Cluster, Manifest
from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.annotations import OWNER_UID
from managed_databases.reconcile.ports import MANAGED_LABEL
from stories.inside_a_datastore import KAFKA
from stories.pace import fast
from stories.test_confused_deputy import developer
from stories.world import World

MERGE, JSON_PATCH, APPLY = (
    f"application/{kind}" for kind in ("merge-patch+json", "json-patch+json", "apply-patch+yaml")
)
FORCE = {"fieldManager": "attacker", "force": "true"}
EVERYTHING = [{"patternType": "all", "allowRead": True, "allowWrite": True}]


async def sends(
    she: Cluster, method: str, path: str, body: Any, type_: str = "application/json", **params: str
) -> httpx.Response:
    return await she.http.request(method, path, json=body, params=params, headers={"Content-Type": type_})


def without_a_name(made: Manifest) -> Manifest:
    metadata: Mapping[str, Any] = made["metadata"]
    told = {field: value for field, value in metadata.items() if field != "name"}
    return {**made, "metadata": told | {"generateName": f"{metadata['name']}-"}}


@fast
async def test_inline_access_by_other_ways(world: World) -> None:
    """Somebody who may write users, all of their subresources too, and neither grants nor access rules."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(**KAFKA), world.user("before"))
    await world.becomes("DatabaseUser", "before", "Synced")
    users = f"/apis/{GROUP}/v1alpha1/namespaces/{world.namespace}/databaseusers"
    owned_by_it = {"annotations": {f"{GROUP}/owned-by": "of-somebody", "kubectl.kubernetes.io/x": "y"}}
    async with developer(world, world.namespace, "databaseusers", "databaseusers/status", "databaseusers/scale") as she:
        whole = world.user("other", name="other", access=EVERYTHING)
        marked = {**whole, "metadata": {**whole["metadata"], **owned_by_it}}
        asks = {"spec": {"access": EVERYTHING}}
        answers = {
            "a generated name": await sends(she, "POST", users, without_a_name(whole)),
            "marks of the operator": await sends(she, "POST", users, marked),
            "an apply that makes it": await sends(she, "PATCH", f"{users}/other", whole, APPLY, **FORCE),
            "an apply on what is there": await sends(
                she, "PATCH", f"{users}/before", world.user("before", access=EVERYTHING), APPLY, **FORCE
            ),
            "a JSON patch": await sends(
                she,
                "PATCH",
                f"{users}/before",
                [{"op": "add", "path": "/spec/access", "value": EVERYTHING}],
                JSON_PATCH,
            ),
            "a merge patch": await sends(she, "PATCH", f"{users}/before", asks, MERGE),
        }
        assert {way: answer.status_code in (403, 422) for way, answer in answers.items()} == dict.fromkeys(
            answers, True
        )
        told = {way: answer.json()["message"] for way, answer in answers.items()}
        assert [way for way, message in told.items() if "you may not create kafkaacls" not in message] == [], told
        for subresource in ("status", "scale"):
            await sends(she, "PATCH", f"{users}/before/{subresource}", asks, MERGE)
        assert "access" not in (await world.get("DatabaseUser", "before"))["spec"]
    assert await world.sandbox.objects("acls") == []


@fast
async def test_the_operators_account_by_other_ways(world: World) -> None:
    await world.serve_whole_cluster()
    boss = await world.cluster.namespace("boss")
    world.namespaces.append(boss)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "boss", "namespace": boss}}
    await world.cluster.apply(account)
    await world.put_secret(boss, "foreign", {"a": "b"})
    marks = {MANAGED_LABEL: "true"}, {OWNER_UID: "of-nobody", "kubernetes.io/service-account.name": "boss"}
    metadata = {"name": "t", "namespace": boss, "labels": marks[0], "annotations": marks[1]}
    token = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}
    secrets = f"/api/v1/namespaces/{boss}/secrets"
    opaque = {**token, "metadata": {**metadata, "name": "o"}, "type": "Opaque"}
    turned = {"type": "kubernetes.io/service-account-token"}
    async with Cluster(
        world.cluster.control_plane, await world.cluster.service_account(world.system, "operator")
    ) as stolen:

        async def is_limited() -> bool:
            return (await sends(stolen, "POST", secrets, token, dryRun="All")).status_code == 403

        await world.until("the policy is taken up", is_limited)
        foreign = [{"op": "add", "path": "/metadata/ownerReferences", "value": [
            {"apiVersion": f"{GROUP}/v1alpha1", "kind": "DatabaseUser", "name": "x", "uid": "y"}]}]  # fmt: skip
        answers = {
            "a generated name": await sends(stolen, "POST", secrets, without_a_name(token)),
            "an apply that makes it": await sends(stolen, "PATCH", f"{secrets}/t", token, APPLY, **FORCE),
            "an owner of ours, by a patch": await sends(stolen, "PATCH", f"{secrets}/foreign", foreign, JSON_PATCH),
            "a whole collection": await stolen.http.delete(secrets),
        }
        assert {way: answer.status_code for way, answer in answers.items()} == dict.fromkeys(answers, 403)
        assert (await sends(stolen, "POST", secrets, opaque)).status_code == 201, "its own it may make"
        assert (await sends(stolen, "PATCH", f"{secrets}/o", turned, MERGE)).status_code in (403, 422)
    assert {each["metadata"]["name"] for each in await world.cluster.list("secrets", boss)} == {"foreign", "o"}
