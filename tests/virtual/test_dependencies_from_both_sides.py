"""Each kind of dependency has a resource that depends on it and a part that reports it; without the latter nothing would ever
wake.
"""

import ast
import asyncio
import inspect
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from managed_databases.reconcile import controller, enqueuer
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.scheduling import dependencies
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority
from parsed import parsed
from stories.world import manifest
from virtual.everything import all_is_right, change_everything, everything, keys_of
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld
from virtual.walk import KEYS

CONSTRUCTORS = {
    name: function
    for name, function in vars(dependencies).items()
    if inspect.isfunction(function) and function.__module__ == dependencies.__name__
}
"""All of them: whoever adds one has to have it told, and listened to."""


def kind_of(dependency: Dependency) -> str:
    return dependency[0]


def made_by(name: str) -> str:
    """The first word of what a constructor makes."""
    function = CONSTRUCTORS[name]
    return kind_of(function(*[f"<{parameter}>" for parameter in inspect.signature(function).parameters]))


def test_each_constructor_makes_topics_of_its_own() -> None:
    assert len({made_by(name) for name in CONSTRUCTORS}) == len(CONSTRUCTORS) >= 10


def test_nothing_else_makes_topics() -> None:
    """`Dependency` is a type of its own to mypy; and nobody goes round it."""
    for path in (Path(dependencies.__file__).parents[1]).rglob("*.py"):
        if path == Path(dependencies.__file__):
            continue
        calls = [each for each in ast.walk(parsed(path)) if isinstance(each, ast.Call)]
        named = [each.func.id for each in calls if isinstance(each.func, ast.Name)]
        assert "Dependency" not in named, path


class Ear:
    """What is listened to, and what somebody was woken by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listened: set[Dependency] = set()
        self.told: set[Dependency] = set()
        self.heard: set[str] = set()
        ear = self

        class Listening(controller.Controller):
            def depends_on(self, key: ResourceKey, wanted: Collection[Dependency]) -> None:
                ear.listened.update(wanted)
                super().depends_on(key, wanted)

        class Telling(enqueuer.Waker):
            def wake(self, dependency: Dependency, priority: Priority = Priority.LOW) -> None:
                ear.told.add(dependency)
                if self.dependencies.of(dependency):
                    ear.heard.add(kind_of(dependency))
                super().wake(dependency, priority)

        monkeypatch.setattr("virtual.virtual_world.Controller", Listening)
        monkeypatch.setattr(controller, "Waker", Telling)


@pytest.fixture(scope="module")
def ear() -> Ear:
    with pytest.MonkeyPatch.context() as monkeypatch:
        ear = Ear(monkeypatch)
        in_virtual_time(everything_happens())
    return ear


async def everything_happens() -> None:
    manifests = everything()
    resources = keys_of(manifests)
    async with VirtualWorld() as world:
        await world.start()
        for each in manifests[:-1]:
            world.cluster.apply(each)
        await asyncio.sleep(5)  # nobody knows yet which project is the default
        world.cluster.apply(manifests[-1])
        await all_is_right(world, resources)
        change_everything(world)
        await asyncio.sleep(60)
        (main,) = [key for key in resources if (key.kind, key.name) == (KEYS[0].kind, "postgresql")]
        by_id = ResourceKey("DatabaseUser", NAMESPACE, "by_id")
        spec: dict[str, Any] = {"datastoreRef": {"id": world.get(main)["status"]["id"]}}
        world.cluster.apply(manifest(by_id.kind, "by-id", NAMESPACE, spec | {"name": "by_id"}))
        pair = {"datastoreRef": {"name": main.name}, "rotation": {"strategy": "TwoUsers"}}
        world.cluster.apply(manifest(by_id.kind, "pair", NAMESPACE, pair))
        await asyncio.sleep(60)
        grant = {"datastoreRef": {"name": main.name}, "userRef": {"name": "pair"}, "databaseRef": {"name": "orders"}}
        world.cluster.apply(manifest("DatabaseGrant", "pair-in-orders", NAMESPACE, grant))
        await asyncio.sleep(30)
        world.cluster.change(main, deletionPolicy="Retain")
        world.cluster.delete(main)
        await asyncio.sleep(30)
        world.cluster.delete(ResourceKey("Secret", SYSTEM, "cloud"))
        await asyncio.sleep(30)


@pytest.mark.parametrize("name", sorted(CONSTRUCTORS))
def test_each_dependency_has_a_dependent_and_is_reported(ear: Ear, name: str) -> None:
    first = made_by(name)
    assert first in {kind_of(dependency) for dependency in ear.listened}, f"nobody listens to topics.{name}"
    assert first in {kind_of(dependency) for dependency in ear.told}, f"nobody tells of topics.{name}"
    assert first in ear.heard, f"nobody hears of topics.{name}: the two sides mean different ones"


def test_nothing_else_is_listened_to(ear: Ear) -> None:
    assert {kind_of(dependency) for dependency in ear.listened | ear.told} <= {made_by(name) for name in CONSTRUCTORS}
