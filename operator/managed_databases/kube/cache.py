"""The newest known state of Kubernetes' objects, in memory. Of Secrets and Namespaces only metadata is kept.

The store never goes back to an older state: it ignores a lower resourceVersion, and an object whose deletion is known.
resourceVersions of one cluster can be compared as numbers (Kubernetes API concepts, since 1.35; true in practice ever
since etcd3).
"""

from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from types import MappingProxyType
from typing import Any, Final

import orjson

from managed_databases.kinds.registry import GROUP
from managed_databases.kube.watched_collections import NAMESPACE, SECRET, SERVICE
from managed_databases.reconcile.annotations import FLUX_REQUESTED_AT
from managed_databases.reconcile.packed_spec import MAX_FIELD_BYTES, Packed, packed
from managed_databases.reconcile.ports import Resource, ResourceKey

MAX_FINALIZERS: Final = 64
"""If an object has more finalizers, the operator changes none of them: it would have to keep all of them in memory."""
MAX_OWNERS: Final = 32
MAX_ANNOTATIONS: Final = 16
MAX_ANNOTATION: Final = 1_024
"""The most characters of an annotation that are read; no annotation of the operator is that long."""
MAX_MANAGER: Final = 128
"""The most characters of a field manager's name; the API server takes no more."""
_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
)
MAX_TOMBSTONES: Final = 20_000
"""The most deletions that are remembered; only those of the last seconds matter."""
MAX_SHARED: Final = 2_000
MAX_SHARED_BYTES: Final = 500
"""Of how many values, and how long as JSON, the next equal one is replaced by the first."""
MAX_SHARED_TEXTS: Final = 4_000
_NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """The metadata of a Secret or Namespace; `labels` of a Namespace only."""

    uid: str
    resource_version: str
    labels: Mapping[str, str]


class Store:
    """Implements `ResourceCache`. Not for use by several threads."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._resources: dict[str, dict[ResourceKey, Resource]] = {kind: {} for kind in kinds}
        self._sightings: dict[str, dict[ResourceKey, ObjectMeta]] = {SECRET: {}, SERVICE: {}, NAMESPACE: {}}
        self.secrets_watched_in: frozenset[str | None] = frozenset()
        """The namespaces whose labelled Secrets are all in the store; None stands for all namespaces."""
        self.services_watched_in: frozenset[str | None] = frozenset()
        """The same of labelled Services."""
        self._tombstones: OrderedDict[str, int] = OrderedDict()

    def get(self, key: ResourceKey) -> Resource | None:
        return self._resources[key.kind].get(key)

    def of_kind(self, kind: str) -> Iterable[Resource]:
        return tuple(self._resources[kind].values())

    def kinds_in_use(self) -> tuple[str, ...]:
        return tuple(sorted(kind for kind, resources in self._resources.items() if resources))

    def put(self, resource: Resource) -> None:
        """Enter the answer to a write of the operator, unless a newer state, or the deletion, is known already."""
        if self._is_news(resource.key, resource.uid, resource.resource_version):
            self._resources[resource.key.kind][resource.key] = resource

    def secret_version(self, namespace: str, name: str) -> str | None:
        sighting = self._sightings[SECRET].get(ResourceKey(SECRET, namespace, name))
        return sighting.resource_version if sighting else None

    def knows_secrets(self, namespace: str) -> bool:
        return None in self.secrets_watched_in or namespace in self.secrets_watched_in

    def service_version(self, namespace: str, name: str) -> str | None:
        sighting = self._sightings[SERVICE].get(ResourceKey(SERVICE, namespace, name))
        return sighting.resource_version if sighting else None

    def knows_services(self, namespace: str) -> bool:
        return None in self.services_watched_in or namespace in self.services_watched_in

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        sighting = self._sightings[NAMESPACE].get(ResourceKey(NAMESPACE, "", name))
        return sighting.labels if sighting else None

    def namespaces_labelled(self, label: str, value: str) -> Iterable[str]:
        return [key.name for key, seen in self._sightings[NAMESPACE].items() if seen.labels.get(label) == value]

    def seen(self, raw: Mapping[str, Any], kind: str) -> ResourceKey | None:
        """Enter an object that was listed, added or modified. Return its key if that changed anything.

        For a Namespace only its labels count as a change.
        """
        metadata = raw["metadata"]
        key = _key(metadata, kind)
        uid, version = metadata["uid"], metadata["resourceVersion"]
        if not self._is_news(key, uid, version):
            return None
        if kind in self._resources:
            self._resources[kind][key] = resource_of(raw, key)
            return key
        before = self._sightings[kind].get(key)
        now = ObjectMeta(uid, version, (metadata.get("labels") if kind == NAMESPACE else None) or _NO_LABELS)
        self._sightings[kind][key] = now
        at_rest = kind == NAMESPACE and before is not None and (before.uid, before.labels) == (uid, now.labels)
        return None if at_rest else key

    def deleted(self, raw: Mapping[str, Any], kind: str) -> ResourceKey | None:
        """Remove an object; return its key if it was in the store. An object of the same name with another uid stays."""
        metadata = raw["metadata"]
        key = _key(metadata, kind)
        uid = metadata["uid"]
        entries = self._entries(kind)
        known = entries.get(key)
        # A Secret that only lost our label is "deleted" for our watch and may come back under the same uid.
        self._bury(uid, int(metadata["resourceVersion"]))
        if known is None or known.uid != uid:
            return None
        del entries[key]
        return key

    def contradicted_by(self, key: ResourceKey, version: str, list_version: str) -> bool:
        """Return whether an item of a list shows that etcd was restored: the list is at least as new as the known state of the
        object, but shows an older version of it.
        """
        known = self._entries(key.kind).get(key)
        return known is not None and int(version) < int(known.resource_version) <= int(list_version)

    def forget_unlisted(
        self, kind: str, namespace: str | None, listed: Container[ResourceKey], list_version: str
    ) -> list[ResourceKey]:
        """Remove the objects that a complete list of a collection does not show; return their keys.

        Objects that became known after the list was made stay: the list could not show them.
        """
        entries, version = self._entries(kind), int(list_version)
        gone = [
            key
            for key, known in entries.items()
            if key not in listed
            and (namespace is None or key.namespace == namespace)
            and int(known.resource_version) <= version
        ]
        for key in gone:
            self._bury(entries.pop(key).uid, version)
        return gone

    def version(self, key: ResourceKey) -> tuple[str, str] | None:
        """Return the known uid and resourceVersion of an object of any kind."""
        known = self._entries(key.kind).get(key)
        return (known.uid, known.resource_version) if known else None

    def _entries(self, kind: str) -> dict[ResourceKey, Resource] | dict[ResourceKey, ObjectMeta]:
        return self._resources[kind] if kind in self._resources else self._sightings[kind]

    def _is_news(self, key: ResourceKey, uid: str, resource_version: str) -> bool:
        version = int(resource_version)
        if version <= self._tombstones.get(uid, -1):
            return False
        known = self._entries(key.kind).get(key)
        return known is None or version > int(known.resource_version)

    def _bury(self, uid: str, version: int) -> None:
        self._tombstones[uid] = max(version, self._tombstones.pop(uid, -1))
        if len(self._tombstones) > MAX_TOMBSTONES:
            self._tombstones.popitem(last=False)


def _key(metadata: Mapping[str, Any], kind: str) -> ResourceKey:
    return ResourceKey(kind, intern(metadata.get("namespace") or ""), metadata["name"])


_shared: dict[bytes, Any] = {}
_shared_texts: dict[str, str] = {}


def shared(value: Any) -> Any:
    """Return an equal value that others share, if there is one: most resources have the same values. Never change a shared
    value.
    """
    if isinstance(value, Packed):
        return value
    told = orjson.dumps(value)
    if len(told) > MAX_SHARED_BYTES:
        return value
    if len(_shared) >= MAX_SHARED:
        _shared.clear()
    return _shared.setdefault(told, value)


def compact(value: Any, levels: int = 3) -> Any:
    """Return an equal value that takes less memory: texts are shared with others, so many levels deep, and a dict that is made
    item by item is smaller than the one that orjson makes. The ids of project and datastore, times and reasons are the same in
    thousands of statuses.
    """
    if isinstance(value, str):
        if len(_shared_texts) >= MAX_SHARED_TEXTS:
            _shared_texts.clear()
        return _shared_texts.setdefault(value, value) if len(value) <= MAX_SHARED_BYTES else value
    if levels and isinstance(value, dict):
        return {name: compact(item, levels - 1) for name, item in value.items()}
    return [compact(item, levels - 1) for item in value] if levels and isinstance(value, list) else value


def resource_of(raw: Mapping[str, Any], key: ResourceKey) -> Resource:
    """Read a custom resource as the API server sends it. The spec is taken over, and must not be changed."""
    metadata = raw["metadata"]
    told = raw.get("status") or {}
    status = {name: compact(value, 2) for name, value in told.items() if name != "conditions"}
    if isinstance(conditions := told.get("conditions"), list):
        status["conditions"] = [shared(condition) for condition in conditions]
    return Resource(
        key=key,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        created_at=metadata.get("creationTimestamp") or "",
        deleting_since=metadata.get("deletionTimestamp"),
        finalizers=shared(tuple((metadata.get("finalizers") or ())[: MAX_FINALIZERS + 1])),
        annotations=shared(_annotations(metadata)),
        spec=shared(packed(raw.get("spec") or {}, max_field=MAX_FIELD_BYTES if key.namespace else None)),
        status=status,
        owner_uids=shared(tuple(owner["uid"] for owner in (metadata.get("ownerReferences") or ())[:MAX_OWNERS])),
        changed_by=intern(_changed_by(metadata).get("manager") or ""),
    )


def _changed_by(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the newest entry of managedFields that is about the spec, without its fields; empty if there is none."""
    newest: Mapping[str, Any] = max(
        (entry for entry in metadata.get("managedFields") or () if "f:spec" in (entry.get("fieldsV1") or ())),
        key=lambda entry: str(entry.get("time") or ""),
        default={},
    )
    return (
        {"manager": str(newest["manager"])[:MAX_MANAGER], "fieldsV1": {"f:spec": {}}} if newest.get("manager") else {}
    )


def _annotations(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations that the operator reads, its own and Flux's; others are not kept."""
    told: Mapping[str, str] = metadata.get("annotations") or {}
    read = sorted(name for name in told if name.startswith(f"{GROUP}/") or name == FLUX_REQUESTED_AT)
    return {name: told[name][:MAX_ANNOTATION] for name in read[:MAX_ANNOTATIONS]}


def light(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a listed object that is kept until its whole page has arrived: `Store.seen` needs no more."""
    metadata = raw["metadata"]
    told = {name: metadata[name] for name in _METADATA if name in metadata}
    told["annotations"] = _annotations(metadata)
    told["managedFields"] = [entry] if (entry := _changed_by(metadata)) else []
    told["ownerReferences"] = [{"uid": owner["uid"]} for owner in (metadata.get("ownerReferences") or ())[:MAX_OWNERS]]
    told["finalizers"] = (metadata.get("finalizers") or [])[: MAX_FINALIZERS + 1]
    max_field = MAX_FIELD_BYTES if metadata.get("namespace") else None
    spec = packed(raw.get("spec") or {}, max_field=max_field)
    return {"metadata": told, "spec": spec, "status": raw.get("status")}
