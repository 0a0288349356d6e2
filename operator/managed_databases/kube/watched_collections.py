"""The collections of Kubernetes objects that are listed and watched, and where they are found."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, OWN

SECRET = "Secret"
NAMESPACE = "Namespace"
SERVICE = "Service"


@dataclass(frozen=True)
class WatchedCollection:
    """All objects of one kind in one namespace, or with `namespace` None in all namespaces.

    For a collection with `metadata_only` the API server sends no spec, data or status.
    """

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    namespace: str | None = None
    label_selector: str | None = None
    metadata_only: bool = False

    @property
    def path(self) -> str:
        return collection_path(self.group, self.version, self.plural, self.namespace)


def collection_path(group: str, version: str, plural: str, namespace: str | None) -> str:
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/namespaces/{quote(namespace, safe='')}/{plural}" if namespace else f"{root}/{plural}"


def object_path(group: str, version: str, plural: str, namespace: str | None, name: str) -> str:
    return f"{collection_path(group, version, plural, namespace)}/{quote(name, safe='')}"


def namespace_of(path: str) -> str:
    """Return the namespace in a path of this module; "" for a cluster-scoped path."""
    return path.partition("/namespaces/")[2].partition("/")[0]


def of_kinds(kinds: Iterable[Kind], namespaces: tuple[str, ...]) -> list[WatchedCollection]:
    """Return the collections of these kinds: one for each kind and namespace, one for each cluster-scoped kind."""
    return [
        WatchedCollection(kind.name, GROUP, VERSION, kind.plural, kind.namespaced, namespace)
        for kind in kinds
        for namespace in ((namespaces or (None,)) if kind.namespaced else (None,))
    ]


def own_secrets(namespace: str | None) -> WatchedCollection:
    selector = f"{MANAGED_LABEL} in ({GIVEN},{OWN})"
    return WatchedCollection(SECRET, "", "v1", "secrets", True, namespace, label_selector=selector, metadata_only=True)


def own_services(namespace: str | None) -> WatchedCollection:
    selector = f"{MANAGED_LABEL}={OWN}"
    return WatchedCollection(
        SERVICE, "", "v1", "services", True, namespace, label_selector=selector, metadata_only=True
    )


def all_namespaces() -> WatchedCollection:
    return WatchedCollection(NAMESPACE, "", "v1", "namespaces", namespaced=False, metadata_only=True)
