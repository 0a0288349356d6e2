"""Whoever has the operator's account can change no Secrets of others; and the operator works as before."""

import base64
from collections.abc import Coroutine
from secrets import token_hex
from typing import Any

import pytest

from cluster import Cluster, Manifest, Refused
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.kube.rbac import access
from managed_databases.reconcile.annotations import OWNER_UID
from managed_databases.reconcile.observe.seal_key import KEY_SECRET
from managed_databases.reconcile.ports import MANAGED_LABEL
from stories.pace import fast
from stories.world import World, condition

OURS: dict[str, Any] = {"labels": {MANAGED_LABEL: "true"}, "annotations": {OWNER_UID: "of-nobody"}}


def secret(namespace: str, name: str, type_: str = "Opaque", **metadata: Any) -> Manifest:
    told = {"name": name, "namespace": namespace, **metadata}
    return {"apiVersion": "v1", "kind": "Secret", "type": type_, "metadata": told}


async def is_refused(attempt: Coroutine[Any, Any, Any], why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        await attempt
    assert refused.value.code == 403


@fast
async def test_a_stolen_account_makes_and_changes_no_foreign_secret(world: World) -> None:
    """With the rights of an installation for the whole cluster, the most that there are."""
    await world.serve_whole_cluster()
    boss = await world.cluster.namespace("boss")
    world.namespaces.append(boss)
    await world.put_secret(boss, "foreign", {"a": "b"})
    await world.put_secret(boss, KEY_SECRET, {"key": "of another installation"})
    await world.cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "boss", "namespace": boss}}
    )
    token = {"kubernetes.io/service-account.name": "boss"}
    kubeconfig = await world.cluster.service_account(world.system, "operator")
    async with Cluster(world.cluster.control_plane, kubeconfig) as stolen:

        async def is_limited() -> bool:
            answer = await stolen.create(secret(boss, f"bare-{token_hex(4)}"), check=False)
            return answer.get("code") == 403

        await world.until("the policy is taken up", is_limited)
        tokens = "kubernetes.io/service-account-token"
        for attempt in (
            secret(boss, "t", tokens, annotations=token),
            secret(boss, "t", tokens, labels=OURS["labels"], annotations={**OURS["annotations"], **token}),
            secret(boss, "t", "example.com/other", **OURS),
            secret(boss, "t", labels=OURS["labels"]),
            secret(boss, "t", annotations=OURS["annotations"]),
            secret(boss, f"{KEY_SECRET}-too", f"{GROUP}/ownership-key", labels=OURS["labels"]),
        ):
            await is_refused(stolen.create(attempt), "only Secrets of its own")
        for name in ("foreign", KEY_SECRET):
            await is_refused(stolen.patch("Secret", name, boss, {"data": {"a": "eA=="}}), "the operator")
            marked = {"metadata": {"labels": OURS["labels"], "annotations": OURS["annotations"]}}
            await is_refused(stolen.patch("Secret", name, boss, marked), "that it has made")
            await is_refused(stolen.delete("Secret", name, boss), "that it has made")
        await is_refused(stolen.delete("Secret", "cloud", world.system), "that it has made")
        await is_refused(stolen.patch("Secret", "cloud", world.system, {"data": {}}), "the operator")


@fast
async def test_the_operator_works_on_under_it(world: World) -> None:
    """Lost and edited Secrets, marks that others took away, Retain, and an adoption after that."""
    await world.operator.start()
    allowed = [{"name": world.namespace, "powers": ["adopt"]}]
    await world.apply(world.project_manifest(allowedNamespaces=allowed), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app", "Synced")

    async def opens() -> bool:
        return await world.login_works()

    await world.cluster.delete("Secret", "app-user", world.namespace)
    await world.until("a lost one is made again", opens)
    edited = {"data": {"password": base64.b64encode(b"typed-by-hand").decode()}}
    await world.cluster.patch("Secret", "app-user", world.namespace, edited)

    async def is_mended() -> bool:
        return (await world.secret("app-user"))["password"] != "typed-by-hand" and await opens()

    await world.until("an edited one is mended", is_mended)
    await world.becomes("DatabaseUser", "app", "Synced")
    taken = {"metadata": {"annotations": None, "labels": None}}
    await world.cluster.patch("Secret", "app-user", world.namespace, taken)
    await world.annotate("DatabaseUser", "app", sync_requested="look")

    async def is_marked() -> bool:
        found = await world.cluster.get("Secret", "app-user", world.namespace)
        return found["metadata"].get("labels", {}).get(MANAGED_LABEL) == "true" and OWNER_UID in found["metadata"].get(
            "annotations", {}
        )

    await world.until("its marks come back", is_marked)
    await world.change("DatabaseUser", "app", deletionPolicy="Retain")
    await world.becomes("DatabaseUser", "app", "Synced")
    await world.delete("DatabaseUser", "app")
    kept = await world.cluster.get("Secret", "app-user", world.namespace)
    assert kept["metadata"]["annotations"][f"{GROUP}/retained"] == "true"
    await world.apply(world.user(adoption="Required"))
    await world.becomes("DatabaseUser", "app", "Synced")
    assert await world.login_works()
    await world.delete("DatabaseUser", "app")
    assert not await world.cluster.exists("Secret", "app-user", world.namespace)


@fast
async def test_secrets_only_where_a_namespace_says_so(world: World) -> None:
    other = await world.another_namespace()
    await world.serve_whole_cluster()
    rights = access(kinds().values())
    await world.grant("ClusterRole", None, world.system, rights.clusterwide_but_secrets)
    await world.grant("Role", world.system, "operator", (*rights.own_namespace, *rights.own_secrets))
    await world.grant("Role", world.namespace, "operator", rights.secrets)
    await world.operator.start()
    allowed = [{"name": world.namespace}, {"name": other}]
    guest = world.user("guest", datastoreRef={"name": "main", "namespace": world.namespace})
    guest["metadata"]["namespace"] = other
    await world.apply(
        world.project_manifest(allowedNamespaces=allowed),
        world.datastore(allowedNamespaces=[other]),
        world.user(),
        guest,
    )
    await world.becomes("DatabaseUser", "app", "Synced")

    async def is_told() -> bool:
        found = await world.cluster.get("DatabaseUser", "guest", other)
        assert condition(found, "Stalled").get("reason") == "KubernetesRefuses", found.get("status")
        return True

    await world.until("the other one is told", is_told)
    await world.grant("Role", other, "operator", rights.secrets)

    async def has_it() -> bool:
        return await world.cluster.exists("Secret", "guest-user", other)

    await world.until("until its namespace says so", has_it)
