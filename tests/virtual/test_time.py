"""Waits that end, intervals that grow, and state that is forgotten: hours and weeks in virtual time."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from managed_databases.reconcile.controller import Controller
from managed_databases.reconcile.ports import ResourceKey, WriteConflict
from stories.world import condition, manifest
from virtual.begun_world import PROJECT
from virtual.everything import project
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, SPECS, begin_with_datastore

MAIN = KEYS[0]
HOUR = 3600


def lists(world: VirtualWorld, path: str = "/v1/datastores") -> int:
    return sum(sent.path == path and sent.method == "GET" for sent in world.sent)


@pytest.mark.parametrize("status", ["PENDING_CREATE", "RESIZING"])
@pytest.mark.parametrize("restart", [False, True])
def test_an_object_pending_for_too_long_is_reported_and_looked_at_slowly(status: str, restart: bool) -> None:
    in_virtual_time(is_told(status, restart))


async def is_told(status: str, restart: bool) -> None:
    async with VirtualWorld(poll_seconds=60) as world:
        await begin_with_datastore(world)
        (there,) = await world.objects("datastores")
        await world.edit("datastores", there["id"], status=status)
        await asyncio.sleep(0.9 * HOUR)
        assert world.says(MAIN, "Stalled")[0] == "False", "not yet"
        assert lists(world) > HOUR / 5
        await asyncio.sleep(0.2 * HOUR)
        assert world.says(MAIN, "Stalled") == ("True", "PendingTooLong")
        assert there["id"] in condition(world.get(MAIN), "Stalled")["message"]
        version = world.get(MAIN)["metadata"]["resourceVersion"]
        if restart:
            await world.kill()
            await world.start()
        world.sent.clear()
        await asyncio.sleep(4 * HOUR)
        # A restarted process does not know how long it has been: it looks often for an hour once more.
        assert lists(world) < 4 * 62 + (HOUR / 2.5 if restart else 0)
        assert world.says(MAIN, "Stalled") == ("True", "PendingTooLong")
        assert world.get(MAIN)["metadata"]["resourceVersion"] == version, "nothing is new"
        await world.edit("datastores", there["id"], status="ACTIVE")
        await world.until("all goes on", lambda: world.says(MAIN, "Synced")[0] == "True", 120)


@pytest.mark.parametrize("status", ["PENDING_CREATE", "PENDING_DELETE"])
def test_a_stuck_object_of_others_does_not_set_the_pace(status: str) -> None:
    async def does_not() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            other = await world.create("datastores", {"name": "console"})
            await world.edit("datastores", other["id"], status=status)
            await asyncio.sleep(120)
            world.sent.clear()
            await asyncio.sleep(HOUR)
            assert lists(world) <= 61

    in_virtual_time(does_not())


@pytest.mark.parametrize("adoption", ["Never", "IfExists"])
@pytest.mark.parametrize("restarts_after_seconds", [None, 0.8 * HOUR])
def test_a_name_whose_object_is_never_gone_is_told(adoption: str, restarts_after_seconds: float | None) -> None:
    """Also by processes none of which has waited for an hour itself."""

    async def is_told() -> None:
        async with VirtualWorld() as world:
            world.cluster.apply(project())
            await world.start()
            dying = await world.create("datastores", {"name": "main"})
            await world.edit("datastores", dying["id"], status="PENDING_DELETE")
            await asyncio.sleep(120)
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | {"adoption": adoption}))
            await asyncio.sleep(restarts_after_seconds or 0.8 * HOUR)
            assert world.says(MAIN, "Synced") == ("False", "Pending"), "not yet"
            assert world.says(MAIN, "Reconciling")[0] == "True"
            for _ in range(2):
                if restarts_after_seconds is not None:
                    await world.kill()
                    await world.start()
                await asyncio.sleep(0.4 * HOUR)
                assert world.says(MAIN, "Stalled") == ("True", "PendingTooLong")
            told = condition(world.get(MAIN), "Stalled")["message"]
            assert dying["id"] in told
            assert "another name" in told
            version = world.get(MAIN)["metadata"]["resourceVersion"]
            world.sent.clear()
            await asyncio.sleep(4 * HOUR)
            assert lists(world) < 4 * 62
            assert not any(sent.method == "POST" and sent.path == "/v1/datastores" for sent in world.sent)
            assert world.get(MAIN)["metadata"]["resourceVersion"] == version, "nothing is new"
            await world.vanish("datastores", dying["id"])
            await world.until("it is made", lambda: world.says(MAIN, "Ready")[0] == "True", 180)
            assert world.says(MAIN, "Stalled")[0] == "False"

    in_virtual_time(is_told())


@pytest.mark.parametrize("replicas", [3, 5])
def test_many_public_addresses_are_no_fight(replicas: int) -> None:
    async def are_none() -> None:
        async with VirtualWorld(delay_seconds=20) as world:
            said: set[str] = set()

            def listen(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
                said.add(condition(raw, "Stalled").get("reason", ""))

            world.cluster.told.append(listen)
            world.cluster.apply(project())
            await world.start()
            wish = {
                "nodeCount": 6,
                "flavor": {"vcpus": 1, "ramMB": 2048, "diskGB": 8},
                "firewall": ["192.0.2.0/24"],
                "floatingIPs": {"master": True, "replicas": replicas},
            }
            world.cluster.apply(manifest(MAIN.kind, MAIN.name, NAMESPACE, SPECS[MAIN] | wish))
            await world.until("all are there", lambda: world.says(MAIN, "Synced")[0] == "True", 600)
            assert "DriftFight" not in said

    in_virtual_time(are_none())


def test_a_fight_over_one_field_is_still_noticed() -> None:
    async def is_noticed() -> None:
        async with VirtualWorld(delay_seconds=0, poll_seconds=30) as world:
            await begin_with_datastore(world)
            world.cluster.change(MAIN, backupRetentionDays=7)
            (there,) = await world.objects("datastores")
            for days in range(10, 18):
                await asyncio.sleep(60)
                await world.edit("datastores", there["id"], backup_retention_days=days)
            await asyncio.sleep(60)
            assert world.says(MAIN, "Stalled") == ("True", "DriftFight")

    in_virtual_time(is_noticed())


def test_nothing_is_kept_of_objects_that_came_and_went(monkeypatch: pytest.MonkeyPatch) -> None:
    controllers: list[Controller] = []

    class Kept(Controller):
        def __init__(self, *args: object, **settings: object) -> None:
            super().__init__(*args, **settings)  # type: ignore[arg-type]
            controllers.append(self)

    monkeypatch.setattr("virtual.virtual_world.Controller", Kept)
    in_virtual_time(comes_and_goes(controllers))


async def comes_and_goes(controllers: list[Controller]) -> None:
    async with VirtualWorld(delay_seconds=0.1) as world:
        await begin_with_datastore(world)
        for number in range(30):
            user = ResourceKey("DatabaseUser", NAMESPACE, f"u{number}")
            world.cluster.apply(manifest(user.kind, user.name, NAMESPACE, IN_MAIN))
            await world.until("made", lambda user=user: world.says(user, "Synced")[0] == "True")  # type: ignore[misc]
            world.cluster.delete(user)
            await world.until("gone", lambda user=user: user not in world.cluster.objects)  # type: ignore[misc]
        session = controllers[0].projects.session("team")
        assert session is not None
        assert "users" in session.lists.snapshots
        await asyncio.sleep(300)
        assert not session.lists.snapshots["users"]._gone, "nobody means these any more"
        await asyncio.sleep(HOUR)
        assert set(session.lists.snapshots) == {"datastores"}, "nobody needs the others"
        world.sent.clear()
        await asyncio.sleep(HOUR)
        told = Counter(sent.path for sent in world.sent)
        assert not told["/v1/users"], told
        user = ResourceKey("DatabaseUser", NAMESPACE, "again")
        world.cluster.apply(manifest(user.kind, user.name, NAMESPACE, IN_MAIN))
        await world.until("whoever comes later is served", lambda: world.says(user, "Synced")[0] == "True", 60)


class DegradedDatastore:
    """A datastore's status is to be written."""

    async def begin(self, world: VirtualWorld) -> None:
        (there,) = await world.objects("datastores")
        await world.edit("datastores", there["id"], status="DEGRADED")

    def is_told(self, world: VirtualWorld) -> bool:
        return bool(condition(world.get(MAIN), "Degraded"))


class UnguardedStatuses:
    """The statuses of projects are to be written."""

    async def begin(self, world: VirtualWorld) -> None:
        world.leave_unguarded("the policy is gone")

    def is_told(self, world: VirtualWorld) -> bool:
        return bool(condition(world.get(PROJECT), "StatusUnguarded"))


class UnreadableSpec:
    """A status is to be written by a pass that cannot read the spec."""

    async def begin(self, world: VirtualWorld) -> None:
        world.cluster.change(MAIN, config={f"p{number}": "x" * 1000 for number in range(60)})

    def is_told(self, world: VirtualWorld) -> bool:
        return world.says(MAIN, "Synced")[1] == "InvalidSpec"


@pytest.mark.parametrize("to_write", [DegradedDatastore(), UnguardedStatuses(), UnreadableSpec()], ids=type)
def test_a_view_that_stays_old_makes_no_storm(to_write: DegradedDatastore | UnguardedStatuses | UnreadableSpec) -> None:
    """As after a restore of etcd under a watch that is told nothing: every write is a conflict, until all is listed anew."""

    async def story() -> None:
        async with VirtualWorld(poll_seconds=60) as world:
            await begin_with_datastore(world)
            answer, conflicts = world.cluster._answer, [0]

            def older(method: str, path: str, body: Any) -> Raw:
                if method == "PATCH":
                    conflicts[0] += 1
                    raise WriteConflict("it is an older one")
                return answer(method, path, body)

            world.cluster._answer = older  # type: ignore[method-assign]
            await to_write.begin(world)
            await asyncio.sleep(HOUR)
            assert 10 < conflicts[0] < 90, conflicts
            world.cluster._answer = answer  # type: ignore[method-assign]
            await world.until("it goes on", lambda: to_write.is_told(world), 120)

    in_virtual_time(story())
