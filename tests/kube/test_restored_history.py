"""Kubernetes that goes back in time, as an etcd that is restored from a backup does: what was known did not happen."""

from typing import Any, cast

import pytest

from kube.fake_api_server import THING
from managed_databases.kube.cache import Store
from managed_databases.kube.collections import of_kinds
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.watching import HistoryRestored, Watching


def thing(version: int, name: str = "one") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "here", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"at": version}}


def page(version: int, *items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


class Cluster:
    """What a process has listed and watched."""

    def __init__(self) -> None:
        self.store = Store([THING.name])
        self.watching = Watching(
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
