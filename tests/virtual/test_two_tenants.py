"""Two namespaces in one project: the names that each may use, and what each learns about the other's objects."""

import asyncio
import json
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.everything import project
from virtual.two_projects import datastore, is_in_sync
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, SYSTEM, VirtualWorld

HERS = "attacker"
VICTIM = ResourceKey("ManagedDatastore", NAMESPACE, "ledger")
VICTIMS_TOKEN = ResourceKey("PrometheusMetricsToken", NAMESPACE, "insight")
TEAM = ResourceKey("DatabaseProject", "", "team")
ALLOWED = [{"name": NAMESPACE, "powers": ["metrics"]}, {"name": HERS, "powers": ["metrics"]}]


def hers(kind: str, name: str) -> ResourceKey:
    return ResourceKey(kind, HERS, name)


async def begin(world: VirtualWorld, allowed: list[dict[str, Any]]) -> None:
    world.cluster.apply(project(allowedNamespaces=allowed))
    await world.start()
    world.cluster.apply(datastore(VICTIM))
    world.cluster.apply(manifest(VICTIMS_TOKEN.kind, VICTIMS_TOKEN.name, NAMESPACE, {}))
    await world.until("the victim's are there", lambda: is_in_sync(world, VICTIM) and is_in_sync(world, VICTIMS_TOKEN))


def token(called: str, /, **spec: Any) -> dict[str, Any]:
    return manifest("PrometheusMetricsToken", called, HERS, spec)


async def says(world: VirtualWorld, key: ResourceKey, reason: str) -> str:
    await world.until(f"{key} says {reason}", lambda: world.says(key, "Synced") == ("False", reason), 120)
    return str(condition(world.get(key), "Synced")["message"])


@pytest.mark.parametrize("prefix", ["attacker-", "{namespace}-"])
def test_names_of_a_namespace_begin_as_the_project_says(prefix: str) -> None:
    in_virtual_time(names_as_it_may(prefix))


async def names_as_it_may(prefix: str) -> None:
    async with VirtualWorld(delay_seconds=0) as world:
        await begin(world, [ALLOWED[0], ALLOWED[1] | {"namePrefix": prefix}])
        wrong, good = hers("ManagedDatastore", "orders"), hers("ManagedDatastore", "attacker-orders")
        named = hers("ManagedDatastore", "named")
        for key, spec in ((wrong, {}), (good, {}), (named, {"name": "attacker-named"})):
            world.cluster.apply(datastore(key, **spec))
        for each in (token("metrics"), token("renamed", name="attacker-metrics")):
            world.cluster.apply(each)
        told = await says(world, wrong, "NameNotAllowed")
        assert "must begin with attacker-" in told
        await says(world, hers("PrometheusMetricsToken", "metrics"), "NameNotAllowed")
        await world.until("the others are made", lambda: is_in_sync(world, good) and is_in_sync(world, named))
        await world.until("the token is made", lambda: is_in_sync(world, hers("PrometheusMetricsToken", "renamed")))
        assert {each["name"] for each in await world.objects("datastores")} == {
            "ledger",
            "attacker-orders",
            "attacker-named",
        }
        # What is taken, and what is not: she is told the same, and holds up nobody.
        taken = hers("ManagedDatastore", "ledger")
        world.cluster.apply(datastore(taken))
        assert await says(world, taken, "NameNotAllowed") == told
        other = ResourceKey("ManagedDatastore", NAMESPACE, "orders")
        world.cluster.apply(datastore(other))
        await world.until("the name is free for others", lambda: is_in_sync(world, other))
        # A new name is as bad; all else goes on.
        world.cluster.change(named, name="ledger-two", backupRetentionDays=9)
        await says(world, named, "NameNotAllowed")
        (there,) = [
            each for each in await world.objects("datastores") if each["id"] == world.get(named)["status"]["id"]
        ]
        assert (there["name"], there["backup_retention_days"]) == ("attacker-named", 9)
        assert world.says(named, "Ready")[0] == "True"


def test_what_was_made_before_the_rule_goes_on() -> None:
    in_virtual_time(goes_on())


async def goes_on() -> None:
    """It is changed and deleted as ever, and gets its name back when others have taken it."""
    async with VirtualWorld(delay_seconds=0) as world:
        await begin(world, ALLOWED)
        old = hers("ManagedDatastore", "old")
        world.cluster.apply(datastore(old))
        await world.until("it is made", lambda: is_in_sync(world, old))
        world.cluster.change(TEAM, allowedNamespaces=[ALLOWED[0], ALLOWED[1] | {"namePrefix": "attacker-"}])
        world.cluster.change(old, backupRetentionDays=9)
        await world.until("it is changed", lambda: is_in_sync(world, old))
        await world.edit("datastores", world.get(old)["status"]["id"], name="elsewhere")
        await asyncio.sleep(180)
        assert world.says(old, "Synced")[0] == "True"
        assert "old" in {each["name"] for each in await world.objects("datastores")}
        world.cluster.delete(old)
        await world.until("it is gone", lambda: old not in world.cluster.objects)


def test_nothing_is_told_of_another_namespace() -> None:
    in_virtual_time(tells_nothing())


async def tells_nothing() -> None:
    """Whatever she tries: that a name is taken is all that she reads."""
    async with VirtualWorld(delay_seconds=0) as world:
        await begin(world, ALLOWED)
        nobodys = (await world.create("datastores", {"name": "kept", "subnet_id": None}))["id"]
        nobodys_token = (await world.create("prometheus-metrics-tokens", {"name": "kept"}))["id"]
        await asyncio.sleep(90)
        in_victims = {"datastoreRef": {"name": VICTIM.name, "namespace": NAMESPACE}}
        tried = {
            hers("ManagedDatastore", "ledger"): (datastore, {}, "Conflict"),
            hers("ManagedDatastore", "second"): (datastore, {"name": "ledger", "adoption": "IfExists"}, "Conflict"),
            hers("ManagedDatastore", "kept"): (datastore, {}, "AlreadyExists"),
            hers("ManagedDatastore", "mine"): (datastore, {"name": "kept", "adoption": "Required"}, "Forbidden"),
        }
        for key, (make, spec, _) in tried.items():
            world.cluster.apply(make(key, **spec))
        others = {
            "insight": ("PrometheusMetricsToken", {}, "Conflict"),
            "kept": ("PrometheusMetricsToken", {}, "AlreadyExists"),
            "named": ("DatabaseUser", in_victims, "ParentMissing"),
            "byid": ("DatabaseUser", {"datastoreRef": {"id": world.get(VICTIM)["status"]["id"]}}, "Forbidden"),
        }
        for name, (kind, wanted, _) in others.items():
            world.cluster.apply(manifest(kind, name, HERS, wanted))
        for key, (_, _, reason) in tried.items():
            await says(world, key, reason)
        for name, (kind, _, reason) in others.items():
            await says(world, hers(kind, name), reason)
        # The project's own trouble is not hers to read either: an attempt of the victim's is open while the API is elsewhere.
        world.cluster.delete(ResourceKey(SECRET, SYSTEM, "cloud"))
        world.cluster.change(TEAM, pollSeconds=30)
        await world.until(
            "the project is in trouble", lambda: world.says(TEAM, "Ready") == ("False", "SecretMissing"), 120
        )
        new = hers("ManagedDatastore", "new")
        world.cluster.apply(datastore(new))
        await says(world, new, "SecretMissing")
        secret = {
            VICTIM.name: "its resource's name",
            NAMESPACE: "its namespace",
            VICTIMS_TOKEN.name: "its token's name",
            world.get(VICTIM)["status"]["id"]: "its id",
            world.get(VICTIMS_TOKEN)["status"]["id"]: "the token's id",
            nobodys: "an id that nobody holds",
            nobodys_token: "a token that nobody holds",
            SYSTEM: "where the operator's Secrets are",
            "/cloud": "the Secret",
        }
        for told, raw in hers_to_read(world):
            wrote = json.dumps(raw.get("spec", {})) + raw["metadata"]["name"]
            for text, what in secret.items():
                assert text not in told or text in wrote, f"{what}: {told}"


def hers_to_read(world: VirtualWorld) -> list[tuple[str, dict[str, Any]]]:
    """Each text that she may read in her namespace, with what it stands at."""
    found = []
    for key, raw in world.cluster.objects.items():
        if key.namespace == HERS and key.kind != SECRET:
            found += [(json.dumps(raw["status"]), raw)]
    for event in world.cluster.events:
        regarding = event["regarding"]
        if regarding.get("namespace") == HERS:
            key = ResourceKey(regarding["kind"], HERS, regarding["name"])
            found.append((event["note"], world.get(key)))
    return found
