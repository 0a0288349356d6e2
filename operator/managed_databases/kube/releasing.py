"""Lets go of resources without an operator: removes the operator's finalizer from them, and makes no call to the cloud."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import FINALIZER, GROUP, VERSION
from managed_databases.kube.connection import MERGE_PATCH, KubeConnection
from managed_databases.kube.leadership import LEASE_NAME
from managed_databases.kube.paged_list import pages_of
from managed_databases.kube.watched_collections import collection_path, object_path
from managed_databases.reconcile.ports import NotThere, WriteConflict

PAGE: Final = 500
TRIES: Final = 5
LOOK_SECONDS: Final = 1.0
USUAL_LEASE_SECONDS: Final = 15


@dataclass(frozen=True)
class Held:
    """A resource with the operator's finalizer. `cloud_id` is "" if the resource holds no cloud object."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    is_deleting: bool
    cloud_id: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        return object_path(GROUP, VERSION, self.kind.plural, self.namespace or None, self.name)


async def held_resources(
    connection: KubeConnection, kinds: Collection[Kind], namespace: str | None
) -> AsyncIterator[Held]:
    """Return every resource with the operator's finalizer, in one namespace or in all. A kind without a CRD has none.

    Raises KubeError.
    """
    for kind in kinds:
        path = collection_path(GROUP, VERSION, kind.plural, namespace if kind.namespaced else None)
        with suppress(NotThere):
            async for page in pages_of(connection, path, size=PAGE):
                for raw in page["items"]:
                    if FINALIZER in (raw["metadata"].get("finalizers") or ()):
                        yield _held(kind, raw)


async def release(connection: KubeConnection, held: Held) -> bool:
    """Remove the operator's finalizer from exactly this resource; return whether it still had it. Raises KubeError."""
    for tries_left in reversed(range(TRIES)):
        try:
            raw = await connection.request("GET", held.path)
            metadata = raw["metadata"]
            finalizers = metadata.get("finalizers") or []
            if metadata["uid"] != held.uid or FINALIZER not in finalizers:
                return False
            left = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
            body = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": left}}
            await connection.request("PATCH", held.path, body=body, content_type=MERGE_PATCH)
        except NotThere:
            return False
        except WriteConflict:
            if not tries_left:
                raise
        else:
            return True
    raise AssertionError("unreachable")


async def running_operator(connection: KubeConnection, say: Callable[[str], None]) -> str | None:
    """Return the holder of an operator's Lease that is still renewed; None if there is none. Raises KubeError.

    No clock of another machine is read: a Lease with a holder is watched for its whole duration.
    """
    selected = {"fieldSelector": f"metadata.name={LEASE_NAME}"}
    path = "/apis/coordination.k8s.io/v1/leases"
    first = _versions_of_held(await connection.request("GET", path, query=selected))
    if not first:
        return None
    seconds = max(lasts for _, _, lasts in first.values())
    say(f"looking for up to {seconds} s whether the operator still runs")
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() <= until:
        await asyncio.sleep(LOOK_SECONDS)
        now = _versions_of_held(await connection.request("GET", path, query=selected))
        for uid, (version, holder, _) in now.items():
            if uid not in first or first[uid][0] != version:
                return holder
        if not now:
            return None
    return None


def _versions_of_held(leases: Any) -> dict[str, tuple[str, str, int]]:
    """Return resourceVersion, holder and duration (seconds) of the Leases that have a holder, by uid."""
    return {
        lease["metadata"]["uid"]: (
            lease["metadata"]["resourceVersion"],
            f"{lease['metadata']['namespace']}/{holder}",
            int(lease["spec"].get("leaseDurationSeconds") or USUAL_LEASE_SECONDS),
        )
        for lease in leases["items"]
        if (holder := (lease.get("spec") or {}).get("holderIdentity"))
    }


def _held(kind: Kind, raw: Any) -> Held:
    metadata = raw["metadata"]
    return Held(
        kind=kind,
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        uid=metadata["uid"],
        is_deleting="deletionTimestamp" in metadata,
        cloud_id=(raw.get("status") or {}).get("id") or "",
    )
