"""The resources of a cluster, in memory, and how one is written in a line."""

from collections.abc import Iterable, Mapping
from typing import Any

from kinds.builders import PROJECT
from managed_databases.reconcile.ports import Resource, ResourceKey

EARLY = "2026-01-01T00:00:00Z"
LATER = "2026-01-02T00:00:00Z"


def resource(
    kind: str,
    name: str,
    namespace: str = "home",
    *,
    spec: Mapping[str, Any] | None = None,
    id_: str | None = None,
    intent: bool = False,
    inside: str | None = None,
    project: str = PROJECT.name,
    going: bool = False,
    status: Mapping[str, Any] | None = None,
    annotations: Mapping[str, str] | None = None,
    owner_uids: tuple[str, ...] = (),
) -> Resource:
    """A resource whose status holds the object `id_`, or an open attempt to make one (`intent`); `inside` is the id of the
    datastore that it is in. Its uid is `uid-` and its name: all are of the same age, and the uid decides.
    """
    told: dict[str, Any] = {}
    if id_ is not None or intent:
        told["identity"] = {
            "project": project,
            "projectID": PROJECT.project_id,
            "region": PROJECT.region,
            "key": [name],
        }
        told["identity"] |= {} if inside is None else {"datastoreID": inside}
        told |= {} if id_ is None else {"id": id_}
        told |= {"intent": {"attempt": 1, "waitSeconds": 60.0}} if intent else {}
    return Resource(
        key=ResourceKey(kind, namespace, name),
        uid=f"uid-{name}",
        resource_version="1",
        generation=1,
        created_at=EARLY,
        deleting_since=LATER if going else None,
        finalizers=(),
        annotations=annotations or {},
        spec=spec or {},
        status=told | dict(status or {}),
        owner_uids=owner_uids,
    )


class FakeCache:
    """A `ResourceCache` that sees what is put into it, and no Secrets."""

    def __init__(self, *resources: Resource) -> None:
        self.resources: dict[ResourceKey, Resource] = {resource.key: resource for resource in resources}
        self.labels: dict[str, dict[str, str]] = {}

    def get(self, key: ResourceKey) -> Resource | None:
        return self.resources.get(key)

    def of_kind(self, kind: str) -> Iterable[Resource]:
        return [resource for key, resource in self.resources.items() if key.kind == kind]

    def kinds_in_use(self) -> tuple[str, ...]:
        return tuple(sorted({key.kind for key in self.resources}))

    def put(self, resource: Resource) -> None:
        self.resources[resource.key] = resource

    def knows_secrets(self, namespace: str) -> bool:
        return False

    def secret_version(self, namespace: str, name: str) -> str | None:
        return None

    def knows_services(self, namespace: str) -> bool:
        return False

    def service_version(self, namespace: str, name: str) -> str | None:
        return None

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        return self.labels.get(name)

    def namespaces_labelled(self, label: str, value: str) -> Iterable[str]:
        return [name for name, labels in self.labels.items() if labels.get(label) == value]
