from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
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
from managed_databases.kube.merge_patch import merge_patch
from managed_databases.kube.writing import KubeWriter
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Kube,
    KubeRefused,
    KubeUnreachable,
    NewSecret,
    NotThere,
    Resource,
    WriteConflict,
)

AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)

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


class Place:
    """A writer on a real API server, and a namespace for the test."""

    def __init__(self, connection: KubeConnection, namespace: str) -> None:
        self.connection = connection
        self.namespace = namespace
        self.store = Store(["Thing", "Planet"])
        self.writer: Kube = KubeWriter(connection, self.store, [THING, PLANET])
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
async def place(control_plane: ControlPlane) -> AsyncIterator[Place]:
    connection = KubeConnection.from_kubeconfig(control_plane.kubeconfig)
    yield Place(connection, await install(connection))
    await connection.close()


@pytest.mark.story
async def test_writes_status_as_it_should_be_and_nothing_twice(place: Place) -> None:
    fresh = await place.thing("a")
    first = await place.writer.write_status(fresh, {"id": "1", "conditions": [{"type": "Ready"}], "gone": None})
    assert place.store.get(fresh.key) == first
    assert first.status == {"id": "1", "conditions": [{"type": "Ready"}]}
    assert await place.writer.write_status(first, dict(first.status)) is first, "nothing differs, nothing is sent"
    second = await place.writer.write_status(first, {"conditions": []})
    assert second.status == {"conditions": []}
    with pytest.raises(WriteConflict):
        await place.writer.write_status(first, {"id": "2"})
    await place.connection.request("DELETE", place.path("a"))
    with pytest.raises(NotThere):
        await place.writer.write_status(second, {"id": "2"})


@pytest.mark.story
async def test_finalizers_keep_and_let_go(place: Place) -> None:
    kept = await place.writer.set_finalizers(await place.thing("a"), ("manageddatabases.io/cloud-object",))
    await place.connection.request("DELETE", place.path("a"))
    with pytest.raises(WriteConflict):
        await place.writer.set_finalizers(kept, ())
    raw = await place.connection.request("GET", place.path("a"))
    deleting = resource_of(raw, kept.key)
    assert deleting.deleting_since is not None
    with pytest.raises(KubeRefused):
        await place.writer.set_finalizers(deleting, (*deleting.finalizers, "example.com/late"))
    many = tuple(f"example.com/{number}" for number in range(65))
    with pytest.raises(KubeRefused, match="there are more than 64, take some away"):
        await place.writer.set_finalizers(replace(deleting, finalizers=many), (*many, "example.com/more"))
    await place.writer.set_finalizers(deleting, ())
    with pytest.raises(NotThere):
        await place.connection.request("GET", place.path("a"))


@pytest.mark.story
async def test_a_secret_from_creation_to_deletion(place: Place) -> None:
    owner = await place.thing("a")
    new = place.secret("login", owner, password="p", host="h")
    made = await place.writer.create_secret(new)
    assert made.labels["manageddatabases.io/managed"] == "true"
    assert made.labels["app.kubernetes.io/managed-by"] == "managed-databases-operator"
    assert made.data["password"].get_secret_value() == "p"
    assert place.store.secret_version(place.namespace, "login") == made.resource_version
    with pytest.raises(AlreadyThere):
        await place.writer.create_secret(new)

    path = f"{place.secrets}/login"
    theirs = {"metadata": {"annotations": {"their": "note"}, "labels": {"team": "red"}}, "data": {"extra": "eA=="}}
    await place.connection.request("PATCH", path, body=theirs, content_type=MERGE_PATCH)
    with pytest.raises(WriteConflict):
        await place.writer.replace_secret(made, new)
    current = await place.writer.read_secret(place.namespace, "login")
    assert current is not None
    wanted = replace(place.secret("login", password="q"), drops=frozenset({"host", "uri"}))
    replaced = await place.writer.replace_secret(current, wanted)
    told = {name: value.get_secret_value() for name, value in replaced.data.items()}
    assert told == {"password": "q", "extra": "x"}, "what is ours is as it shall be, what is theirs stays"
    assert replaced.annotations == {"their": "note", "manageddatabases.io/owner-uid": "u"}
    assert replaced.labels["team"] == "red"
    raw = await place.connection.request("GET", path)
    assert "ownerReferences" not in raw["metadata"]
    with pytest.raises(KubeRefused, match="type cannot be changed"):
        await place.writer.replace_secret(replaced, NewSecret(place.namespace, "login", "Opaque", {}, {}))

    await place.connection.request("DELETE", path)
    await place.writer.delete_secret(replaced)
    again = await place.writer.create_secret(new)
    await place.writer.delete_secret(replaced)
    assert await place.writer.read_secret(place.namespace, "login") is not None, "that is another one"
    await place.writer.delete_secret(again)
    assert await place.writer.read_secret(place.namespace, "login") is None


@pytest.mark.story
async def test_a_dry_run_proves_a_write_and_writes_nothing(place: Place) -> None:
    new = place.secret("login", password="p")
    await place.writer.prove_secret(None, new)
    assert await place.writer.read_secret(place.namespace, "login") is None
    assert place.store.secret_version(place.namespace, "login") is None
    made = await place.writer.create_secret(new)
    await place.writer.prove_secret(made, place.secret("login", password="q"))
    assert await place.writer.read_secret(place.namespace, "login") == made
    assert place.store.secret_version(place.namespace, "login") == made.resource_version
    with pytest.raises(AlreadyThere):
        await place.writer.prove_secret(None, new)
    immutable = {"immutable": True}
    await place.connection.request("PATCH", f"{place.secrets}/login", body=immutable, content_type=MERGE_PATCH)
    locked = await place.writer.read_secret(place.namespace, "login")
    assert locked is not None
    with pytest.raises(KubeRefused, match="immutable"):
        await place.writer.prove_secret(locked, place.secret("login", password="q"))


@pytest.mark.story
async def test_labels_and_annotations_are_written_and_taken_out_beside_those_of_others(place: Place) -> None:
    new = place.secret("login", password="p")
    asked = replace(
        new,
        labels={"team": "shop", "manageddatabases.io/managed": "no"},
        annotations={**new.annotations, "example.com/reader": "shop"},
    )
    made = await place.writer.create_secret(asked)
    assert made.labels["team"] == "shop"
    assert made.labels["manageddatabases.io/managed"] == "true", "the operator's own labels are not for others to say"
    theirs = {"metadata": {"annotations": {"their": "note"}, "labels": {"theirs": "red"}}}
    await place.connection.request("PATCH", f"{place.secrets}/login", body=theirs, content_type=MERGE_PATCH)
    current = await place.writer.read_secret(place.namespace, "login")
    assert current is not None
    changed = replace(
        new,
        labels={"tier": "one"},
        drops_labels=frozenset({"team", "tier", "gone"}),
        drops_annotations=frozenset({"example.com/reader", "gone"}),
    )
    replaced = await place.writer.replace_secret(current, changed)
    ours = {"manageddatabases.io/managed": "true", "app.kubernetes.io/managed-by": "managed-databases-operator"}
    assert replaced.labels == ours | {"tier": "one", "theirs": "red"}
    assert replaced.annotations == {**new.annotations, "their": "note"}


@pytest.mark.story
async def test_bytes_that_are_no_text_survive(place: Place) -> None:
    body = {"metadata": {"name": "store"}, "type": "servicebinding.io/postgresql", "data": {"jks": "/+7/7g=="}}
    await place.connection.request("POST", place.secrets, body=body)
    read = await place.writer.read_secret(place.namespace, "store")
    assert read is not None
    new = NewSecret(place.namespace, "store", read.type, {}, read.data)
    await place.writer.replace_secret(read, new)
    raw = await place.connection.request("GET", f"{place.secrets}/store")
    assert raw["data"] == {"jks": "/+7/7g=="}


@pytest.mark.story
async def test_a_refusal_never_tells_a_secret(place: Place) -> None:
    bad_key = NewSecret(place.namespace, "bad", "Opaque", {}, {"hunter22/": SecretStr("hunter22")})
    with pytest.raises(KubeRefused) as refused:
        await place.writer.create_secret(bad_key)
    assert "***/" in str(refused.value)
    assert "hunter22" not in str(refused.value)


@pytest.mark.story
async def test_posts_events_also_of_cluster_scoped_resources(place: Place) -> None:
    thing = await place.thing("a")
    await place.writer.post_event(thing, "Warning", "Conflict", "é" * 2000, AT)
    listed = await place.connection.request("GET", f"/api/v1/namespaces/{place.namespace}/events")
    [event] = listed["items"]
    assert (event["type"], event["reason"], event["involvedObject"]["uid"]) == ("Warning", "Conflict", thing.uid)
    assert event["eventTime"] == "2026-01-02T03:04:05.678901Z"
    body = {"apiVersion": "manageddatabases.io/v1alpha1", "kind": "Planet", "metadata": {"name": place.namespace}}
    raw = await place.connection.request("POST", f"{GROUP_PATH}/planets", body=body)
    planet = resource_of(raw, key_of(thing)._replace(kind="Planet", namespace="", name=place.namespace))
    await place.writer.post_event(planet, "Normal", "Ready", "it is", AT)
    listed = await place.connection.request("GET", "/api/v1/namespaces/default/events")
    assert [each["message"] for each in listed["items"] if each["involvedObject"].get("uid") == planet.uid] == ["it is"]


@pytest.mark.story
async def test_reads_config_maps(place: Place) -> None:
    path = f"/api/v1/namespaces/{place.namespace}/configmaps"
    await place.connection.request("POST", path, body={"metadata": {"name": "ca"}, "data": {"ca.crt": "PEM"}})
    assert await place.writer.read_config_map(place.namespace, "ca") == {"ca.crt": "PEM"}
    assert await place.writer.read_config_map(place.namespace, "none") is None


@pytest.mark.story
async def test_nothing_is_sent_when_nothing_may_be_written(place: Place) -> None:
    async def refuse() -> None:
        raise KubeRefused("not the leader")

    thing = await place.thing("a")
    writer = KubeWriter(place.connection, place.store, [THING], before_write=refuse)
    with pytest.raises(KubeRefused, match="not the leader"):
        await writer.write_status(thing, {"id": "1"})
    with pytest.raises(KubeRefused, match="not the leader"):
        await writer.create_secret(place.secret("login"))
    await writer.post_event(thing, "Normal", "Ready", "it is", AT)
    assert await writer.read_secret(place.namespace, "login") is None


async def test_no_server_is_unreachable_and_says_where(tmp_path: Path) -> None:
    missing = KubeConnection.from_kubeconfig(tmp_path / "none")
    with pytest.raises(KubeUnreachable, match="there is no kubeconfig"):
        await missing.request("GET", "/version")
