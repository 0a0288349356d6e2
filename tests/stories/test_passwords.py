"""The Secret that applications live on always opens the database, whatever happens to it or to the operator."""

import base64
import re
from typing import Any

import pytest

from cluster import Manifest
from kubernetes_proxy import KubernetesProxy
from managed_databases.reconcile.ports import MANAGED_LABEL
from stories.kill_points import EFFECT_COMES, EFFECT_WAS, QUICK, InKubernetes, InTheCloud, Point, through_a_proxy
from stories.world import World

SOON = {"settings": QUICK | {"resync_seconds": 2}}
NEVER_BY_TIME = {"settings": QUICK | {"resync_seconds": 3600}}
REDIS = {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.1-1024-10"}}
OWN = {"name": "own", "key": "password"}

never_by_time = pytest.mark.parametrize("world", [NEVER_BY_TIME], indirect=True, ids=["never by time"])
soon = pytest.mark.parametrize("world", [SOON], indirect=True, ids=["soon"])

ROTATION: dict[str, Point] = {
    "after the pending Secret": InKubernetes("POST", "secrets$", "app-user-pending", "after"),
    "before the effect": InTheCloud("PUT", "/users/", EFFECT_COMES),
    "after the effect": InTheCloud("PUT", "/users/", EFFECT_WAS),
    "before the switch": InKubernetes("PATCH", "secrets/app-user$", "", "before"),
    "after the switch": InKubernetes("DELETE", "secrets/app-user-pending$", "", "before"),
}


@never_by_time
async def test_a_generated_password_is_kept_and_repaired(world: World) -> None:
    await make_user(world)
    first = await world.secret("app-user")
    assert re.fullmatch("[A-Za-z0-9]{32}", first["password"])
    before = await secret_version(world, "app-user")
    await world.annotate("DatabaseUser", "app", sync_requested="look")
    await until_handled(world, "DatabaseUser", "app", "look")
    assert await secret_version(world, "app-user") == before
    assert await world.calls("PUT", "/users/") == []

    await patch_secret(world, "app-user", {"stringData": {"host": "elsewhere"}})
    assert (await until_secret(world, "app-user", host=first["host"]))["password"] == first["password"]
    assert await world.calls("PUT", "/users/") == []

    await world.cluster.delete("Secret", "app-user", world.namespace)
    second = await until_another_password(world, "app-user", first["password"])
    assert not await login(world, first["password"])
    await until_event(world, "app", "PasswordReset")

    await patch_secret(world, "app-user", {"stringData": {"password": ""}})
    third = await until_another_password(world, "app-user", "", second["password"])
    await patch_secret(world, "app-user", {"data": {"password": None}})
    fourth = await until_another_password(world, "app-user", third["password"])
    await patch_secret(world, "app-user", {"stringData": {"password": "edited"}})
    await until_another_password(world, "app-user", "edited", fourth["password"])
    assert not await login(world, "edited")
    assert len(await world.calls("PUT", "/users/")) == 4

    await patch_secret(world, "app-user", {"metadata": {"labels": {MANAGED_LABEL: None}}})

    async def is_watched_again() -> bool:
        return bool((await secret_labels(world, "app-user")).get(MANAGED_LABEL))

    await world.until("the Secret is watched again", is_watched_again)
    assert len(await world.calls("PUT", "/users/")) == 4


@never_by_time
async def test_a_given_password_is_set_and_rotated(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user(passwordSecretRef=OWN))
    await world.becomes("DatabaseUser", "app", status="False", reason="SecretMissing")
    assert await world.posts("users") == []
    await give(world, "first password: 'quoted' @/:\"", is_watched=True)
    await world.becomes("DatabaseUser", "app")
    assert (await world.secret("app-user"))["password"] == "first password: 'quoted' @/:\""
    assert await world.login_works()

    await world.sandbox.fault(method="PUT", path="/users/", times=1, delay_seconds=1)
    await give(world, "second", is_watched=True)
    pending = await until_secret(world, "app-user-pending", password="second")
    assert pending == {"password": "second"}
    assert await world.login_works(), "until the cloud has the new password the Secret has the old one"
    await until_password(world, "second")
    assert not await login(world, "first password: 'quoted' @/:\"")
    assert len(await world.calls("PUT", "/users/")) == 1
    await world.becomes("DatabaseUser", "app")

    await world.change("DatabaseUser", "app", passwordSecretRef=None)
    await world.becomes("DatabaseUser", "app")
    assert (await world.secret("app-user"))["password"] == "second", "no longer given: it stays as it is"
    assert len(await world.calls("PUT", "/users/")) == 1


@soon
async def test_a_secret_that_is_not_watched_is_seen_by_the_resync(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user(passwordSecretRef=OWN))
    await world.becomes("DatabaseUser", "app", status="False", reason="SecretMissing")
    await world.put_secret(world.namespace, "own", {"other": "x"})
    await give(world, "first")
    await world.becomes("DatabaseUser", "app")
    await give(world, "second")
    await until_password(world, "second")
    await world.cluster.delete("Secret", "own", world.namespace)
    user = await world.becomes("DatabaseUser", "app", "Synced", "False", "SecretMissing")
    assert "own" in str(user["status"]["conditions"])
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()


@soon
async def test_a_foreign_secret_is_never_touched(world: World) -> None:
    await world.put_secret(world.namespace, "app-user", {"password": "of somebody else"})
    before = await secret_version(world, "app-user")
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.apply(world.user("holder", secretName="shared"))
    await world.becomes("DatabaseUser", "holder")
    await world.apply(world.user("late", secretName="shared"))
    for name, secret in (("app", "app-user"), ("late", "shared")):
        user = await world.becomes("DatabaseUser", name, "Stalled", "True", "SecretConflict")
        message = next(each["message"] for each in user["status"]["conditions"] if each["type"] == "Stalled")
        assert secret in message
        assert "remove that Secret" in message
    assert len(await world.posts("users")) == 1
    assert await secret_version(world, "app-user") == before

    await world.cluster.delete("Secret", "app-user", world.namespace)
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()
    await world.delete("DatabaseUser", "holder")
    await world.becomes("DatabaseUser", "late")
    assert await world.login_works("late", "shared")

    await world.put_secret(world.namespace, "app-user-pending", {"password": "of somebody else"})
    before = await secret_version(world, "app-user-pending")
    await give(world, "new")
    await world.change("DatabaseUser", "app", passwordSecretRef=OWN)
    await world.becomes("DatabaseUser", "app", "Stalled", "True", "SecretConflict")
    assert await secret_version(world, "app-user-pending") == before
    assert await world.login_works()
    await world.cluster.delete("Secret", "app-user-pending", world.namespace)
    await until_password(world, "new")


@never_by_time
async def test_a_pending_secret_emptied_by_hand_is_replaced(world: World) -> None:
    await make_user(world)
    # The change stands still: the cloud refuses it for as long as the fault is there.
    await world.sandbox.fault(method="PUT", path="/users/", status=503)
    await give(world, "new", is_watched=True)
    await world.change("DatabaseUser", "app", passwordSecretRef=OWN)
    await until_secret(world, "app-user-pending", password="new")
    await patch_secret(world, "app-user-pending", {"data": {"password": None}})
    await world.sandbox.clear_faults()
    await until_password(world, "new")


@pytest.mark.parametrize("world", [{"settings": QUICK}], indirect=True, ids=["quick"])
@pytest.mark.parametrize("point", ROTATION.values(), ids=ROTATION.keys())
async def test_killed_while_a_password_changes(world: World, point: Point) -> None:
    async with through_a_proxy(world) as proxy:
        await kill_while_a_password_changes(world, proxy, point)


async def kill_while_a_password_changes(world: World, proxy: KubernetesProxy, point: Point) -> None:
    await make_user(world)
    await give(world, "new", is_watched=True)

    async def begin() -> None:
        await world.change("DatabaseUser", "app", passwordSecretRef=OWN)

    await point.reach(world, proxy, begin)
    await world.operator.kill()
    known = [await world.secret("app-user"), await world.secret("app-user-pending")]

    async def one_of_the_two_opens() -> bool:
        return any([await login(world, secret["password"]) for secret in known])

    await world.until("one of the two Secrets opens the database", one_of_the_two_opens)
    await world.operator.start()
    await until_password(world, "new")
    await world.becomes("DatabaseUser", "app")
    await world.becomes("DatabaseUser", "app", "Synced")


@never_by_time
async def test_the_password_of_redis(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore("cache", **REDIS))
    datastore = await world.becomes("ManagedDatastore", "cache")
    assert datastore["status"]["binding"] == {"name": "cache-redis"}
    first = await world.secret("cache-redis")
    assert await redis_login(world, first["password"])
    assert first["type"] == "redis"
    assert first["uri"] == f"rediss://default:{first['password']}@{first['host']}:6380"

    await give(world, "second", is_watched=True)
    await world.change("ManagedDatastore", "cache", redis={"passwordSecretRef": OWN})
    await until_secret(world, "cache-redis", password="second")
    assert await redis_login(world, "second")
    assert not await redis_login(world, first["password"])
    assert len(await world.calls("PUT", "/password")) == 1
    await until_gone(world, "cache-redis-pending")

    await world.change("ManagedDatastore", "cache", redis=None)
    await world.cluster.delete("Secret", "cache-redis", world.namespace)
    third = await until_another_password(world, "cache-redis", "second", is_redis=True)
    assert await redis_login(world, third["password"])
    await until_event(world, "cache", "PasswordReset")
    await world.becomes("ManagedDatastore", "cache")
    assert len(await world.sandbox.objects("datastores")) == 1


@never_by_time
async def test_secrets_are_complete(world: World) -> None:
    await world.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "provider", "namespace": world.system},
            "data": {"root.pem": "the provider's certificate"},
        }
    )
    await world.operator.start()
    small: dict[str, Any] = {"vcpus": 2, "ramMB": 4096, "diskGB": 32}
    kafka: dict[str, Any] = {"engine": {"type": "kafka", "version": "3.6"}, "flavor": small}
    mysql: dict[str, Any] = {"engine": {"type": "mysql_native", "version": "8"}, "flavor": small, "nodeCount": 2}
    await world.apply(
        world.project_manifest(caCertificate={"name": "provider", "key": "root.pem"}),
        world.datastore(nodeCount=2, pooler={"mode": "transaction", "size": 10}),
        world.database(),
        world.user(databaseRef={"name": "shop"}),
        world.datastore("mysql", **mysql),
        world.user("reader", datastoreRef={"name": "mysql"}),
        world.datastore("kafka", **kafka),
        world.user("producer", datastoreRef={"name": "kafka"}),
    )
    for name in ("app", "reader", "producer"):
        await world.becomes("DatabaseUser", name)
        await world.becomes("DatabaseUser", name, "Synced")
    await world.becomes("ManagedDatabase", "shop")
    usual = {"provider": "managed-databases", "ca.crt": "the provider's certificate"}

    secret, id_ = await world.secret("app-user"), await datastore_id(world, "main")
    password = secret.pop("password")
    master, replica = await hosts(world, id_)
    assert secret == usual | {
        "type": "postgresql",
        "host": master,
        "port": "5432",
        "username": "app",
        "database": "shop",
        "sslmode": "require",
        "hosts": f"{master},{replica}",
        "read-only-host": replica,
        "pooler-port": "5433",
        "uri": f"postgresql://app:{password}@{master}:5432/shop?sslmode=require",
    }

    secret, id_ = await world.secret("reader-user"), await datastore_id(world, "mysql")
    password = secret.pop("password")
    master, replica = await hosts(world, id_)
    assert secret == usual | {
        "type": "mysql",
        "host": master,
        "port": "3306",
        "username": "reader",
        "hosts": f"{master},{replica}",
        "read-only-host": replica,
        "uri": f"mysql://reader:{password}@{master}:3306",
    }

    secret, id_ = await world.secret("producer-user"), await datastore_id(world, "kafka")
    password = secret.pop("password")
    (master,) = await hosts(world, id_)
    assert secret == usual | {
        "type": "kafka",
        "host": master,
        "port": "9093",
        "username": "producer",
        "bootstrap-servers": f"{master}:9093",
        "security-protocol": "SASL_SSL",
        "sasl-mechanism": "SCRAM-SHA-512",
        "jaas-config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="producer" password="{password}";',
    }
    for name, type_ in (("app", "postgresql"), ("reader", "mysql"), ("producer", "kafka")):
        kept = await world.cluster.get("Secret", f"{name}-user", world.namespace)
        assert kept["type"] == f"servicebinding.io/{type_}"
        assert (await world.get("DatabaseUser", name))["status"]["binding"] == {"name": f"{name}-user"}


# --- doing ---


async def make_user(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()


async def give(world: World, password: str, *, is_watched: bool = False) -> None:
    """Put a password of one's own into the Secret `own`; watched: with the label by which its change counts at once."""
    await world.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "own",
                "namespace": world.namespace,
                "labels": {MANAGED_LABEL: "true"} if is_watched else {},
            },
            "data": {"password": base64.b64encode(password.encode()).decode()},
        }
    )


async def patch_secret(world: World, name: str, patch: Manifest) -> None:
    await world.cluster.patch("Secret", name, world.namespace, patch)


# --- seeing ---


async def secret_version(world: World, name: str) -> str:
    return str((await world.cluster.get("Secret", name, world.namespace))["metadata"]["resourceVersion"])


async def secret_labels(world: World, name: str) -> dict[str, str]:
    found: dict[str, str] = (await world.cluster.get("Secret", name, world.namespace))["metadata"].get("labels", {})
    return found


async def until_secret(world: World, name: str, **values: str) -> dict[str, str]:
    async def has_them() -> dict[str, str]:
        secret = await world.secret(name)
        assert secret.items() >= values.items(), secret.keys()
        return secret

    found: dict[str, str] = await world.until(f"the Secret {name} has {values}", has_them)
    return found


async def until_gone(world: World, name: str) -> None:
    async def is_gone() -> bool:
        return not await world.cluster.exists("Secret", name, world.namespace)

    await world.until(f"the Secret {name} is gone", is_gone)


async def until_password(world: World, password: str) -> None:
    """The user's Secret has this password, it opens the database, and nothing is pending."""
    await until_secret(world, "app-user", password=password)
    await until_gone(world, "app-user-pending")
    assert await login(world, password)


async def until_another_password(world: World, name: str, *old: str, is_redis: bool = False) -> dict[str, str]:
    """The Secret has a password that is none of the old ones, that opens the database, and nothing is pending."""

    async def is_another() -> dict[str, str]:
        secret = await world.secret(name)
        assert secret.get("password", "") not in ("", *old), secret.keys()
        return secret

    found: dict[str, str] = await world.until(f"another password in the Secret {name}", is_another)
    await until_gone(world, f"{name}-pending")
    assert await (redis_login if is_redis else login)(world, found["password"])
    return found


async def until_event(world: World, name: str, reason: str) -> None:
    async def is_posted() -> bool:
        events = await world.cluster.list("events", world.namespace)
        return any(
            event["involvedObject"]["name"] == name and event["reason"] == reason and event["type"] == "Warning"
            for event in events
        )

    await world.until(f"a Warning {reason} of {name}", is_posted)


async def until_handled(world: World, kind: str, name: str, token: str) -> None:
    async def is_echoed() -> bool:
        return bool((await world.get(kind, name))["status"].get("lastHandledSyncRequest") == token)

    await world.until(f"{kind} {name} echoes {token}", is_echoed)


async def datastore_id(world: World, name: str = "main") -> str:
    return str((await world.get("ManagedDatastore", name))["status"]["id"])


async def hosts(world: World, id_: str) -> list[str]:
    """The master's first."""
    (datastore,) = [each for each in await world.sandbox.objects("datastores") if each["id"] == id_]
    by_role = {role.lower(): host for role, host in datastore["connection"].items()}
    return [host for _, host in sorted(by_role.items())]


async def login(world: World, password: str) -> bool:
    return await world.sandbox.login(await datastore_id(world), "app", password)


async def redis_login(world: World, password: str) -> bool:
    return await world.sandbox.login(await datastore_id(world, "cache"), "", password)
