"""A user whose password a person gives in a Secret, and whether its own Secret opens."""

from base64 import b64encode

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import manifest
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, begin_with_datastore

MAIN, _, APP = KEYS[:3]
GIVEN, MINE, PENDING = (ResourceKey(SECRET, NAMESPACE, name) for name in ("given", "app-user", "app-user-pending"))
FIRST, WEAK, GOOD = "first-password-1", "weak", "A-very-good-password-2"
BYTES = b"\xff\xfe\x80secret-bytes"
SOON, HOUR = 60, 3600


def write(world: VirtualWorld, secret: ResourceKey, name: str, value: str | bytes) -> None:
    """By other hands."""
    told = value if isinstance(value, bytes) else value.encode()
    world.cluster.objects[secret]["data"][name] = b64encode(told).decode()
    world.cluster._changed(secret)


async def begin_with_given(world: VirtualWorld, password: str = FIRST) -> None:
    await begin_with_datastore(world)
    world.put_secret(NAMESPACE, GIVEN.name, {"password": password})
    spec = IN_MAIN | {"passwordSecretRef": {"name": GIVEN.name, "key": "password"}}
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
    await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")


async def opens(world: VirtualWorld) -> bool:
    """Whether one can log in with what is in the Secret."""
    secret = world.secret(MINE.name)
    identity = world.get(APP)["status"]["identity"]
    return bool(await world.login(identity["datastoreID"], "app", secret["password"]))
