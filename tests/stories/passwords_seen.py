"""Changes of Secrets, and looks at them, for stories about passwords."""

import base64

from cluster import Manifest
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL
from stories.world import World

# --- doing ---


async def make_user(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()


async def give(world: World, password: str, *, is_labelled: bool = True) -> None:
    """Put a password of one's own into the Secret `own`; with the label that says so it may be given to resources."""
    await world.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "own",
                "namespace": world.namespace,
                "labels": {MANAGED_LABEL: GIVEN} if is_labelled else {},
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


async def login(world: World, password: str) -> bool:
    return await world.sandbox.login(await datastore_id(world), "app", password)


async def redis_login(world: World, password: str) -> bool:
    return await world.sandbox.login(await datastore_id(world, "cache"), "", password)
