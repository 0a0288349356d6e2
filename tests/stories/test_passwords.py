"""The Secret that applications use always opens the database, whatever happens to the Secret or to the operator."""

import re

import pytest

from kubernetes_proxy import KubernetesProxy
from managed_databases.reconcile.ports import MANAGED_LABEL
from stories.kill_points import (
    HELD_AFTER,
    HELD_BEFORE,
    PATIENT,
    QUICK,
    InKubernetes,
    InTheCloud,
    Point,
    through_a_proxy,
)
from stories.passwords_seen import (
    give,
    login,
    make_user,
    patch_secret,
    redis_login,
    secret_labels,
    secret_version,
    until_another_password,
    until_event,
    until_gone,
    until_handled,
    until_password,
    until_secret,
)
from stories.world import World, condition

SOON = {"settings": QUICK | {"resync_seconds": 2}}
NEVER_BY_TIME = {"settings": QUICK | {"resync_seconds": 3600}}
REDIS = {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.1-1024-10"}}
OWN = {"name": "own", "key": "password"}

never_by_time = pytest.mark.parametrize("world", [NEVER_BY_TIME], indirect=True, ids=["never by time"])
patient = pytest.mark.parametrize(
    "world", [{"settings": PATIENT | {"resync_seconds": 3600}}], indirect=True, ids=["patient"]
)
soon = pytest.mark.parametrize("world", [SOON], indirect=True, ids=["soon"])

ROTATION: dict[str, Point] = {
    "after the pending Secret": InKubernetes("POST", "secrets$", "app-user-pending", "after"),
    "before the effect": InTheCloud("PUT", "/users/", HELD_BEFORE),
    "after the effect": InTheCloud("PUT", "/users/", HELD_AFTER),
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


@patient
async def test_a_given_password_is_set_and_rotated(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user(passwordSecretRef=OWN))
    await world.becomes("DatabaseUser", "app", status="False", reason="SecretMissing")
    assert await world.posts("users") == []
    await give(world, "first password: 'quoted' @/:\"")
    await world.becomes("DatabaseUser", "app")
    assert (await world.secret("app-user"))["password"] == "first password: 'quoted' @/:\""
    assert await world.login_works()

    await world.sandbox.fault(method="PUT", path="/users/", held=True)
    await give(world, "second")
    pending = await until_secret(world, "app-user-pending", password="second")
    assert pending == {"password": "second"}
    assert await world.login_works(), "until the cloud has the new password the Secret has the old one"
    await world.sandbox.clear_faults()
    await until_password(world, "second")
    assert not await login(world, "first password: 'quoted' @/:\"")
    assert len(await world.calls("PUT", "/users/")) == 1
    await world.becomes("DatabaseUser", "app")

    await world.change("DatabaseUser", "app", passwordSecretRef=None)
    await world.becomes("DatabaseUser", "app")
    assert (await world.secret("app-user"))["password"] == "second", "no longer given: it stays as it is"
    assert len(await world.calls("PUT", "/users/")) == 1


@soon
async def test_a_given_secret_without_its_label_or_key_is_as_if_there_were_none(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user(passwordSecretRef=OWN))
    await world.becomes("DatabaseUser", "app", status="False", reason="SecretMissing")
    await world.put_secret(world.namespace, "own", {"other": "x"}, is_given=True)
    await give(world, "first", is_labelled=False)
    await world.annotate("DatabaseUser", "app", sync_requested="unlabelled")

    async def is_looked_at() -> bool:
        user = await world.get("DatabaseUser", "app")
        assert user["status"].get("lastHandledSyncRequest") == "unlabelled"
        return bool(condition(user, "Ready")["reason"] == "SecretMissing")

    await world.until("it is looked at", is_looked_at)
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
async def test_a_secret_of_our_own_that_no_watch_shows_is_taken_as_it_is(world: World) -> None:
    """Somebody took its label and its password away before the user was made."""
    await world.operator.start()
    await world.apply(world.user())
    waiting = await world.becomes("DatabaseUser", "app", "Ready", "False")
    owner = {"manageddatabases.io/owner-uid": waiting["metadata"]["uid"]}
    metadata = {"name": "app-user", "namespace": world.namespace, "annotations": owner}
    await world.cluster.apply(
        {"apiVersion": "v1", "kind": "Secret", "type": "servicebinding.io/postgresql", "metadata": metadata}
    )
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("DatabaseUser", "app")
    assert len(await world.sandbox.objects("users")) == 1
    assert await world.login_works()
    assert (await secret_labels(world, "app-user"))[MANAGED_LABEL] == "true"


@never_by_time
async def test_a_pending_secret_emptied_by_hand_is_replaced(world: World) -> None:
    await make_user(world)
    # The change stands still: the cloud refuses it for as long as the fault is there.
    await world.sandbox.fault(method="PUT", path="/users/", status=503)
    await give(world, "new")
    await world.change("DatabaseUser", "app", passwordSecretRef=OWN)
    await until_secret(world, "app-user-pending", password="new")
    await patch_secret(world, "app-user-pending", {"data": {"password": None}})
    await world.sandbox.clear_faults()
    await until_password(world, "new")


@pytest.mark.parametrize("world", [{"settings": PATIENT}], indirect=True, ids=["patient"])
@pytest.mark.parametrize("point", ROTATION.values(), ids=ROTATION.keys())
async def test_killed_while_a_password_changes(world: World, point: Point) -> None:
    async with through_a_proxy(world) as proxy:
        await kill_while_a_password_changes(world, proxy, point)


async def kill_while_a_password_changes(world: World, proxy: KubernetesProxy, point: Point) -> None:
    await make_user(world)
    await give(world, "new")

    async def begin() -> None:
        await world.change("DatabaseUser", "app", passwordSecretRef=OWN)

    await point.reach(world, proxy, begin)
    await world.operator.kill()
    await world.sandbox.clear_faults()
    known = [await world.secret("app-user"), await world.secret("app-user-pending")]

    async def one_of_the_two_opens() -> bool:
        return any([await login(world, secret["password"]) for secret in known])

    await world.until("one of the two Secrets opens the database", one_of_the_two_opens)
    await world.operator.start(**QUICK)
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

    await give(world, "second")
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
