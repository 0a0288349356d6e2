"""Resources of every kind in one namespace, and what must hold of them whatever happened to the operator."""

from typing import Any

from cluster import Manifest
from kind_examples import examples_beside
from kube.kind_tests import told_by_kind_tests
from managed_databases.kinds.registry import cloud_kinds, kinds
from stories.world import World, condition, manifest

REDIS_FLAVOR = "RS1.2-4096-40"
COLLECTIONS = {name: kind.collection.name for name, kind in cloud_kinds(kinds()).items()}
CHANGE: dict[str, dict[str, Any]] = dict(told_by_kind_tests("CHANGE"))
"""What people change in the spec of the kind's first resource."""
_AS_HERE = {"postgresql": "main", "kafka": "broker", "orders": "shop", "reports": "reader"}
"""How what the examples refer to is called here."""
_USERS = {"app": "main", "reader": "main", "producer": "broker"}
_DIFFERS = frozenset({"id", "created_at", "updated_at", "creation_finished_at", "connection", "instances", "value"})
_REFERENCES = frozenset({"datastore_id", "database_id", "user_id", "owner_id"})


def resources(world: World, **spec: Any) -> list[Manifest]:
    """Children before parents; `spec` is in each of them."""
    in_shop = {"datastoreRef": {"name": "main"}, "databaseRef": {"name": "shop"}}
    in_broker = {"datastoreRef": {"name": "broker"}}
    told: list[tuple[str, str, dict[str, Any]]] = [
        ("LogicalReplicationSlot", "warehouse", in_shop),
        ("DatabaseExtension", "earthdistance", in_shop | {"extension": "earthdistance"}),
        ("DatabaseExtension", "cube", in_shop | {"extension": "cube"}),
        ("DatabaseGrant", "reader-in-shop", in_shop | {"userRef": {"name": "reader"}}),
        ("ManagedDatabase", "shop", {"datastoreRef": {"name": "main"}, "ownerRef": {"name": "app"}}),
        ("DatabaseUser", "app", {"datastoreRef": {"name": "main"}}),
        ("DatabaseUser", "reader", {"datastoreRef": {"name": "main"}, "passwordSecretRef": given("reader")}),
        ("KafkaACL", "producer-writes", in_broker | writes()),
        ("KafkaTopic", "orders", in_broker | {"partitions": 3}),
        ("DatabaseUser", "producer", in_broker),
        ("PrometheusMetricsToken", "prometheus", {}),
    ]
    told[:0] = examples_beside({"ManagedDatastore", *(kind for kind, _, _ in told)}, _AS_HERE)
    return [
        *(manifest(kind, name, world.namespace, own | spec) for kind, name, own in told),
        world.datastore(**spec),
        world.datastore("broker", engine={"type": "kafka", "version": "3.6"}, **spec),
        world.datastore("cache", engine={"type": "redis", "version": "7"}, flavor={"name": REDIS_FLAVOR}, **spec),
    ]


def first_of(world: World, kind: str) -> str:
    """The name of the kind's first resource."""
    return next(str(each["metadata"]["name"]) for each in resources(world) if each["kind"] == kind)


def given(key: str) -> dict[str, str]:
    return {"name": "given", "key": key}


def writes() -> dict[str, Any]:
    return {"userRef": {"name": "producer"}, "patternType": "literal", "pattern": "orders", "allowWrite": True}


async def give(world: World, **passwords: str) -> None:
    """The Secret from which people give passwords."""
    await world.put_secret(
        world.namespace, "given", {"reader": "given-first", "cache": "given-redis"} | passwords, is_given=True
    )


def project(world: World) -> Manifest:
    powers = ["adopt", "metrics"]
    return world.project_manifest(allowedNamespaces=[{"name": world.namespace, "powers": powers}])


async def all_is_in_sync(world: World) -> None:
    """Raises AssertionError, with all that is not, until each resource says that it is Ready, and that the cloud matches its
    newest spec.
    """
    not_yet = {}
    for each in resources(world):
        resource = await world.get(each["kind"], each["metadata"]["name"])
        for type_, status in (("Ready", "True"), ("Synced", "True"), ("Reconciling", "False"), ("Stalled", "False")):
            found = condition(resource, type_)
            if (found.get("status"), found.get("observedGeneration")) != (status, resource["metadata"]["generation"]):
                not_yet[f"{each['kind']} {each['metadata']['name']}"] = resource.get("status")
    assert not not_yet, not_yet
    for secret in await world.cluster.list("secrets", world.namespace):
        assert not secret["metadata"]["name"].endswith("-pending"), secret["metadata"]["name"]


async def every_password_is_right(world: World) -> None:
    """Each Secret opens what it is for."""
    for user in _USERS:
        assert await world.login_works(user), f"the Secret of {user} opens nothing"
    datastore = (await world.get("ManagedDatastore", "cache"))["status"]["id"]
    password = (await world.secret("cache-redis"))["password"]
    assert await world.sandbox.login(datastore, "", password), "the Secret of the Redis opens nothing"
    (token,) = await world.sandbox.objects("prometheus-metrics-tokens")
    assert (await world.secret("prometheus-metrics-token"))["token"] == token["value"]


async def nobody_is_locked_out(world: World) -> None:
    """While no operator runs: a user with a Secret may log in with its password, or with the pending one."""
    for user in await world.sandbox.objects("users"):
        if not await world.cluster.exists("Secret", f"{user['name']}-user", world.namespace):
            continue  # people deleted it, and the password with it

        async def opens(user: dict[str, Any] = user) -> bool:
            for name in (f"{user['name']}-user", f"{user['name']}-user-pending"):
                if await world.cluster.exists("Secret", name, world.namespace):
                    password = (await world.secret(name)).get("password", "")
                    if await world.sandbox.login(user["datastore_id"], user["name"], password):
                        return True
            return False

        await world.until(f"{user['name']} may log in", opens)


async def nothing_is_left(world: World) -> None:
    """Raises AssertionError until neither resources nor Secrets of ours nor cloud objects are there."""
    for kind, collection in COLLECTIONS.items():
        left = [each["metadata"]["name"] for each in await world.cluster.list(kind, world.namespace)]
        assert not left, (kind, left)
        assert not await world.sandbox.objects(collection), collection
    secrets = {each["metadata"]["name"] for each in await world.cluster.list("secrets", world.namespace)}
    assert secrets == {"given"}, secrets


async def cloud(world: World) -> dict[str, list[Any]]:
    """All cloud objects without what differs from run to run, references by name; sorted."""
    names: dict[str, str] = {}
    found = {collection: await world.sandbox.objects(collection) for collection in COLLECTIONS.values()}
    for rows in found.values():
        names |= {row["id"]: row["name"] for row in rows if "name" in row}
    return {collection: sorted((_shown(row, names) for row in rows), key=repr) for collection, rows in found.items()}


def _shown(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    shown = {field: value for field, value in sorted(row.items()) if field not in _DIFFERS}
    shown |= {field: names.get(value) for field, value in shown.items() if field in _REFERENCES}
    if "instances" in row:
        shown["roles"] = [(each["role"], each["floating_ip"] is not None) for each in row["instances"]]
        shown["security_groups"] = len(row["security_groups"])
    return shown
