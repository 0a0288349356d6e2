"""Grants, extensions, replication slots, topics, access rules, metrics tokens: from the first apply to the last delete."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Manifest, Refused
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import kinds
from managed_databases.kube.crd import custom_resource_definition
from stories.world import World, condition, manifest

FAST = {"settings": {"clock_speed": 5, "pending_poll_seconds": 2, "settle_margin_seconds": 5}}
fast = pytest.mark.parametrize("world", [FAST], indirect=True)

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
KAFKA = {"engine": {"type": "kafka", "version": "3.6"}}


def inside(world: World, kind: str, name: str, /, **spec: Any) -> Manifest:
    return manifest(kind, name, world.namespace, {"datastoreRef": {"name": "main"}} | spec)


def grant(world: World, name: str = "app-in-shop", /, **spec: Any) -> Manifest:
    return inside(world, "DatabaseGrant", name, databaseRef={"name": "shop"}, userRef={"name": "app"}, **spec)


def extension(world: World, name: str, /, **spec: Any) -> Manifest:
    spec = {"databaseRef": {"name": "shop"}, "extension": name} | spec
    return inside(world, "DatabaseExtension", name, **spec)


def slot(world: World, name: str = "warehouse", /, **spec: Any) -> Manifest:
    return inside(world, "LogicalReplicationSlot", name, databaseRef={"name": "shop"}, **spec)


def acl(world: World, name: str, /, **spec: Any) -> Manifest:
    return inside(world, "KafkaACL", name, userRef={"name": "app"}, **spec)


def token(world: World, name: str = "prometheus", /, **spec: Any) -> Manifest:
    return manifest("PrometheusMetricsToken", name, world.namespace, spec)


def with_powers(world: World, *powers: str) -> Manifest:
    return world.project_manifest(allowedNamespaces=[{"name": world.namespace, "powers": list(powers)}])


async def objects(world: World, kind: str) -> list[dict[str, Any]]:
    cloud = kinds()[kind].cloud
    assert cloud is not None
    return await world.sandbox.objects(cloud.collection.name)


async def only(world: World, kind: str) -> dict[str, Any]:
    found = await objects(world, kind)
    assert len(found) == 1, found
    return found[0]


async def id_of(world: World, kind: str, name: str) -> str:
    return str((await world.get(kind, name))["status"]["id"])


async def made_again(world: World, kind: str, name: str, lost: str) -> str:
    """Wait until it is Ready with another object than the lost one; return that one's id."""

    async def look() -> str:
        status = (await world.get(kind, name))["status"]
        assert status.get("id") not in (None, lost), status
        return str(status["id"])

    id_: str = await world.until(f"{kind} {name} is made again", look)
    await world.becomes(kind, name)
    return id_


async def refused(world: World, resource: Manifest) -> str:
    with pytest.raises(Refused) as said:
        await world.apply(resource)
    return str(said.value)


async def says(world: World, kind: str, name: str, reason: str, part: str) -> None:
    async def look() -> bool:
        resource = await world.get(kind, name)
        ready = condition(resource, "Synced")
        assert ready.get("reason") == reason, resource.get("status")
        assert part in ready["message"], ready
        return True

    await world.until(f"{kind} {name} says {reason}: {part}", look)


@fast
async def test_extensions_come_after_what_they_need(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), extension(world, "earthdistance"))
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "there is no ManagedDatastore")
    await world.apply(world.datastore())
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "there is no ManagedDatabase")
    await world.apply(world.database())
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "make a DatabaseExtension for it")
    await says(world, "DatabaseExtension", "earthdistance", "ParentMissing", "waits for extension cube")
    await world.apply(
        extension(world, "postgis-topology", extension="postgis_topology"),
        extension(world, "postgis"),
        extension(world, "cube"),
        extension(world, "typo", extension="pgcripto"),
    )
    for name in ("cube", "earthdistance", "postgis", "postgis-topology"):
        await world.becomes("DatabaseExtension", name)
    await world.becomes("DatabaseExtension", "typo", "Stalled", reason="InvalidSpec")
    await says(world, "DatabaseExtension", "typo", "InvalidSpec", "pgcrypto")
    assert [post["status"] for post in await world.posts("extensions")] == [200] * 4, "none was asked for too early"
    lost = await id_of(world, "DatabaseExtension", "earthdistance")
    await world.sandbox.vanish("extensions", lost)
    await made_again(world, "DatabaseExtension", "earthdistance", lost)
    for name in ("cube", "earthdistance", "postgis", "postgis-topology", "typo"):
        await world.delete("DatabaseExtension", name, wait=False)

    async def all_gone() -> bool:
        left = await objects(world, "DatabaseExtension")
        assert not left, left
        assert not await world.cluster.list("DatabaseExtension", world.namespace)
        return True

    await world.until("no extension is left", all_gone)


@fast
async def test_a_grant_from_its_parents_to_its_end(world: World) -> None:
    await world.operator.start()
    await world.apply(with_powers(world, "adopt"), world.datastore(), grant(world), world.database())
    await says(world, "DatabaseGrant", "app-in-shop", "ParentMissing", "there is no DatabaseUser")
    await world.apply(world.user())
    granted = await world.becomes("DatabaseGrant", "app-in-shop")
    first = granted["status"]["id"]
    said = await refused(world, grant(world) | {"spec": grant(world)["spec"] | {"userRef": {"name": "other"}}})
    assert "a grant is for one user" in said
    await world.apply(grant(world, "twin"))
    await world.becomes("DatabaseGrant", "twin", "Stalled", reason="Conflict")
    await world.delete("DatabaseGrant", "twin")

    # Its user goes first: the grant goes with it, waits for another one of that name, and is made again.
    await world.delete("DatabaseUser", "app")
    await says(world, "DatabaseGrant", "app-in-shop", "ParentMissing", "there is no DatabaseUser")
    assert await objects(world, "DatabaseGrant") == []
    await world.apply(world.user())
    second = await made_again(world, "DatabaseGrant", "app-in-shop", first)

    # Retained, it is nobody's; another resource may take it over.
    await world.change("DatabaseGrant", "app-in-shop", deletionPolicy="Retain")
    await world.becomes("DatabaseGrant", "app-in-shop")
    await world.delete("DatabaseGrant", "app-in-shop")
    await world.apply(grant(world, "adopter"))
    await world.becomes("DatabaseGrant", "adopter", "Stalled", reason="AlreadyExists")
    await world.change("DatabaseGrant", "adopter", adoption="IfExists")
    adopted = await world.becomes("DatabaseGrant", "adopter")
    assert adopted["status"]["id"] == second

    # Its database goes, and nobody makes another: what waits for it can still be deleted.
    await world.delete("ManagedDatabase", "shop")
    await says(world, "DatabaseGrant", "adopter", "ParentMissing", "there is no ManagedDatabase")
    await world.delete("DatabaseGrant", "adopter")
    assert await objects(world, "DatabaseGrant") == []


@fast
async def test_parents_and_children_deleted_together(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(), world.datastore(), world.database(), world.user(), grant(world), slot(world),
        extension(world, "cube"),
    )  # fmt: skip
    children = [
        ("DatabaseGrant", "app-in-shop"),
        ("LogicalReplicationSlot", "warehouse"),
        ("DatabaseExtension", "cube"),
    ]
    for kind, name in children:
        await world.becomes(kind, name)
    await world.delete("ManagedDatastore", "main", wait=False)
    told = await world.becomes("ManagedDatastore", "main", status="False", reason="InUse")
    assert all(name in condition(told, "Ready")["message"] for _, name in children)
    every = [("DatabaseUser", "app"), ("ManagedDatabase", "shop"), *children]
    await asyncio.gather(*(world.delete(kind, name) for kind, name in every))

    async def datastore_is_gone() -> bool:
        return not await world.cluster.exists("ManagedDatastore", "main", world.namespace)

    await world.until("the datastore goes when nothing is left in it", datastore_is_gone)
    for kind, _ in [*every, ("ManagedDatastore", "main")]:
        assert await objects(world, kind) == [], kind


@fast
async def test_a_slot_that_is_lost_is_not_made_again_by_itself(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.database(), slot(world))
    made = await world.becomes("LogicalReplicationSlot", "warehouse")
    assert made["status"]["inUse"] is False
    assert "set spec.name" in await refused(world, slot(world, "ware-house"))
    id_ = made["status"]["id"]
    await world.sandbox.edit("logical-replication-slots", id_, in_use=True)

    async def in_use() -> bool:
        status = (await world.get("LogicalReplicationSlot", "warehouse"))["status"]
        assert status["inUse"] is True, status
        return True

    await world.until("its use is told", in_use)
    await world.sandbox.vanish("logical-replication-slots", id_)
    await world.becomes("LogicalReplicationSlot", "warehouse", "Stalled", reason="Gone")
    await world.annotate("LogicalReplicationSlot", "warehouse", recreate=id_)
    await world.becomes("LogicalReplicationSlot", "warehouse")
    assert (await only(world, "LogicalReplicationSlot"))["id"] != id_
    await world.delete("LogicalReplicationSlot", "warehouse")
    assert await objects(world, "LogicalReplicationSlot") == []


@fast
async def test_topics_only_grow_and_are_protected(world: World) -> None:
    await world.operator.start()
    orders = inside(world, "KafkaTopic", "orders.placed", partitions=3, deletionProtection=True)
    await world.apply(with_powers(world, "adopt"), orders, world.datastore(**KAFKA))
    made = await world.becomes("KafkaTopic", "orders.placed")
    assert made["status"]["partitions"] == 3
    topic_id = made["status"]["id"]

    await world.change("KafkaTopic", "orders.placed", partitions=6)
    await world.becomes("KafkaTopic", "orders.placed", "Synced")
    assert (await only(world, "KafkaTopic"))["partitions"] == 6
    orders["spec"]["partitions"] = 5
    assert "Kafka cannot merge partitions" in await refused(world, orders)
    orders["spec"]["partitions"] = 4001
    assert "4000" in await refused(world, orders)

    # Fewer in the cloud is drift and mended; more in the cloud cannot be undone, and disturbs nobody.
    await world.sandbox.edit("topics", topic_id, partitions=2)

    async def is_mended() -> bool:
        assert (await only(world, "KafkaTopic"))["partitions"] == 6
        return True

    await world.until("the partitions come back", is_mended)
    await world.sandbox.edit("topics", topic_id, partitions=12)
    await says(world, "KafkaTopic", "orders.placed", "NotReversible", "there are 12, the spec says 6")
    assert condition(await world.get("KafkaTopic", "orders.placed"), "Ready")["status"] == "True"
    await world.change("KafkaTopic", "orders.placed", partitions=12)
    await world.becomes("KafkaTopic", "orders.placed", "Synced")

    with pytest.raises(Refused, match="deletionProtection"):
        await world.delete("KafkaTopic", "orders.placed")
    await world.change("KafkaTopic", "orders.placed", deletionPolicy="Retain", deletionProtection=None)
    await world.delete("KafkaTopic", "orders.placed")
    adopter = inside(world, "KafkaTopic", "adopter", name="orders.placed", adoption="Required")
    await world.apply(adopter)
    adopted = await world.becomes("KafkaTopic", "adopter")
    assert (adopted["status"]["id"], adopted["status"]["partitions"]) == (topic_id, 12)
    await world.sandbox.vanish("topics", topic_id)
    await world.becomes("KafkaTopic", "adopter", "Stalled", reason="Gone")
    await world.delete("KafkaTopic", "adopter")


@fast
async def test_access_rules_say_exactly_what_is_allowed(world: World) -> None:
    await world.operator.start()
    literal = {"patternType": "literal", "pattern": "orders"}
    await world.apply(
        world.project_manifest(),
        acl(world, "orders", **literal, allowRead=True),
        acl(world, "everything", patternType="all", allowRead=True, allowWrite=True),
    )
    for wrong, said in (
        ({"patternType": "all", "pattern": "x", "allowRead": True}, "pattern goes with literal and prefixed"),
        ({"patternType": "prefixed", "allowRead": True}, "pattern goes with literal and prefixed"),
        (literal, "at least one of allowRead and allowWrite"),
        ({"patternType": "regex", "pattern": "x", "allowRead": True}, "patternType"),
    ):
        assert said in await refused(world, acl(world, "wrong", **wrong))
    await says(world, "KafkaACL", "orders", "ParentMissing", "there is no ManagedDatastore")
    await world.apply(world.datastore(**KAFKA), world.user())
    made = await world.becomes("KafkaACL", "orders")
    await world.becomes("KafkaACL", "everything")
    await world.change("KafkaACL", "orders", allowWrite=True, allowRead=False)
    await world.becomes("KafkaACL", "orders", "Synced")

    async def rights() -> tuple[bool, bool]:
        (found,) = [each for each in await objects(world, "KafkaACL") if each["id"] == made["status"]["id"]]
        return found["allow_read"], found["allow_write"]

    assert await rights() == (False, True)
    await world.sandbox.edit("acls", made["status"]["id"], allow_read=True)

    async def is_taken_back() -> bool:
        assert await rights() == (False, True)
        return True

    await world.until("a right that nobody asked for is taken back", is_taken_back)
    await world.delete("DatabaseUser", "app")
    await says(world, "KafkaACL", "orders", "ParentMissing", "there is no DatabaseUser")
    assert await objects(world, "KafkaACL") == []
    await world.apply(world.user())
    await world.becomes("KafkaACL", "orders")
    await world.becomes("KafkaACL", "everything")
    for name in ("orders", "everything"):
        await world.delete("KafkaACL", name)
    assert await objects(world, "KafkaACL") == []


@fast
async def test_what_an_engine_does_not_have_is_refused(world: World) -> None:
    await world.operator.start()
    await world.apply(
        world.project_manifest(), world.datastore(**KAFKA), world.user(), inside(world, "ManagedDatabase", "shop"),
        grant(world), inside(world, "LogicalReplicationSlot", "warehouse", databaseRef={"name": "shop"}),
    )  # fmt: skip
    await world.becomes("ManagedDatabase", "shop", "Stalled", reason="InvalidSpec")
    await says(world, "DatabaseGrant", "app-in-shop", "ParentNotReady", "ManagedDatabase")
    await world.apply(inside(world, "KafkaTopic", "orders", datastoreRef={"name": "pg"}), world.datastore("pg"))
    await world.becomes("KafkaTopic", "orders", "Stalled", reason="InvalidSpec")
    await says(world, "KafkaTopic", "orders", "InvalidSpec", "a topic is only in a datastore of kafka")
    for collection in ("grants", "topics", "logical-replication-slots", "databases"):
        assert await world.posts(collection) == [], "nothing was tried"


@fast
async def test_a_metrics_token_and_its_secret(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), token(world))
    await world.becomes("PrometheusMetricsToken", "prometheus", "Stalled", reason="Forbidden")
    assert await world.posts("prometheus-metrics-tokens") == []
    await world.apply(with_powers(world, "metrics"))
    made = await world.becomes("PrometheusMetricsToken", "prometheus")
    assert made["status"]["binding"] == {"name": "prometheus-metrics-token"}
    there = await only(world, "PrometheusMetricsToken")
    value = there["value"]
    wanted = {"type": "prometheus", "provider": "managed-databases", "token": value}
    assert await world.secret("prometheus-metrics-token") == wanted
    secret = await world.cluster.get("Secret", "prometheus-metrics-token", world.namespace)
    assert secret["type"] == "servicebinding.io/prometheus"

    async def is_right() -> bool:
        assert await world.cluster.exists("Secret", "prometheus-metrics-token", world.namespace)
        assert await world.secret("prometheus-metrics-token") == wanted
        return True

    await world.cluster.delete("Secret", "prometheus-metrics-token", world.namespace)
    await world.until("a deleted Secret comes back", is_right)
    await world.put_secret(world.namespace, "prometheus-metrics-token", {"token": "edited"})
    await world.until("an edited Secret is repaired", is_right)

    await world.change("PrometheusMetricsToken", "prometheus", name="A name of its own")
    await world.becomes("PrometheusMetricsToken", "prometheus", "Synced")
    renamed = await only(world, "PrometheusMetricsToken")
    assert (renamed["id"], renamed["name"], renamed["value"]) == (there["id"], "A name of its own", value)
    await world.sandbox.edit("prometheus-metrics-tokens", there["id"], name="drifted")

    async def name_is_back() -> bool:
        assert (await only(world, "PrometheusMetricsToken"))["name"] == "A name of its own"
        return True

    await world.until("the name comes back", name_is_back)

    await world.sandbox.vanish("prometheus-metrics-tokens", there["id"])

    async def another_value() -> bool:
        fresh = await only(world, "PrometheusMetricsToken")
        assert await world.secret("prometheus-metrics-token") == wanted | {"token": fresh["value"]}
        return True

    await world.until("a token that was deleted elsewhere is made again, and the Secret follows", another_value)
    fresh = (await only(world, "PrometheusMetricsToken"))["value"]
    log = world.operator.log_tail(1_000_000)
    shown = str(await world.get("PrometheusMetricsToken", "prometheus"))
    events = str(await world.cluster.list("events", world.namespace))
    for secret_value in (value, fresh):
        assert all(secret_value not in text for text in (log, shown, events))
    posts = await world.posts("prometheus-metrics-tokens")
    assert [post["body"] for post in posts] == [
        {"prometheus-metrics-token": {"name": name}} for name in ("prometheus", "A name of its own")
    ]
    await world.delete("PrometheusMetricsToken", "prometheus")
    assert await objects(world, "PrometheusMetricsToken") == []
    assert not await world.cluster.exists("Secret", "prometheus-metrics-token", world.namespace)


@fast
async def test_a_token_made_elsewhere_is_taken_over_with_its_value(world: World) -> None:
    await world.sandbox.create("prometheus-metrics-tokens", {"name": "prometheus", "value": "made-elsewhere"})
    there = await only(world, "PrometheusMetricsToken")
    await world.operator.start()
    await world.apply(with_powers(world, "metrics"), token(world))
    await world.becomes("PrometheusMetricsToken", "prometheus", "Stalled", reason="AlreadyExists")
    await world.apply(with_powers(world, "adopt"))
    await world.change("PrometheusMetricsToken", "prometheus", adoption="Required")
    await world.becomes("PrometheusMetricsToken", "prometheus", "Stalled", reason="Forbidden")
    assert not await world.cluster.exists("Secret", "prometheus-metrics-token", world.namespace)
    await world.apply(with_powers(world, "adopt", "metrics"))
    adopted = await world.becomes("PrometheusMetricsToken", "prometheus")
    assert adopted["status"]["id"] == there["id"]
    assert (await world.secret("prometheus-metrics-token"))["token"] == there["value"]


def example(name: str, world: World) -> list[Manifest]:
    """The example's objects in this world's namespaces, with its project."""
    found = list(yaml.safe_load_all((EXAMPLES / name).read_text()))
    namespaces = {"default": world.namespace, "managed-databases-system": world.system}
    for each in found:
        if each["kind"] == "DatabaseProject":
            each["metadata"]["name"] = world.project
            each["spec"]["credentialsSecretRef"] = {"name": "cloud"}
            each["spec"]["allowedNamespaces"][0]["name"] = world.namespace
            world.project_names.append(world.project)
        else:
            each["metadata"]["namespace"] = namespaces[each["metadata"]["namespace"]]
        if "projectRef" in each.get("spec", {}):
            each["spec"]["projectRef"]["name"] = world.project
    return found


@fast
@pytest.mark.parametrize("name", ["postgresql.yaml", "mysql.yaml", "redis.yaml", "kafka.yaml", "everything.yaml"])
async def test_an_example(world: World, name: str) -> None:
    objects_ = example(name, world)
    resources = [each for each in objects_ if each["kind"] in kinds()]
    await world.operator.start()
    if name != "everything.yaml":
        await world.apply(world.project_manifest())
    await world.apply(*objects_)
    for each in resources:
        await world.becomes(each["kind"], each["metadata"]["name"])
    mine = [each for each in resources if each["kind"] != "DatabaseProject"]
    for each in mine:
        if each["kind"] == "ManagedDatastore":
            await world.change("ManagedDatastore", each["metadata"]["name"], deletionProtection=False)
            await world.becomes("ManagedDatastore", each["metadata"]["name"], "Synced")
    await asyncio.gather(*(world.delete(each["kind"], each["metadata"]["name"]) for each in mine))
    for kind in {each["kind"] for each in mine}:
        assert await objects(world, kind) == [], kind


def test_everything_is_everything() -> None:
    whole = list(yaml.safe_load_all((EXAMPLES / "everything.yaml").read_text()))
    assert {each["kind"] for each in whole} >= set(kinds())
    for name in ("postgresql.yaml", "mysql.yaml", "redis.yaml", "kafka.yaml"):
        for each in yaml.safe_load_all((EXAMPLES / name).read_text()):
            assert each in whole, f"{name}: {each['metadata']['name']}"


LEFT_OUT = {"flavor.id", "endpoint", "identityURL", "restore.targetTime", "projectRef.name"}
"""The head of the example says so; references by id, which take a projectRef, or to another namespace besides."""


@pytest.mark.parametrize("kind", kinds().values(), ids=kinds())
def test_everything_has_every_option(kind: Kind) -> None:
    whole = yaml.safe_load_all((EXAMPLES / "everything.yaml").read_text())
    used = {path for each in whole if each["kind"] == kind.name for path in paths_in(each["spec"])}
    schema = custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    missing = {*paths_of(schema["properties"]["spec"])} - used
    assert {path for path in missing if not re.search(r"Ref\.(id|namespace)$|^databases\.id$", path)} <= LEFT_OUT


def paths_of(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field that has no fields of its own; those of a list's items stand for the list."""
    schema = schema.get("items", schema)
    for name, field in schema.get("properties", {}).items():
        yield from paths_of(field, f"{path}.{name}".lstrip("."))
    if "properties" not in schema:
        yield path


def paths_in(value: object, path: str = "") -> Iterator[str]:
    """The same of a value, with what is above, as a map may be a field without fields."""
    yield path
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            for name, field in each.items():
                yield from paths_in(field, f"{path}.{name}".lstrip("."))
