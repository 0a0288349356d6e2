"""Services of the type ExternalName: how they are written, and what is read of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from managed_databases.kinds.registry import GROUP
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import JSON, MERGE_PATCH
from managed_databases.kube.watched_collections import SERVICE, collection_path, object_path
from managed_databases.reconcile.annotations import OWNER_UID
from managed_databases.reconcile.ports import (
    MANAGED_LABEL,
    OWN,
    NewService,
    NotThere,
    Resource,
    ServiceContent,
    WriteConflict,
)

EXTERNAL_NAME: Final = "ExternalName"


class ServiceWrites(ABC):
    """The part of `KubeWriter` that is about Services."""

    _store: Store

    async def read_service(self, namespace: str, name: str) -> ServiceContent | None:
        try:
            return service_of(await self._read(_path(namespace, name)))
        except NotThere:
            return None

    async def create_service(self, service: NewService) -> ServiceContent:
        """Create a Service. Raises AlreadyThere, and KubeRefused if the API server does not accept it."""
        metadata = {"name": service.name, **self._marks(service)}
        body = {"apiVersion": "v1", "kind": SERVICE, "metadata": metadata, "spec": service_spec(service)}
        return self._known_service(
            await self._write("POST", collection_path("", "v1", "services", service.namespace), body)
        )

    async def replace_service(self, old: ServiceContent, service: NewService) -> ServiceContent:
        """Raises WriteConflict if the Service has changed since it was read."""
        marks = self._marks(service)
        metadata = {
            **marks,
            "resourceVersion": old.resource_version,
            "ownerReferences": [*old.other_owners, *marks["ownerReferences"]],
        }
        body = {"metadata": metadata, "spec": service_spec(service) | {"selector": None}}
        return self._known_service(await self._write("PATCH", _path(old.namespace, old.name), body, MERGE_PATCH))

    async def delete_service(self, service: ServiceContent) -> None:
        """Delete exactly this Service. It is no error if it is gone, or if another one has its name by now."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": service.uid}}
        try:
            await self._write("DELETE", _path(service.namespace, service.name), body)
        except (NotThere, WriteConflict):
            return

    def _marks(self, service: NewService) -> dict[str, Any]:
        return {
            "labels": self._labels(),
            "annotations": {OWNER_UID: service.owner.uid},
            "ownerReferences": self._owner_references(service.owner),
        }

    def _known_service(self, raw: Mapping[str, Any]) -> ServiceContent:
        """Enter the answer to a write of the operator into the store at once, before the watch shows it."""
        self._store.seen(raw, SERVICE)
        return service_of(raw)

    @abstractmethod
    async def _read(self, path: str) -> Any: ...

    @abstractmethod
    async def _write(self, method: str, path: str, body: object, content_type: str = JSON) -> Any: ...

    @abstractmethod
    def _labels(self) -> dict[str, str]: ...

    @abstractmethod
    def _owner_references(self, owner: Resource | None) -> list[dict[str, Any]]: ...


def service_of(raw: Mapping[str, Any]) -> ServiceContent:
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    owners = metadata.get("ownerReferences") or ()
    is_external = spec.get("type") == EXTERNAL_NAME and not spec.get("selector")
    return ServiceContent(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        is_labelled=(metadata.get("labels") or {}).get(MANAGED_LABEL) == OWN,
        owner=(metadata.get("annotations") or {}).get(OWNER_UID),
        owner_uids=tuple(owner["uid"] for owner in owners if _is_ours(owner)),
        other_owners=tuple(owner for owner in owners if not _is_ours(owner)),
        host=spec.get("externalName") if is_external else None,
        ports=tuple((port.get("name"), port.get("port"), port.get("protocol")) for port in spec.get("ports") or ()),
    )


def service_spec(service: NewService) -> dict[str, Any]:
    ports = [{"name": name, "port": port, "protocol": protocol} for name, port, protocol in service.ports]
    return {"type": EXTERNAL_NAME, "externalName": service.host, "ports": ports}


def _path(namespace: str, name: str) -> str:
    return object_path("", "v1", "services", namespace, name)


def _is_ours(owner: Mapping[str, Any]) -> bool:
    return str(owner.get("apiVersion", "")).startswith(f"{GROUP}/")
