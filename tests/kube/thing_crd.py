"""Two tiny kinds on a real API server, installed as custom resource definitions."""

import asyncio
import uuid
from typing import Any, Final

from kube.fake_api_server import PLANET, THING
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.connection import KubeConnection
from managed_databases.reconcile.ports import AlreadyThere, KubeError, Resource, ResourceKey

GROUP_PATH: Final = f"/apis/{GROUP}/{VERSION}"
CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(kind: Kind) -> dict[str, Any]:
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": loose, "status": loose}}},
    }
    names = {"kind": kind.name, "plural": kind.plural, "singular": kind.singular}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": names,
            "versions": [version],
        },
    }


async def install(connection: KubeConnection) -> str:
    """Install both kinds, make a namespace of its own for the test, and return the namespace's name."""
    for kind in (THING, PLANET):
        try:
            await connection.request("POST", CRDS, body=definition(kind))
        except AlreadyThere:
            continue
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    await connection.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    async with asyncio.timeout(60):
        while not await _served(connection, namespace):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.1)
    return namespace


async def _served(connection: KubeConnection, namespace: str) -> bool:
    try:
        await connection.request("GET", f"{GROUP_PATH}/namespaces/{namespace}/things")
        await connection.request("GET", f"{GROUP_PATH}/planets")
    except KubeError:
        return False
    return True


async def create(connection: KubeConnection, namespace: str, name: str, **metadata: Any) -> dict[str, Any]:
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": THING.name,
        "metadata": {"name": name, **metadata},
        "spec": {"size": 1},
    }
    made: dict[str, Any] = await connection.request("POST", f"{GROUP_PATH}/namespaces/{namespace}/things", body=body)
    return made


def key_of(resource: Resource | dict[str, Any]) -> ResourceKey:
    if isinstance(resource, Resource):
        return resource.key
    return ResourceKey(THING.name, resource["metadata"]["namespace"], resource["metadata"]["name"])
