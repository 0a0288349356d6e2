"""A user whose Secret is copied, into its own namespace and into another one that lets it in."""

from collections.abc import Callable
from typing import Any

from managed_databases.kinds.credentials_spec import ALLOWED, COPIES_FROM
from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, begin_with_datastore

MAIN, _, APP = KEYS[:3]
OTHER = "web"
LETS_IN = {f"{COPIES_FROM}/{NAMESPACE}": ALLOWED}
MINE = ResourceKey(SECRET, NAMESPACE, "app-user")
NEAR, FAR = ResourceKey(SECRET, NAMESPACE, "near"), ResourceKey(SECRET, OTHER, "far")
COPIES: list[dict[str, Any]] = [
    {"name": NEAR.name, "presets": ["rails"]},
    {"name": FAR.name, "namespace": OTHER, "labels": {"team": "web"}},
]
SOON, HOUR = 60, 3600


def data(world: VirtualWorld, key: ResourceKey) -> dict[str, str]:
    return world.secret_in(key.namespace, key.name)


def password(world: VirtualWorld, key: ResourceKey) -> str:
    return data(world, key)["password"]


def told(world: VirtualWorld) -> str:
    return str(condition(world.get(APP), "CopiesIncomplete").get("message", ""))


def names(world: VirtualWorld) -> list[str]:
    return list(world.get(APP)["status"].get("copies", []))


def is_there(world: VirtualWorld, *keys: ResourceKey) -> bool:
    """Whether these copies have the login of the credentials Secret."""
    mine = data(world, MINE)
    login = ("username", "password", "uri")
    return all({key: data(world, copy).get(key) for key in login} == {key: mine[key] for key in login} for copy in keys)


def ask_for(world: VirtualWorld, *copies: dict[str, Any], **spec: Any) -> None:
    world.cluster.change(APP, credentials={"copies": list(copies)}, **spec)


async def begin(
    world: VirtualWorld, *copies: dict[str, Any], labels: dict[str, str] | None = None, **spec: Any
) -> None:
    """The user is there, and asks for the copies; the other namespace is there, and lets them in."""
    world.label_namespace(OTHER, LETS_IN if labels is None else labels)
    await begin_with_datastore(world)
    credentials = {"credentials": {"copies": list(copies)}} if copies else {}
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | credentials | spec))
    is_done = ("True", "False")
    await world.until(
        "the user is there", lambda: (world.says(APP, "Ready")[0], world.says(APP, "Reconciling")[0]) == is_done
    )


async def with_copies(world: VirtualWorld, **spec: Any) -> None:
    await begin(world, *COPIES, **spec)
    await world.until("the copies are there", lambda: is_there(world, NEAR, FAR), SOON)


def asked(world: VirtualWorld, about: Callable[[str, str], bool]) -> list[tuple[str, str]]:
    """Count from now on the requests of the operator that are so."""
    requests: list[tuple[str, str]] = []

    def note(method: str, path: str) -> None:
        if about(method, path):
            requests.append((method, path))

    world.cluster.refuses = note
    return requests


def of_copies(_: str, path: str) -> bool:
    return path.endswith((f"/secrets/{NEAR.name}", f"/secrets/{FAR.name}")) or f"/namespaces/{OTHER}/" in path
