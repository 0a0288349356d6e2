"""DatabaseCatalogues in Kubernetes. Implements `reconcile.catalogues.port.Catalogues`; no request is repeated."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from managed_databases.kinds.database_catalogue import CATALOGUE, CatalogueContent
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.connection import FIELD_MANAGER, JSON, MERGE_PATCH, KubeConnection
from managed_databases.kube.paged_list import pages_of
from managed_databases.kube.relist import METADATA_LIST
from managed_databases.kube.watched_collections import collection_path, object_path
from managed_databases.kube.writing import MANAGED_BY
from managed_databases.reconcile.catalogues.port import SeenCatalogue
from managed_databases.reconcile.ports import NotThere, Resource

DIGEST: Final = f"{GROUP}/content-digest"
"""The annotation by which the operator knows what it has written."""
PAGE: Final = 500
"""The number of catalogues in a page: only their metadata are sent."""
_FIELDS: Final = tuple(field.alias or name for name, field in CatalogueContent.model_fields.items())


class KubeCatalogues:
    """`before_write` is awaited right before each write; it raises a KubeError if nothing may be written."""

    def __init__(
        self, connection: KubeConnection, *, before_write: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._connection = connection
        self._before_write = before_write

    async def list(self, namespace: str | None) -> list[SeenCatalogue]:
        path = collection_path(GROUP, VERSION, CATALOGUE.plural, namespace)
        pages = pages_of(self._connection, path, size=PAGE, accept=METADATA_LIST, items=_light)
        return [each["seen"] async for page in pages for each in page["items"]]

    async def create(self, namespace: str, project: Resource, digest: str, content: CatalogueContent) -> int:
        metadata = {
            "name": project.key.name,
            "labels": {MANAGED_BY: FIELD_MANAGER},
            **_marks(project, digest),
        }
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": CATALOGUE.name, "metadata": metadata, **content.written()}
        return await self._write("POST", collection_path(GROUP, VERSION, CATALOGUE.plural, namespace), body)

    async def replace(self, namespace: str, project: Resource, digest: str, content: CatalogueContent) -> int:
        body = {"metadata": _marks(project, digest), **dict.fromkeys(_FIELDS), **content.written()}
        return await self._write("PATCH", _path(namespace, project.key.name), body, MERGE_PATCH)

    async def delete(self, namespace: str, name: str) -> None:
        try:
            await self._send("DELETE", _path(namespace, name))
        except NotThere:
            return

    async def _write(self, method: str, path: str, body: object, content_type: str = JSON) -> int:
        raw = await self._send(method, path, body, content_type)
        generation: int = raw["metadata"].get("generation", 0)
        return generation

    async def _send(self, method: str, path: str, body: object = None, content_type: str = JSON) -> Any:
        if self._before_write is not None:
            await self._before_write()
        return await self._connection.request(method, path, body=body, content_type=content_type)


def _path(namespace: str, name: str) -> str:
    return object_path(GROUP, VERSION, CATALOGUE.plural, namespace, name)


def _marks(project: Resource, digest: str) -> Mapping[str, Any]:
    """An owner may be cluster-scoped: with the project, garbage collection deletes its catalogues, whether the operator runs or
    not.
    """
    owner = {"apiVersion": f"{GROUP}/{VERSION}", "kind": PROJECT.name, "name": project.key.name, "uid": project.uid}
    return {"annotations": {DIGEST: digest}, "ownerReferences": [owner]}


def _light(raw: dict[str, Any]) -> dict[str, Any]:
    metadata = raw["metadata"]
    return {
        "seen": SeenCatalogue(
            namespace=metadata["namespace"],
            name=metadata["name"],
            digest=(metadata.get("annotations") or {}).get(DIGEST),
            generation=metadata.get("generation", 0),
            is_edited=any(map(_is_of_others, metadata.get("managedFields") or ())),
        )
    }


def _is_of_others(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of managedFields tells of somebody who has written a part of the content."""
    own = (entry.get("fieldsV1") or {}).keys() <= {"f:metadata"}
    return entry.get("manager") != FIELD_MANAGER and not own
