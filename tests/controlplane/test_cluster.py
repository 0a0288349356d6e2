"""The control plane that the story tests stand on, and the ways in which they use it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from cluster import Cluster, Refused
from managed_databases.controlplane.cluster import ControlPlane

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.controlplane.test"},
    "spec": {
        "group": "controlplane.test",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "shortNames": ["wdg"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}},
                            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
                        },
                    }
                },
            }
        ],
    },
}


def widget(name: str, namespace: str, size: int) -> dict[str, object]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "controlplane.test/v1", "kind": "Widget", "metadata": metadata, "spec": {"size": size}}


def config_map(name: str, namespace: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


@pytest_asyncio.fixture
async def alice(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    async with Cluster(control_plane, await control_plane.user("alice")) as alice:
        yield alice


async def test_applies_reads_changes_and_deletes(cluster: Cluster) -> None:
    namespace = await cluster.namespace("objects")
    await cluster.apply([config_map("one", namespace, a="1"), config_map("two", namespace, a="2")])
    await cluster.patch("ConfigMap", "one", namespace, {"data": {"a": None, "b": "3"}})
    assert (await cluster.get("cm", "one", namespace))["data"] == {"b": "3"}
    await cluster.delete("configmaps", "one", namespace, wait=True)
    names = [one["metadata"]["name"] for one in await cluster.list("ConfigMap", namespace)]
    assert "one" not in names
    assert "two" in names


async def test_a_new_definition_can_be_used_at_once(cluster: Cluster) -> None:
    await cluster.apply(WIDGETS)
    namespace = await cluster.namespace("widgets")
    await cluster.apply(widget("left", namespace, 3))
    await cluster.patch("widget", "left", namespace, {"status": {"phase": "ACTIVE"}}, "status")
    assert (await cluster.get("wdg", "left", namespace))["status"] == {"phase": "ACTIVE"}
    assert "left" in await cluster.kubectl("get", "widgets.controlplane.test", "-n", namespace)


async def test_a_refusal_is_an_exception_or_an_answer(cluster: Cluster) -> None:
    await cluster.apply(WIDGETS)
    namespace = await cluster.namespace("widgets")
    with pytest.raises(Refused, match="should be less than or equal to 9") as refused:
        await cluster.apply(widget("big", namespace, 10))
    assert refused.value.code == 422
    assert (await cluster.apply(widget("big", namespace, 10), check=False))["code"] == 422
    assert "NotFound" in await cluster.kubectl("get", "widget", "big", "-n", namespace, check=False)


async def test_waiting_fails_with_what_was_seen_last(cluster: Cluster) -> None:
    asked = asyncio.Event()

    async def check() -> object:
        if asked.is_set():  # answered once: now the time may be over
            await asyncio.sleep(60)
        asked.set()
        return (await cluster.get("ConfigMap", "none", "default"))["data"]

    with pytest.raises(AssertionError, match="a map with data. Last: Refused: GET .* 404"):
        await cluster.wait_until("a map with data", check, seconds=2)


async def test_people_have_no_rights_but_those_that_rbac_gives(cluster: Cluster, alice: Cluster) -> None:
    namespace = await cluster.namespace("rights")
    with pytest.raises(Refused) as refused:
        await alice.apply(config_map("hers", namespace))
    assert refused.value.code == 403
    await cluster.kubectl("create", "rolebinding", "alice", "--clusterrole=edit", "--user=alice", "-n", namespace)

    async def may() -> object:
        return await alice.apply(config_map("hers", namespace))

    await alice.wait_until("alice may write", may)


async def test_a_service_account_has_a_kubeconfig(control_plane: ControlPlane, cluster: Cluster) -> None:
    namespace = await cluster.namespace("robots")
    await cluster.kubectl("create", "serviceaccount", "robot", "-n", namespace)
    async with Cluster(control_plane, await cluster.service_account(namespace, "robot")) as robot:
        assert f"system:serviceaccount:{namespace}:robot" in await robot.kubectl("auth", "whoami")


async def test_the_audit_log_tells_who_did_what(cluster: Cluster, alice: Cluster) -> None:
    namespace = await cluster.namespace("audited")
    with pytest.raises(Refused):
        await alice.get("ConfigMap", "secret-plan", namespace)
    await cluster.apply(config_map("plan", namespace))
    assert [(one.name, one.code) for one in cluster.audit(user="alice", namespace=namespace)] == [("secret-plan", 403)]
    (applied,) = cluster.audit(verb=("patch", "create"), namespace=namespace, resource="configmaps", name="plan")
    assert (applied.user, applied.code) == ("admin", 201)


async def test_a_deleted_namespace_goes_with_what_is_in_it(cluster: Cluster) -> None:
    namespace = await cluster.namespace("doomed")
    await cluster.apply(config_map("inside", namespace))
    await cluster.delete("Namespace", namespace, wait=True)
    assert not await cluster.exists("ConfigMap", "inside", namespace)


async def test_dependants_follow_their_owner(cluster: Cluster) -> None:
    namespace = await cluster.namespace("family")
    owner = await cluster.apply(config_map("owner", namespace))
    child = config_map("child", namespace)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    await cluster.apply(child | {"metadata": {"name": "child", "namespace": namespace, "ownerReferences": [reference]}})
    await cluster.delete("ConfigMap", "owner", namespace)

    async def gone() -> bool:
        return not await cluster.exists("ConfigMap", "child", namespace)

    await cluster.wait_until("the child is gone", gone)


async def test_the_certificate_satisfies_strict_clients(control_plane: ControlPlane) -> None:
    """Python 3.13 and later check certificates strictly by default."""
    trust = ssl.create_default_context(cafile=control_plane.ca_file)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
        assert (await client.get(f"{control_plane.url}/readyz")).text == "ok"


async def test_only_we_can_read_the_folder(control_plane: ControlPlane) -> None:
    assert control_plane.folder.stat().st_mode & 0o777 == 0o700
    assert control_plane.kubeconfig.stat().st_mode & 0o777 == 0o600


async def test_data_and_address_survive_an_outage(control_plane: ControlPlane) -> None:
    """With a control plane of its own: other tests must not see the outage."""
    async with ControlPlane(control_plane.binaries) as plane:
        folder, url = plane.folder, plane.url
        async with Cluster(plane) as cluster:
            await cluster.apply(config_map("kept", "default", a="1"))
            await plane.stop_apiserver()
            with pytest.raises(httpx.ConnectError):
                await cluster.get("ConfigMap", "kept", "default")
            await plane.start_apiserver()
            assert (await cluster.get("ConfigMap", "kept", "default"))["data"] == {"a": "1"}
            async with Cluster(plane, await plane.user("eve", groups=("auditors", "guests"))) as eve:
                assert "[auditors guests system:authenticated]" in await eve.kubectl("auth", "whoami")
        assert plane.url == url
    assert not await asyncio.to_thread(Path.exists, folder)
