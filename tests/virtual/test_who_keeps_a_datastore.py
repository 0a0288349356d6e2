"""Only objects in a datastore, or attempts that may have made one there, hold up its deletion."""

import asyncio
from typing import Any

import pytest

from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.observer import Observer
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.sandbox.projects import DEFAULT_REGION, DEFAULT_WORLD
from stories.world import manifest
from virtual.attacked_world import writes_status
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import KEYS, SPECS

MAIN = KEYS[0]
TEAM_ID = DEFAULT_WORLD.projects[0].id
ELSEWHERE = "elsewhere"
GUEST = ResourceKey("DatabaseUser", ELSEWHERE, "guest")
TEAM = ResourceKey("DatabaseProject", "", "team")
BY_NAME = {"datastoreRef": {"name": MAIN.name, "namespace": NAMESPACE}}


async def begin(world: VirtualWorld, *, project_allows: bool = True, is_let_in: bool = True) -> str:
    """A datastore with nothing in it; return its id."""
    names = (NAMESPACE, *((ELSEWHERE,) if project_allows else ()))
    world.cluster.apply(project(allowedNamespaces=[{"name": name} for name in names]))
    await world.start()
    allowed = {"allowedNamespaces": [ELSEWHERE]} if is_let_in else {}
    world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | allowed))
    await world.until("the datastore is there", lambda: world.says(MAIN, "Synced")[0] == "True")
    return str(world.get(MAIN)["status"]["id"])


async def forge(world: VirtualWorld, datastore_id: str, **status: Any) -> None:
    """As somebody does who may write the status of her own resources."""
    told = {"project": "team", "projectID": TEAM_ID, "region": DEFAULT_REGION, "datastoreID": datastore_id}
    world.cluster.apply(manifest(GUEST.kind, GUEST.name, ELSEWHERE, BY_NAME))
    world.cluster.annotate(GUEST, paused="true")
    await world.until("it is looked at", lambda: world.says(GUEST, "Ready")[0] == "False")
    writes_status(world, GUEST, identity=told | {"key": [datastore_id, "guest"]}, **status)
    await asyncio.sleep(120)
    assert world.get(GUEST)["status"]["identity"]["datastoreID"] == datastore_id


def is_gone(world: VirtualWorld, key: ResourceKey) -> bool:
    return key not in world.cluster.objects


@pytest.mark.parametrize(
    ("why", "by_id", "project_allows", "is_let_in"),
    [
        ("a stranger refers to it by name", False, False, False),
        ("a stranger refers to it by id", True, False, False),
        ("the datastore lets her in, the project does not", False, False, True),
        ("the project lets her in, the datastore does not, by name", False, True, False),
        ("the same by id", True, True, False),
    ],
)
def test_who_made_nothing_in_it_keeps_nothing(why: str, by_id: bool, project_allows: bool, is_let_in: bool) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            id_ = await begin(world, project_allows=project_allows, is_let_in=is_let_in)
            reference = {"datastoreRef": {"id": id_}, "projectRef": {"name": "team"}} if by_id else BY_NAME
            world.cluster.apply(manifest(GUEST.kind, GUEST.name, ELSEWHERE, reference))
            await world.until("she is refused", lambda: world.says(GUEST, "Ready")[0] == "False")
            world.cluster.delete(MAIN)
            await world.until(f"it goes although {why}", lambda: is_gone(world, MAIN))
            assert await world.objects("datastores") == []

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("why", "status"),
    [
        ("an attempt that nobody let begin", {"intent": {"attempt": 1, "waitSeconds": 60}}),
        ("an object that the cloud does not have", {"id": "00000000-0000-4000-8000-00000000000a"}),
    ],
)
def test_what_a_stranger_says_of_herself_keeps_nothing(why: str, status: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            id_ = await begin(world, project_allows=False, is_let_in=False)
            await forge(world, id_, **status)
            world.cluster.delete(MAIN)
            await world.until(f"it goes in spite of {why}", lambda: is_gone(world, MAIN))

    in_virtual_time(scenario())


@pytest.mark.parametrize("project_allows", [True, False])
def test_an_object_in_it_that_a_stranger_only_says_to_have_keeps_nothing(project_allows: bool) -> None:
    """It is there, but nobody's, or the victim's own: whoever may write statuses knows its id from there."""

    async def scenario() -> None:
        async with VirtualWorld() as world:
            id_ = await begin(world, project_allows=project_allows, is_let_in=False)
            user = await world.create("users", {"name": "by_hand", "datastore_id": id_})
            await forge(world, id_, id=user["id"])
            world.cluster.delete(MAIN)
            await world.until("it goes all the same", lambda: is_gone(world, MAIN))

    in_virtual_time(scenario())


def test_a_stranger_does_not_wake_what_he_only_refers_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each edit of each of thousands would have a pass look at all of them."""
    passes: list[ResourceKey] = []
    observe = Observer.observe

    def counted(self: Observer, resource: Resource, *rest: Any) -> Pass:
        passes.append(resource.key)
        return observe(self, resource, *rest)

    monkeypatch.setattr(Observer, "observe", counted)

    async def scenario() -> None:
        async with VirtualWorld() as world:
            id_ = await begin(world, is_let_in=False)
            app = ResourceKey("DatabaseUser", NAMESPACE, "app")
            world.cluster.apply(manifest(app.kind, app.name, NAMESPACE, {"datastoreRef": {"name": MAIN.name}}))
            await world.until("there is a user", lambda: world.says(app, "Ready")[0] == "True")
            crowd = [ResourceKey(GUEST.kind, ELSEWHERE, f"guest-{number}") for number in range(20)]
            for number, key in enumerate(crowd):
                by_id = {"datastoreRef": {"id": id_}, "projectRef": {"name": "team"}}
                world.cluster.apply(manifest(key.kind, key.name, ELSEWHERE, by_id if number % 2 else BY_NAME))
            world.cluster.delete(MAIN)
            await world.until("it is kept", lambda: world.says(MAIN, "Ready") == ("False", "InUse"))
            await asyncio.sleep(5)
            passes.clear()
            for number, key in enumerate(crowd):
                world.cluster.annotate(key, sync_requested=str(number))
                await asyncio.sleep(0.1)
            assert set(crowd) <= set(passes), "each of them has a pass of its own"
            assert passes.count(MAIN) <= 1, "by its timer at most"
            world.cluster.change(app, deletionProtection=False)
            world.cluster.delete(app)
            await world.until("it goes", lambda: is_gone(world, MAIN))

    in_virtual_time(scenario())


def test_what_was_never_made_keeps_nothing_also_of_ones_own() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            app = ResourceKey("DatabaseUser", NAMESPACE, "app")
            spec = {"datastoreRef": {"name": MAIN.name}, "passwordSecretRef": {"name": "nowhere"}}
            world.cluster.apply(manifest(app.kind, app.name, NAMESPACE, spec))
            await world.until("it waits", lambda: world.says(app, "Ready") == ("False", "SecretMissing"))
            world.cluster.delete(MAIN)
            await world.until("the datastore goes", lambda: is_gone(world, MAIN))

    in_virtual_time(scenario())


def test_what_stands_in_it_keeps_it_whoever_may_be_there_now() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            world.cluster.apply(manifest(GUEST.kind, GUEST.name, ELSEWHERE, BY_NAME))
            await world.until("the guest is there", lambda: world.says(GUEST, "Ready")[0] == "True")
            user = world.get(GUEST)["status"]["id"]
            world.cluster.delete(MAIN)
            await world.until("it is kept", lambda: world.says(MAIN, "Ready") == ("False", "InUse"))
            assert str(GUEST) in message(world)
            world.cluster.change(MAIN, allowedNamespaces=[])
            await world.until("she is named no more", lambda: ELSEWHERE not in message(world))
            assert world.says(MAIN, "Ready") == ("False", "InUse")
            assert f"user {user} " in message(world)
            world.cluster.change(TEAM, allowedNamespaces=[{"name": NAMESPACE}])
            world.cluster.change(MAIN, allowedNamespaces=[ELSEWHERE])
            await world.until("nor when only the project does not", lambda: f"user {user} " in message(world))
            assert len(await world.objects("datastores")) == 1
            await world.vanish("users", user)
            await world.until("nothing stands in it", lambda: is_gone(world, MAIN))

    in_virtual_time(scenario())


def test_an_open_attempt_of_who_may_be_there_keeps_it() -> None:
    async def scenario() -> None:
        async with VirtualWorld() as world:
            await begin(world)
            await world.fault(method="POST", path="/users$", times=1, effect_after_seconds=50)
            world.cluster.apply(manifest(GUEST.kind, GUEST.name, ELSEWHERE, BY_NAME))
            await world.until("it is attempted", lambda: "intent" in world.get(GUEST).get("status", {}))
            world.cluster.delete(MAIN)
            await world.until("it is kept", lambda: world.says(MAIN, "Ready") == ("False", "InUse"))
            assert len(await world.objects("datastores")) == 1
            world.cluster.change(MAIN, allowedNamespaces=[])
            await world.until("nor once she may not be there", lambda: is_gone(world, MAIN))

    in_virtual_time(scenario())


def message(world: VirtualWorld) -> str:
    conditions = world.get(MAIN)["status"]["conditions"]
    return next(str(each["message"]) for each in conditions if each["type"] == "Ready")
