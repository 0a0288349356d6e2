"""Reads the operator's CustomResourceDefinitions, to notice that one is deleted: then Kubernetes deletes all its resources."""

from typing import Final

from managed_databases.kinds.registry import GROUP
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.watched_collections import object_path
from managed_databases.reconcile.ports import Definition, NotThere

GROUP_OF_DEFINITIONS: Final = "apiextensions.k8s.io"
DEFINITIONS: Final = "customresourcedefinitions"
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Asks for metadata only, without the schemas, which are most of a definition."""


def definition_name(plural: str) -> str:
    return f"{plural}.{GROUP}"


async def read_definition(connection: KubeConnection, plural: str) -> Definition | None:
    """Return the definition of the kind with this plural; None if there is none.

    The API server reads it from etcd, not from a cache. Raises KubeError; KubeRefused if the operator may not read it.
    """
    path = object_path(GROUP_OF_DEFINITIONS, "v1", DEFINITIONS, None, definition_name(plural))
    try:
        raw = await connection.request("GET", path, accept=_METADATA_ONLY)
    except NotThere:
        return None
    metadata = raw["metadata"]
    return Definition(metadata["creationTimestamp"], metadata.get("deletionTimestamp"))
