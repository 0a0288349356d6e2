"""A refusal of the operator's Secrets by the API server is shown in its own words, before the cloud is changed, and ends by
itself.
"""

import base64
import json
from typing import Any

import pytest

from cluster import Manifest
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL
from stories.obstacles import Obstacle, obstacles, put_up, take_away
from stories.world import World, condition, manifest

SPEED = 60
FAST = {
    "settings": {
        "clock_speed": SPEED,
        "pending_poll_seconds": 10,
        "settle_margin_seconds": 60,
        "call_limit_seconds": 5,
    }
}
EARLY, MAX_EARLY, MAX_HOURLY = 300, 8, 12
"""Tries in the first five minutes, and in each hour after them (seconds of the operator's own time)."""

fast = pytest.mark.parametrize("world", [FAST], indirect=True)


async def begin(world: World) -> tuple[str, str]:
    """A datastore that all may use; return the namespace of the quota, and the one of the lacking rights."""
    quota, rights = await world.another_namespace(), await world.another_namespace()
    await world.operator.start()
    everywhere = [{"name": name} for name in (world.namespace, quota, rights)]
    await world.apply(
        world.project_manifest(allowedNamespaces=everywhere, pollSeconds=60),
        world.datastore(allowedNamespaces=[quota, rights]),
    )
    await world.becomes("ManagedDatastore", "main")
    return quota, rights


def user(world: World, name: str, namespace: str, **spec: Any) -> Manifest:
    where = {"name": "main"} | ({} if namespace == world.namespace else {"namespace": world.namespace})
    return manifest("DatabaseUser", name, namespace, {"datastoreRef": where} | spec)


async def give(world: World, name: str, namespace: str, password: str) -> None:
    data = {"password": base64.b64encode(password.encode()).decode()}
    metadata = {"name": f"own-{name}", "namespace": namespace, "labels": {MANAGED_LABEL: GIVEN}}
    await world.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


async def opens(world: World, name: str, namespace: str, password: str | None = None) -> bool:
    """Whether what is in the user's Secret opens the datastore, and is that password."""
    secret = await world.cluster.get("Secret", f"{name}-user", namespace)
    held = base64.b64decode(secret["data"]["password"]).decode()
    datastore = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    return (password is None or held == password) and await world.sandbox.login(datastore, name, held)


async def is_told(world: World, obstacle: Obstacle, ready: str) -> None:
    async def look() -> bool:
        found = await world.cluster.get("DatabaseUser", obstacle.user, obstacle.namespace)
        said = {type_: condition(found, type_) for type_ in ("Stalled", "Synced", "Ready")}
        for type_, status in (("Stalled", "True"), ("Synced", "False")):
            assert (said[type_].get("status"), said[type_].get("reason")) == (status, "KubernetesRefuses"), found
            assert obstacle.words in said[type_]["message"], said
        assert said["Ready"]["status"] == ready, said
        events = await world.cluster.list("events", obstacle.namespace)
        notes = [
            each["message"]
            for each in events
            if (each["involvedObject"]["name"], each["type"], each["reason"])
            == (obstacle.user, "Warning", "KubernetesRefuses")
        ]
        assert [obstacle.words in note for note in notes] == [True], notes
        return True

    await world.until(f"{obstacle.user} tells what is refused", look)


def tries_are_bounded(world: World, obstacle: Obstacle) -> None:
    """However many passes there were: what was refused is not asked for again and again."""
    refused = world.cluster.audit(
        user=world.account, resource="secrets", namespace=obstacle.namespace, verb=("create", "patch")
    )
    names = (f"{obstacle.user}-user", f"{obstacle.user}-user-pending", "")
    """The last where a right is missing: nobody has looked then which Secret is to be created."""
    at = [each.at for each in refused if each.code >= 400 and each.name in names]
    assert at, obstacle
    seconds = [(each - at[0]).total_seconds() * SPEED for each in at]
    early = sum(each <= EARLY for each in seconds)
    hours = (seconds[-1] - EARLY) / 3600 + 1 if seconds[-1] > EARLY else 0
    assert early <= MAX_EARLY, (obstacle, seconds)
    assert len(seconds) - early <= MAX_HOURLY * hours, (obstacle, seconds)


async def heals(world: World, name: str, namespace: str, password: str | None = None) -> None:
    async def look() -> bool:
        found = await world.cluster.get("DatabaseUser", name, namespace)
        said = {each["type"]: each["status"] for each in found["status"]["conditions"]}
        assert (said["Ready"], said["Synced"], said["Stalled"]) == ("True", "True", "False"), found["status"]
        assert await opens(world, name, namespace, password), name
        return True

    await world.until(f"{name} heals by itself", look, 120)


@fast
async def test_a_first_secret_that_cannot_be_written(world: World) -> None:
    """No user without a Secret, and nothing begun."""
    quota, rights = await begin(world)
    await put_up(world, quota, rights, "create")
    told = obstacles(world, quota, rights, "create").values()
    for each in told:
        await world.cluster.apply(user(world, each.user, each.namespace))
    for each in told:
        await is_told(world, each, ready="False")
    assert await world.posts("users") == []
    for each in told:
        assert "intent" not in (await world.cluster.get("DatabaseUser", each.user, each.namespace))["status"]
        tries_are_bounded(world, each)
    await take_away(world, quota, rights, "create")
    for each in told:
        await heals(world, each.user, each.namespace)
    assert len(await world.posts("users")) == len(told)


@fast
async def test_a_rotation_that_could_not_end_does_not_begin(world: World) -> None:
    """The old password goes on opening the datastore; the cloud is not asked to change it."""
    quota, rights = await begin(world)
    told = [
        *obstacles(world, quota, rights, "patch").values(),
        Obstacle("immutable", world.namespace, "field is immutable when `immutable` is set"),
    ]
    for each in told:
        await give(world, each.user, each.namespace, f"first-of-{each.user}")
        given = {"name": f"own-{each.user}"}
        await world.cluster.apply(user(world, each.user, each.namespace, passwordSecretRef=given))
    for each in told:
        await heals(world, each.user, each.namespace, f"first-of-{each.user}")
    await put_up(world, quota, rights, "patch")
    await world.cluster.patch("Secret", "immutable-user", world.namespace, {"immutable": True})

    for each in told:
        await give(world, each.user, each.namespace, f"second-of-{each.user}")
    for each in told:
        await is_told(world, each, ready="True")
    assert await world.calls("PUT", "/users/") == []
    for each in told:
        assert await opens(world, each.user, each.namespace, f"first-of-{each.user}")
        found = await world.cluster.get("DatabaseUser", each.user, each.namespace)
        assert "second-of" not in json.dumps(found["status"])
        tries_are_bounded(world, each)
    await take_away(world, quota, rights, "patch")
    await world.cluster.delete("Secret", "immutable-user", world.namespace)
    for each in told:
        await heals(world, each.user, each.namespace, f"second-of-{each.user}")
    assert len(await world.calls("PUT", "/users/")) == len(told)
