"""Writes to Kubernetes, and reads by name. Implements `reconcile.ports.Kube`; no request is repeated."""

import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import structlog

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube import workloads
from managed_databases.kube.cache import MAX_FINALIZERS, Store, resource_of
from managed_databases.kube.connection import JSON, MERGE_PATCH, KubeConnection
from managed_databases.kube.definitions import read_definition
from managed_databases.kube.merge_patch import merge_patch
from managed_databases.kube.secret_content import encoded, masked_in, secret_content, secret_path
from managed_databases.kube.services import ServiceWrites
from managed_databases.kube.watched_collections import SECRET, collection_path, namespace_of, object_path
from managed_databases.kube.workloads import PLURALS, workload_of
from managed_databases.reconcile.ports import (
    MANAGED_LABEL,
    MAX_WORKLOADS,
    OWN,
    Definition,
    KubeError,
    KubeRefused,
    NewSecret,
    NotThere,
    Resource,
    ResourceKey,
    SecretContent,
    Workload,
    WriteConflict,
)
from managed_databases.reconcile.scheduling.places import Places
from managed_databases.visible import visible

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MAX_NOTE: Final = 1024
"""The most bytes of an Event's note (events.k8s.io/v1)."""
MAX_REQUESTS: Final = 16
"""The most requests at a time. Each has a connection with its buffers, and the API server has others to serve."""
REQUESTS_SPARE: Final = 4
"""Further requests at a time, for namespaces that have none under way."""

Query = Sequence[tuple[str, str]]
DRY_RUN: Final[Query] = (("dryRun", "All"),)

log = structlog.get_logger()


class KubeWriter(ServiceWrites):
    """Sends the operator's requests. `before_write` is awaited right before each write; it raises a KubeError if nothing may be
    written. `observer` is given method, path, seconds and the error's name of each request that has ended.

    At most MAX_REQUESTS requests, and REQUESTS_SPARE further ones, are under way; the others wait, and namespaces take turns.
    """

    def __init__(
        self,
        connection: KubeConnection,
        store: Store,
        kinds: Iterable[Kind],
        *,
        operator_name: str = "managed-databases-operator",
        before_write: Callable[[], Awaitable[None]] | None = None,
        observer: Callable[[str, str, float, str | None], None] = lambda method, path, seconds, error: None,
    ) -> None:
        self._observer = observer
        self._connection = connection
        self._store = store
        self._plurals = {kind.name: kind.plural for kind in kinds}
        self._operator_name = operator_name
        self._before_write = before_write
        self._places = Places(MAX_REQUESTS, REQUESTS_SPARE)

    async def set_finalizers(self, resource: Resource, finalizers: tuple[str, ...]) -> Resource:
        """Replace the finalizers. Raises WriteConflict if the resource has changed; KubeRefused if a finalizer is added to a
        resource that is being deleted, or if there are more than are kept in memory.
        """
        if len(resource.finalizers) > MAX_FINALIZERS:
            raise KubeRefused(f"a change of finalizers: there are more than {MAX_FINALIZERS}, take some away")
        metadata = {"resourceVersion": resource.resource_version, "finalizers": list(finalizers)}
        return await self._patch_resource(resource, "", {"metadata": metadata})

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        """Replace `.status`; nothing is sent if it is the same already. A None inside means absent.

        Raises WriteConflict if the resource has changed since it was seen.
        """
        difference = merge_patch(resource.status, status)
        if not difference:
            return resource
        metadata = {"resourceVersion": resource.resource_version}
        return await self._patch_resource(resource, "/status", {"metadata": metadata, "status": difference})

    async def create_owned(
        self, owner: Resource, key: ResourceKey, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        """Create an owned resource. Raises AlreadyThere, and KubeRefused if the API server does not accept the spec."""
        metadata = {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {MANAGED_BY: self._operator_name},
            "annotations": dict(annotations),
            "ownerReferences": self._owner_references(owner),
        }
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": key.kind, "metadata": metadata, "spec": dict(spec)}
        path = collection_path(GROUP, VERSION, self._plurals[key.kind], key.namespace)
        return self._known(await self._write("POST", path, body), key)

    async def change_spec(self, resource: Resource, spec: Mapping[str, Any]) -> Resource:
        """Raises WriteConflict when the resource has changed since it was seen."""
        metadata = {"resourceVersion": resource.resource_version}
        return await self._patch_resource(resource, "", {"metadata": metadata, "spec": dict(spec)})

    async def change_owned(
        self, owner: Resource, resource: Resource, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        """Raises WriteConflict when the resource has changed since it was seen."""
        metadata: dict[str, Any] = {"resourceVersion": resource.resource_version}
        if owner.uid not in resource.owner_uids or not annotations.items() <= resource.annotations.items():
            metadata |= {"annotations": dict(annotations), "ownerReferences": self._owner_references(owner)}
        return await self._patch_resource(resource, "", {"metadata": metadata, "spec": dict(spec)})

    async def delete_owned(self, resource: Resource) -> None:
        """Delete an owned resource. It is no error if the resource is gone, or if another one has its name by now."""
        key = resource.key
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": resource.uid}}
        path = object_path(GROUP, VERSION, self._plurals[key.kind], key.namespace or None, key.name)
        try:
            answer = await self._write("DELETE", path, body)
        except (NotThere, WriteConflict):
            return
        if answer.get("kind") == key.kind:  # its finalizer holds it: known as going from now on
            self._known(answer, key)

    async def read_secret(self, namespace: str, name: str) -> SecretContent | None:
        try:
            return secret_content(await self._read(secret_path(namespace, name)))
        except NotThere:
            return None

    async def prove_secret(self, old: SecretContent | None, secret: NewSecret) -> None:
        """Try the write of a Secret by a dry run. Admission webhooks that do not support dry runs are not asked."""
        try:
            await (self._create_secret(secret, DRY_RUN) if old is None else self._replace_secret(old, secret, DRY_RUN))
        except KubeRefused as error:
            if "dry run" not in str(error):
                raise

    async def create_secret(self, secret: NewSecret) -> SecretContent:
        """Create a Secret. Raises AlreadyThere, and KubeRefused in a terminating namespace."""
        return self._known_secret(await self._create_secret(secret))

    async def replace_secret(self, old: SecretContent, secret: NewSecret) -> SecretContent:
        """Replace the operator's data, labels, annotations and owner in a Secret by those of `secret`; those of others stay.

        Raises WriteConflict if the Secret has changed since it was read, and KubeRefused if its type differs.
        """
        return self._known_secret(await self._replace_secret(old, secret))

    async def _create_secret(self, secret: NewSecret, query: Query = ()) -> Mapping[str, Any]:
        metadata: dict[str, Any] = {
            "name": secret.name,
            "labels": {**secret.labels, **self._labels()},
            "annotations": dict(secret.annotations),
            "ownerReferences": self._owner_references(secret.owner),
        }
        data = encoded(secret.data)
        body = {"apiVersion": "v1", "kind": SECRET, "type": secret.type, "metadata": metadata, "data": data}
        path = collection_path("", "v1", "secrets", secret.namespace)
        return await self._write_secret("POST", path, body, secret, "application/json", query)

    async def _replace_secret(self, old: SecretContent, secret: NewSecret, query: Query = ()) -> Mapping[str, Any]:
        if old.type != secret.type:
            raise KubeRefused(
                f"Secret {old.namespace}/{old.name} has the type {old.type}, and a Secret's type cannot be changed to "
                f"{secret.type}: delete the Secret, or name another one"
            )
        ours = {
            name: value
            for name, value in old.annotations.items()
            if name.startswith(f"{GROUP}/") or name in secret.drops_annotations
        }
        dropped = (old.labels.keys() & secret.drops_labels) - secret.labels.keys()
        metadata: dict[str, Any] = {
            "resourceVersion": old.resource_version,
            "labels": {**dict.fromkeys(dropped), **secret.labels, **self._labels()},
            "annotations": merge_patch(ours, secret.annotations),
            "ownerReferences": [*old.other_owners, *self._owner_references(secret.owner)],
        }
        data: dict[str, str | None] = dict.fromkeys((old.data.keys() & secret.drops) - secret.data.keys())
        body = {"metadata": metadata, "data": data | encoded(secret.data)}
        path = secret_path(old.namespace, old.name)
        return await self._write_secret("PATCH", path, body, secret, MERGE_PATCH, query)

    async def delete_secret(self, secret: SecretContent) -> None:
        """Delete exactly this Secret. It is no error if the Secret is gone, or if another one has its name by now."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": secret.uid}}
        try:
            await self._write("DELETE", secret_path(secret.namespace, secret.name), body)
        except (NotThere, WriteConflict):
            return

    async def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        try:
            raw = await self._read(object_path("", "v1", "configmaps", namespace, name))
        except NotThere:
            return None
        return raw.get("data") or {}

    async def read_workload(self, kind: str, namespace: str, name: str) -> Workload | None:
        try:
            raw = await self._read(object_path(workloads.GROUP, workloads.VERSION, PLURALS[kind], namespace, name))
        except NotThere:
            return None
        return workload_of(kind, raw)

    async def list_workloads(self, kind: str, namespace: str, selector: str) -> Sequence[Workload]:
        path = collection_path(workloads.GROUP, workloads.VERSION, PLURALS[kind], namespace)
        raw = await self._read(path, (("labelSelector", selector), ("limit", str(MAX_WORKLOADS))))
        return [workload_of(kind, each) for each in raw["items"]]

    async def annotate_pods(self, workload: Workload, annotations: Mapping[str, str]) -> None:
        """Raises WriteConflict when the workload has changed since it was seen."""
        template = {"metadata": {"annotations": dict(annotations)}}
        body = {"metadata": {"resourceVersion": workload.resource_version}, "spec": {"template": template}}
        plural = PLURALS[workload.kind]
        path = object_path(workloads.GROUP, workloads.VERSION, plural, workload.namespace, workload.name)
        await self._write("PATCH", path, body, MERGE_PATCH)

    async def read_definition(self, kind: str) -> Definition | None:
        async with self._places.of(""):
            return await read_definition(self._connection, self._plurals[kind])

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        """Post an Event with the time `at`. A failure is only logged. Events of cluster-scoped resources go into the namespace
        `default`.
        """
        key = resource.key
        namespace = key.namespace or "default"
        regarding = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": resource.uid,
            "resourceVersion": resource.resource_version,
        }
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{key.name[:200].rstrip('-.')}.{uuid4().hex[:16]}", "namespace": namespace},
            "eventTime": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "reportingController": f"{GROUP}/{self._operator_name}",
            "reportingInstance": os.environ.get("HOSTNAME", socket.gethostname())[:128] or self._operator_name,
            "action": reason,
            "reason": reason,
            "regarding": regarding,
            "note": visible(message).encode()[:MAX_NOTE].decode(errors="ignore"),
            "type": type_,
        }
        try:
            await self._write("POST", collection_path("events.k8s.io", "v1", "events", namespace), body)
        except KubeError as error:
            log.debug("an event was not posted", reason=reason, resource=str(key), error=str(error))

    async def _patch_resource(self, resource: Resource, subresource: str, body: object) -> Resource:
        key = resource.key
        path = object_path(GROUP, VERSION, self._plurals[key.kind], key.namespace or None, key.name) + subresource
        raw = await self._write("PATCH", path, body, MERGE_PATCH)
        return self._known(raw, key)

    def _known(self, raw: Mapping[str, Any], key: ResourceKey) -> Resource:
        """Enter the answer to a write of the operator into the store at once, before the watch shows it."""
        written = resource_of(raw, key)
        self._store.put(written)
        return written

    async def _write_secret(
        self, method: str, path: str, body: object, secret: NewSecret, content_type: str, query: Query
    ) -> Mapping[str, Any]:
        try:
            raw: Mapping[str, Any] = await self._write(method, path, body, content_type, query)
        except KubeError as error:
            # An answer may echo what it refuses; and without the cause, which holds the same text.
            raise type(error)(masked_in(str(error), secret)) from None
        return raw

    def _known_secret(self, raw: Mapping[str, Any]) -> SecretContent:
        """Do the same as `_known` for a Secret, but not for the answer to a dry run, which has no resourceVersion."""
        self._store.seen(raw, SECRET)
        return secret_content(raw)

    async def _read(self, path: str, query: Query = ()) -> Any:
        async with self._places.of(namespace_of(path)):
            return await self._request("GET", path, query=query)

    async def _write(self, method: str, path: str, body: object, content_type: str = JSON, query: Query = ()) -> Any:
        async with self._places.of(namespace_of(path)):
            if self._before_write is not None:
                await self._before_write()
            return await self._request(method, path, query=query, body=body, content_type=content_type)

    async def _request(self, method: str, path: str, **more: Any) -> Any:
        began, error = time.monotonic(), None
        try:
            return await self._connection.request(method, path, **more)
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            try:
                self._observer(method, path, time.monotonic() - began, error)
            except Exception:
                log.exception("a request could not be noted")

    def _labels(self) -> dict[str, str]:
        return {MANAGED_LABEL: OWN, MANAGED_BY: self._operator_name}

    def _owner_references(self, owner: Resource | None) -> list[dict[str, Any]]:
        if owner is None:
            return []
        api_version = f"{GROUP}/{VERSION}"
        return [{"apiVersion": api_version, "kind": owner.key.kind, "name": owner.key.name, "uid": owner.uid}]
