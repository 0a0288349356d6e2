"""The watches on a real API server, and the resync behind them."""

import asyncio
from pathlib import Path
from typing import Protocol

import pytest

from kube.fake_api_server import PLANET, THING, FakeApiServer, serving, until
from kube.thing_crd import GROUP_PATH, create, install
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import MERGE_PATCH, KubeConnection
from managed_databases.kube.informers import Informers
from managed_databases.kube.relist import Relist
from managed_databases.kube.watched_collections import of_kinds
from managed_databases.reconcile.ports import ResourceKey


class ControlPlane(Protocol):
    kubeconfig: Path


@pytest.mark.story
async def test_the_store_becomes_what_the_api_server_holds(control_plane: ControlPlane) -> None:
    connection = KubeConnection.from_kubeconfig(control_plane.kubeconfig)
    namespace = await install(connection)
    await create(connection, namespace, "early", annotations={"mine": "yes"})
    store, told = Store(["Thing", "Planet"]), list[ResourceKey]()
    secrets, namespaces = list[tuple[str, str]](), list[str]()
    watching = Informers(
        connection,
        store,
        [THING, PLANET],
        operator_namespace=namespace,
        on_resource=told.append,
        on_secret=lambda *secret: secrets.append(secret),
        on_namespace=namespaces.append,
    )
    running = asyncio.create_task(watching.run())
    try:
        await until(watching.synced.is_set, watching.healthy)
        assert store.get(ResourceKey("Thing", namespace, "early")) is not None
        assert (store.namespace_labels(namespace) or {})["kubernetes.io/metadata.name"] == namespace

        late = ResourceKey("Thing", namespace, "late")
        path = f"{GROUP_PATH}/namespaces/{namespace}/things/late"
        await create(connection, namespace, "late")
        await until(lambda: store.get(late), lambda: told)
        await connection.request("PATCH", path, body={"spec": {"size": 2}}, content_type=MERGE_PATCH)
        await until(lambda: (found := store.get(late)) and found.generation == 2, lambda: store.get(late))
        await connection.request("DELETE", path)
        again = await create(connection, namespace, "late")
        uid = again["metadata"]["uid"]
        await until(lambda: (found := store.get(late)) and found.uid == uid, lambda: store.get(late))

        labels = {"manageddatabases.io/managed": "true"}
        for name, marks in (("ours", labels), ("theirs", {})):
            secret = {"metadata": {"name": name, "labels": marks}, "data": {"password": "c2VjcmV0"}}
            await connection.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=secret)
        await until(lambda: (namespace, "ours") in secrets, lambda: secrets)
        assert store.secret_version(namespace, "ours") is not None
        await connection.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets/ours")
        await until(lambda: store.secret_version(namespace, "ours") is None, lambda: secrets)
        assert store.secret_version(namespace, "theirs") is None

        team = {"metadata": {"labels": {"team": "red"}}}
        await connection.request("PATCH", f"/api/v1/namespaces/{namespace}", body=team, content_type=MERGE_PATCH)
        await until(lambda: (store.namespace_labels(namespace) or {}).get("team") == "red", lambda: namespaces)
        assert watching.healthy() is None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.close()


async def test_a_resync_mends_what_the_watch_missed(tmp_path: Path) -> None:
    server, store, told = FakeApiServer(), Store(["Thing", "Planet"]), list[str]()
    for name in ("same", "changed", "deleted", "replaced"):
        await server.put("things", "here", name, f"uid-{name}", spec={"size": 1})
    for raw in server.objects.values():
        store.seen(raw, "Thing")
    await server.put("things", "here", "changed", "uid-changed", spec={"size": 2})
    await server.put("things", "here", "added", "uid-added")
    await server.delete("things", "here", "deleted")
    await server.delete("things", "here", "replaced")
    await server.put("things", "here", "replaced", "uid-other")
    async with serving(server, tmp_path) as connection:
        [things, _] = of_kinds([THING, PLANET], ())
        resync = Relist(
            connection,
            store,
            [things],
            lambda key: told.append(key.name if key else "nothing"),
            newest=lambda _: 0,
            is_restored=lambda *_: False,
            speed=1000.0,
        )
        await resync.compare(things)
        assert sorted(told) == ["added", "changed", "deleted", "replaced"]
        found = store.get(ResourceKey("Thing", "here", "changed"))
        assert found is not None
        assert found.spec == {"size": 2}
        assert store.get(ResourceKey("Thing", "here", "deleted")) is None
        told.clear()
        await resync.compare(things)
        assert told == []
    assert server.writes == []
