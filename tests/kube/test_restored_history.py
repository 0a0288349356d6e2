"""Kubernetes that goes back in time, as an etcd that is restored from a backup does: what was known did not happen."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from kube.fake_api_server import THING, THINGS, FakeApiServer, serving, until
from kube.test_kopf_contract import things, watched
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.informers import HistoryRestored, Informers
from managed_databases.kube.relist import Relist
from managed_databases.kube.watched_collections import of_kinds


def thing(version: int, name: str = "one") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "here", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"at": version}}


def page(version: int, *items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


class Cluster:
    """What a process has listed and watched."""

    def __init__(self) -> None:
        self.store = Store([THING.name])
        self.watching = Informers(
            cast(KubeConnection, None),
            self.store,
            [THING],
            operator_namespace="here",
            on_resource=lambda _: None,
            on_secret=lambda *_: None,
            on_namespace=lambda _: None,
        )
        [self.things] = of_kinds([THING], ())

    def lists(self, version: int, *items: dict[str, Any]) -> None:
        self.watching._enter_page(self.things, page(version, *items), True)

    def ends(self) -> bool:
        return self.watching._went_back.is_set()


async def test_the_watching_then_ends() -> None:
    cluster = Cluster()
    cluster.lists(100)
    cluster.lists(90)
    assert cluster.ends()
    with pytest.raises(HistoryRestored):
        await cluster.watching._end_when_restored()


@pytest.mark.parametrize(
    ("what", "version", "items", "is_restored"),
    [
        ("the same list again", 120, [thing(120)], False),
        ("a newer one, in which it has changed", 200, [thing(180)], False),
        ("a newer one, in which it is gone", 200, [], False),
        (
            "one from before our own last write, which the watch had not told",
            130,
            [thing(120), thing(95, "two")],
            False,
        ),
        ("an older one", 110, [thing(100)], True),
        ("an older one, in which it is not there yet", 90, [], True),
        ("a newer one that shows an older object: etcd was restored and went on", 500, [thing(100)], True),
    ],
)
def test_a_list_after_a_restore(what: str, version: int, items: list[dict[str, Any]], is_restored: bool) -> None:
    cluster = Cluster()
    cluster.lists(100, thing(100), thing(95, "two"))
    cluster.watching._enter_event(cluster.things, "MODIFIED", thing(120))
    cluster.store.seen(thing(150, "two"), THING.name)  # the answer to an own write
    cluster.lists(version, *items)
    assert cluster.ends() is is_restored, what


async def test_it_is_noticed_once_the_api_server_is_back(tmp_path: Path) -> None:
    """A watch that goes on from a version which is yet to come would be told nothing: after an outage all is listed anew."""
    server = FakeApiServer()
    await things(server, ["a"])
    version, restored = server.version, dict(server.objects)
    async with watched(server, tmp_path, speed=4.0) as seen:  # the resync is more than two minutes away
        await until(lambda: server.count(THINGS, watch=True), lambda: server.requests)
        await server.put("things", "here", "a", "uid-a", spec={"size": 2})
        await until(lambda: (found := seen.store.get(seen.thing("a"))) and found.spec["size"] == 2, seen.names)
        server.status = 503
        await server.drop_watches()
        before = len(server.requests)
        await until(lambda: len(server.requests) > before + 3, lambda: server.requests[-5:])
        server.version, server.objects = version, restored
        server.status = 200
        with pytest.raises(RuntimeError, match="older state"):
            async with asyncio.timeout(60):
                await seen.running


@pytest.mark.parametrize(
    ("what", "version", "is_restored"),
    [
        ("nothing was missed", 150, False),
        ("the list is older than what the watch had told", 120, True),
        ("etcd was restored and went on: the object is older than it was", 200, True),
    ],
)
async def test_the_resync_notices_it(tmp_path: Path, what: str, version: int, is_restored: bool) -> None:
    cluster = Cluster()
    cluster.lists(100)
    cluster.watching._enter_event(cluster.things, "ADDED", thing(150))
    server = FakeApiServer(version=version)
    server.objects["things", "here", "one"] = thing(100 if is_restored else 150)
    async with serving(server, tmp_path) as connection:
        resync = Relist(
            connection,
            cluster.store,
            [cluster.things],
            lambda _: None,
            newest=lambda collection: cluster.watching._newest[collection],
            is_restored=cluster.watching._is_restored,
        )
        await resync.compare(cluster.things)
    assert cluster.ends() is is_restored, what
