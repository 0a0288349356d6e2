from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kube.fake_api_server import PLANET, THING
from kube.thing_crd import GROUP_PATH, create, install, key_of
from managed_databases.kube.cache import Store, resource_of
from managed_databases.kube.connection import MERGE_PATCH, KubeConnection
from managed_databases.kube.writing import KubeWriter, merge_patch
from managed_databases.reconcile.ports import (
    AlreadyThere,
    KubeUnreachable,
    NewSecret,
    NotThere,
    Resource,
    WriteConflict,
    WriteRefused,
)

values = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def patched(target: object, patch: object) -> object:
    """RFC 7396, as it stands there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


@given(objects, objects)
def test_a_merge_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = merge_patch(old, new)
    assert patched(old, patch) == new
    assert bool(patch) == (old != new)


def test_none_means_absent() -> None:
    assert merge_patch({"a": 1}, {"a": None, "b": None, "c": {"d": None}}) == {"a": None, "c": {}}


class ControlPlane(Protocol):
    kubeconfig: Path


class Cluster:
    """A writer on a real API server, and a namespace for the test."""

    def __init__(self, connection: KubeConnection, namespace: str) -> None:
        self.connection = connection
        self.namespace = namespace
        self.store = Store(["Thing", "Planet"])
        self.writer = KubeWriter(connection, self.store, [THING, PLANET])
        self.secrets = f"/api/v1/namespaces/{namespace}/secrets"

    async def thing(self, name: str, **metadata: Any) -> Resource:
        raw = await create(self.connection, self.namespace, name, **metadata)
        return resource_of(raw, key_of(raw))

    def path(self, name: str) -> str:
        return f"{GROUP_PATH}/namespaces/{self.namespace}/things/{name}"

    def secret(self, name: str, owner: Resource | None = None, **data: str) -> NewSecret:
        content = {key: SecretStr(value) for key, value in data.items()}
        marks = {"manageddatabases.io/owner-uid": "u"}
        return NewSecret(self.namespace, name, "servicebinding.io/postgresql", marks, content, owner)


@pytest.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    connection = KubeConnection.from_kubeconfig(control_plane.kubeconfig)
    yield Cluster(connection, await install(connection))
    await connection.close()


@pytest.mark.story
async def test_writes_status_as_it_should_be_and_nothing_twice(cluster: Cluster) -> None:
    fresh = await cluster.thing("a")
    first = await cluster.writer.write_status(fresh, {"id": "1", "conditions": [{"type": "Ready"}], "gone": None})
    assert cluster.store.get(fresh.key) == first
    assert first.status == {"id": "1", "conditions": [{"type": "Ready"}]}
    assert await cluster.writer.write_status(first, dict(first.status)) is first, "nothing differs, nothing is sent"
    second = await cluster.writer.write_status(first, {"conditions": []})
    assert second.status == {"conditions": []}
    with pytest.raises(WriteConflict):
        await cluster.writer.write_status(first, {"id": "2"})
    await cluster.connection.request("DELETE", cluster.path("a"))
    with pytest.raises(NotThere):
        await cluster.writer.write_status(second, {"id": "2"})


@pytest.mark.story
async def test_finalizers_keep_and_let_go(cluster: Cluster) -> None:
    kept = await cluster.writer.set_finalizers(await cluster.thing("a"), ("manageddatabases.io/cloud-object",))
    await cluster.connection.request("DELETE", cluster.path("a"))
    with pytest.raises(WriteConflict):
        await cluster.writer.set_finalizers(kept, ())
    raw = await cluster.connection.request("GET", cluster.path("a"))
    deleting = resource_of(raw, kept.key)
    assert deleting.deleting_since is not None
    with pytest.raises(WriteRefused):
        await cluster.writer.set_finalizers(deleting, (*deleting.finalizers, "example.com/late"))
    await cluster.writer.set_finalizers(deleting, ())
    with pytest.raises(NotThere):
        await cluster.connection.request("GET", cluster.path("a"))


@pytest.mark.story
async def test_a_secret_from_creation_to_deletion(cluster: Cluster) -> None:
    owner = await cluster.thing("a")
    new = cluster.secret("login", owner, password="p", host="h")
    made = await cluster.writer.create_secret(new)
    assert made.labels["manageddatabases.io/managed"] == "true"
    assert made.labels["app.kubernetes.io/managed-by"] == "managed-databases-operator"
    assert made.data["password"].get_secret_value() == "p"
    assert cluster.store.secret_version(cluster.namespace, "login") == made.resource_version
    with pytest.raises(AlreadyThere):
        await cluster.writer.create_secret(new)

    path = f"{cluster.secrets}/login"
    theirs = {"metadata": {"annotations": {"their": "note"}, "labels": {"team": "red"}}, "data": {"extra": "eA=="}}
    await cluster.connection.request("PATCH", path, body=theirs, content_type=MERGE_PATCH)
    with pytest.raises(WriteConflict):
        await cluster.writer.replace_secret(made, new)
    current = await cluster.writer.read_secret(cluster.namespace, "login")
    assert current is not None
    replaced = await cluster.writer.replace_secret(current, cluster.secret("login", password="q"))
    assert {name: value.get_secret_value() for name, value in replaced.data.items()} == {"password": "q"}
    assert replaced.annotations == {"their": "note", "manageddatabases.io/owner-uid": "u"}
    assert replaced.labels["team"] == "red"
    raw = await cluster.connection.request("GET", path)
    assert "ownerReferences" not in raw["metadata"]
    with pytest.raises(WriteRefused, match="type cannot be changed"):
        await cluster.writer.replace_secret(replaced, NewSecret(cluster.namespace, "login", "Opaque", {}, {}))

    await cluster.connection.request("DELETE", path)
    await cluster.writer.delete_secret(replaced)
    again = await cluster.writer.create_secret(new)
    await cluster.writer.delete_secret(replaced)
    assert await cluster.writer.read_secret(cluster.namespace, "login") is not None, "that is another one"
    await cluster.writer.delete_secret(again)
    assert await cluster.writer.read_secret(cluster.namespace, "login") is None


@pytest.mark.story
async def test_bytes_that_are_no_text_survive(cluster: Cluster) -> None:
    body = {"metadata": {"name": "store"}, "type": "servicebinding.io/postgresql", "data": {"jks": "/+7/7g=="}}
    await cluster.connection.request("POST", cluster.secrets, body=body)
    read = await cluster.writer.read_secret(cluster.namespace, "store")
    assert read is not None
    new = NewSecret(cluster.namespace, "store", read.type, {}, read.data)
    await cluster.writer.replace_secret(read, new)
    raw = await cluster.connection.request("GET", f"{cluster.secrets}/store")
    assert raw["data"] == {"jks": "/+7/7g=="}


@pytest.mark.story
async def test_a_refusal_never_tells_a_secret(cluster: Cluster) -> None:
    bad_key = NewSecret(cluster.namespace, "bad", "Opaque", {}, {"hunter22/": SecretStr("hunter22")})
    with pytest.raises(WriteRefused) as refused:
        await cluster.writer.create_secret(bad_key)
    assert "***/" in str(refused.value)
    assert "hunter22" not in str(refused.value)


@pytest.mark.story
async def test_posts_events_also_of_cluster_scoped_resources(cluster: Cluster) -> None:
    thing = await cluster.thing("a")
    await cluster.writer.post_event(thing, "Warning", "Conflict", "é" * 2000)
    listed = await cluster.connection.request("GET", f"/api/v1/namespaces/{cluster.namespace}/events")
    [event] = listed["items"]
    assert (event["type"], event["reason"], event["involvedObject"]["uid"]) == ("Warning", "Conflict", thing.uid)
    body = {"apiVersion": "manageddatabases.io/v1alpha1", "kind": "Planet", "metadata": {"name": cluster.namespace}}
    raw = await cluster.connection.request("POST", f"{GROUP_PATH}/planets", body=body)
    planet = resource_of(raw, key_of(thing)._replace(kind="Planet", namespace="", name=cluster.namespace))
    await cluster.writer.post_event(planet, "Normal", "Ready", "it is")
    listed = await cluster.connection.request("GET", "/api/v1/namespaces/default/events")
    assert [each["message"] for each in listed["items"] if each["involvedObject"].get("uid") == planet.uid] == ["it is"]


@pytest.mark.story
async def test_reads_config_maps(cluster: Cluster) -> None:
    path = f"/api/v1/namespaces/{cluster.namespace}/configmaps"
    await cluster.connection.request("POST", path, body={"metadata": {"name": "ca"}, "data": {"ca.crt": "PEM"}})
    assert await cluster.writer.read_config_map(cluster.namespace, "ca") == {"ca.crt": "PEM"}
    assert await cluster.writer.read_config_map(cluster.namespace, "none") is None


@pytest.mark.story
async def test_nothing_is_sent_when_nothing_may_be_written(cluster: Cluster) -> None:
    async def refuse() -> None:
        raise WriteRefused("not the leader")

    thing = await cluster.thing("a")
    writer = KubeWriter(cluster.connection, cluster.store, [THING], before_write=refuse)
    with pytest.raises(WriteRefused, match="not the leader"):
        await writer.write_status(thing, {"id": "1"})
    with pytest.raises(WriteRefused, match="not the leader"):
        await writer.create_secret(cluster.secret("login"))
    await writer.post_event(thing, "Normal", "Ready", "it is")
    assert await writer.read_secret(cluster.namespace, "login") is None


async def test_no_server_is_unreachable_and_says_where(tmp_path: Path) -> None:
    missing = KubeConnection.from_kubeconfig(tmp_path / "none")
    with pytest.raises(KubeUnreachable, match="there is no kubeconfig"):
        await missing.request("GET", "/version")
