"""What the controller needs of Kubernetes. `kube/` implements the protocols; the controller does not know how.

Resources are plain values. A `Resource` comes out of the cache and out of each successful write.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from pydantic import SecretStr

from managed_databases.reconcile.stated import Stated
from managed_databases.reconcile.told import Told

MANAGED_LABEL: Final = "manageddatabases.io/managed"
"""The label of the Secrets that the operator watches; its value is OWN or GIVEN."""
OWN: Final = "true"
"""The label's value on the operator's own Secrets, and on a project's credentials Secret whose changes must count at once."""
GIVEN: Final = "password"
"""The label's value on a Secret whose keys are passwords that resources may be given. Somebody who may write resources, but may
not read Secrets, gets nothing out of a Secret without this value; in particular nothing out of the operator's own Secrets.
"""
MAX_WORKLOADS: Final = 50
"""The most workloads of one kind that a selector stands for."""


class ResourceKey(NamedTuple):
    """The name of one resource. `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One custom resource as the API server showed it; parts that nobody reads are dropped.

    Times are as Kubernetes writes them. `deleting_since` is None unless the resource is being deleted. `owner_uids` are the
    uids in its ownerReferences. `changed_by` is the field manager of the newest change of the spec; empty if none is known.
    """

    key: ResourceKey
    uid: str
    resource_version: str
    generation: int
    created_at: str
    deleting_since: str | None
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    owner_uids: tuple[str, ...] = ()
    changed_by: str = ""

    @property
    def stated(self) -> Stated:
        """The spec, by names."""
        return Stated(self.spec)

    @property
    def told(self) -> Told:
        """Return the status, read by names."""
        return Told(self.status)


@dataclass(frozen=True)
class SecretContent:
    """A Secret that was read by name. Its repr never shows values.

    `owner_uids` are the uids of those ownerReferences that are resources of the operator's kinds, `other_owners` the other
    ownerReferences.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    data: Mapping[str, SecretStr] = field(repr=False)
    owner_uids: tuple[str, ...] = ()
    other_owners: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class NewSecret:
    """A Secret to write.

    `owner` becomes its ownerReference: garbage collection deletes the Secret with its owner. When an existing Secret is
    replaced, the keys in `drops` that are not in `data` are taken out of it; its other keys that are not in `data` belong to
    other people, and stay. The same is true of `labels` and `drops_labels`, and of annotations and `drops_annotations`; the
    operator's own annotations are exactly those in `annotations`.
    """

    namespace: str
    name: str
    type: str
    annotations: Mapping[str, str]
    data: Mapping[str, SecretStr] = field(repr=False)
    owner: Resource | None = None
    drops: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    drops_labels: frozenset[str] = frozenset()
    drops_annotations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet. `annotations` are those of its Pods, `secrets` the names of the Secrets that the
    Pods use. `is_rolled_out`: Kubernetes has replaced all Pods of older templates that it replaces by itself, and the new ones
    are available.
    """

    kind: str
    namespace: str
    name: str
    resource_version: str
    annotations: Mapping[str, str]
    secrets: frozenset[str]
    is_rolled_out: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class NewService:
    """A Service of the type ExternalName to write. `owner` becomes its ownerReference, and is named by an annotation."""

    namespace: str
    name: str
    host: str
    port: int | None
    owner: Resource

    @property
    def ports(self) -> tuple[tuple[str | None, int | None, str | None], ...]:
        """Name, number and protocol; none where the number is not known."""
        return () if self.port is None else (("database", self.port, "TCP"),)


@dataclass(frozen=True)
class ServiceContent:
    """A Service that was read by name.

    `owner` is the uid in the operator's annotation, `owner_uids` are the uids of those ownerReferences that are resources of the
    operator's kinds, `host` is None for a Service of another type. `ports` are name, number and protocol.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    is_labelled: bool
    owner: str | None
    owner_uids: tuple[str, ...]
    other_owners: tuple[Mapping[str, Any], ...]
    host: str | None
    ports: tuple[tuple[str | None, int | None, str | None], ...]


@dataclass(frozen=True)
class Definition:
    """A kind's CustomResourceDefinition. Times are as Kubernetes writes them.

    `deleting_since` is None while nobody deletes it.
    """

    created_at: str
    deleting_since: str | None


class KubeError(Exception):
    """A request to Kubernetes failed."""


class WriteConflict(KubeError):
    """Somebody else wrote first (409 on an update): look again."""


class AlreadyThere(KubeError):
    """An object of that name exists (409 on a create)."""


class NotThere(KubeError):
    """No such object (404)."""


class KubeRefused(KubeError):
    """The API server refused a write or a read (400, 403, 422, or admission with any code): because of a quota, a policy, a
    webhook, or a missing permission. Nothing was changed.
    """


class KubeForbidden(KubeRefused):
    """The API server does not let this account do that (403)."""


class KubeUnreachable(KubeError):
    """No answer, 429 or 5xx: try again later. A write may have had its effect nevertheless."""


class KubeNotLoggedIn(KubeUnreachable):
    """The API server does not take the credentials (401): they may be replaced at any time."""


class ResourceCache(Protocol):
    """All resources of the operator's kinds as last seen. A resource in it never goes back to a lower resourceVersion."""

    def get(self, key: ResourceKey) -> Resource | None: ...

    def of_kind(self, kind: str) -> Iterable[Resource]: ...

    def kinds_in_use(self) -> tuple[str, ...]:
        """Return the kinds of which there is at least one resource, in alphabetical order."""

    def put(self, resource: Resource) -> None:
        """Enter the answer to a write of the operator, unless the cache has a newer version already."""

    def secret_version(self, namespace: str, name: str) -> str | None:
        """Return the resourceVersion of a labelled Secret as last seen; None when no such Secret is known."""

    def knows_secrets(self, namespace: str) -> bool:
        """Return whether every labelled Secret in the namespace is known: the Secrets are watched, and were listed."""

    def service_version(self, namespace: str, name: str) -> str | None:
        """Return the resourceVersion of a labelled Service as last seen; None when no such Service is known."""

    def knows_services(self, namespace: str) -> bool:
        """Return whether every labelled Service in the namespace is known: the Services are watched, and were listed."""

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        """Return a namespace's labels; None when they cannot be known (no permission, or no such namespace)."""

    def namespaces_labelled(self, label: str, value: str) -> Iterable[str]:
        """Return the namespaces with this label and value, as far as labels can be known."""


class Kube(Protocol):
    """The writes to Kubernetes, and the reads by name. Each method raises KubeError and its subclasses, and nothing else.

    A write that carries the resourceVersion raises WriteConflict if the object was changed since `resource` or `old` was read.
    Each write of a resource returns the resource as it is after the write.
    """

    async def set_finalizers(self, resource: Resource, finalizers: tuple[str, ...]) -> Resource:
        """Replace the finalizers; the write carries the resourceVersion."""

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        """Make `.status` exactly this (merge patch of what differs); the write carries the resourceVersion."""

    async def create_owned(
        self, owner: Resource, key: ResourceKey, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        """Create a resource that is garbage-collected with its owner. Raises AlreadyThere."""

    async def change_spec(self, resource: Resource, spec: Mapping[str, Any]) -> Resource:
        """Give these fields of `.spec` these values; the write carries the resourceVersion."""

    async def change_owned(
        self, owner: Resource, resource: Resource, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        """Give these fields of `.spec` these values, and set the annotations and the ownerReference that mark the resource as
        owned; the write carries the resourceVersion.
        """

    async def delete_owned(self, resource: Resource) -> None:
        """Delete exactly this resource (precondition: uid). That it is gone already is no error."""

    async def read_secret(self, namespace: str, name: str) -> SecretContent | None: ...

    async def create_secret(self, secret: NewSecret) -> SecretContent:
        """Create the Secret and return it as it is then. Raises AlreadyThere."""

    async def replace_secret(self, old: SecretContent, secret: NewSecret) -> SecretContent:
        """Replace the operator's data, annotations and ownerReference, and keep those of others; return the Secret as it is
        then. The write carries the resourceVersion.
        """

    async def prove_secret(self, old: SecretContent | None, secret: NewSecret) -> None:
        """Ask by a dry run whether `create_secret` (or, with `old`, `replace_secret`) would work: raises as that method does, and
        writes nothing.
        """

    async def delete_secret(self, secret: SecretContent) -> None:
        """Delete exactly this Secret (precondition: uid). That it is gone already is no error."""

    async def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None: ...

    async def read_workload(self, kind: str, namespace: str, name: str) -> Workload | None:
        """Return a Deployment, StatefulSet or DaemonSet as it is now; None when there is none."""

    async def list_workloads(self, kind: str, namespace: str, selector: str) -> Sequence[Workload]:
        """Return the workloads of a kind with these labels (`name=value,...`), MAX_WORKLOADS at most."""

    async def annotate_pods(self, workload: Workload, annotations: Mapping[str, str]) -> None:
        """Set annotations of the workload's Pods, by which they are replaced; the write carries the resourceVersion."""

    async def read_service(self, namespace: str, name: str) -> ServiceContent | None: ...

    async def create_service(self, service: NewService) -> ServiceContent:
        """Create the Service. Raises AlreadyThere."""

    async def replace_service(self, old: ServiceContent, service: NewService) -> ServiceContent:
        """Make the Service so, and keep labels, annotations and owners of others; the write carries the resourceVersion."""

    async def delete_service(self, service: ServiceContent) -> None:
        """Delete exactly this Service (precondition: uid). That it is gone already is no error."""

    async def read_definition(self, kind: str) -> Definition | None:
        """Return the kind's CustomResourceDefinition as it is now; None when there is none.

        Raises KubeRefused if the operator may not read it.
        """

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        """Post an Event about the resource as well as can be: nothing but a cancellation is raised.

        `type_` is Normal or Warning, `at` the moment that the Event tells of.
        """
