"""What the controller needs of Kubernetes. `kube/` implements it; nothing here knows how.

Resources are plain values. A `Resource` comes out of the cache and out of each successful write.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from pydantic import SecretStr

from managed_databases.reconcile.told import Told

MANAGED_LABEL: Final = "manageddatabases.io/managed"
"""Secrets that carry it, with one of the two values, are watched."""
OWN: Final = "true"
"""Its value on the operator's own Secrets, and on a project's credentials whose change must count at once."""
GIVEN: Final = "password"
"""Its value on a Secret whose keys are passwords that resources may be given. Whoever may write a resource, but may not read
Secrets, gets nothing of a Secret that does not say so; in particular not of the operator's own.
"""


class ResourceKey(NamedTuple):
    """Names one resource. `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One custom resource as the API server showed it; `managedFields` and other weight are dropped."""

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

    @property
    def told(self) -> Told:
        """The status, by names."""
        return Told(self.status)


@dataclass(frozen=True)
class SecretContent:
    """A Secret that was read by name. Values never appear in its repr. `owner_uids` are those of its
    ownerReferences that are resources of ours, `other_owners` the other references."""

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
    """A Secret to write. `owner` sets an ownerReference (garbage collection deletes it with its owner). Of a Secret that is
    there, `drops` are the keys to take away; others that are not in `data` are other people's, and stay.
    """

    namespace: str
    name: str
    type: str
    annotations: Mapping[str, str]
    data: Mapping[str, SecretStr] = field(repr=False)
    owner: Resource | None = None
    drops: frozenset[str] = frozenset()


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
    """Someone else wrote first (409 on an update): look again."""


class AlreadyThere(KubeError):
    """An object of that name exists (409 on a create)."""


class NotThere(KubeError):
    """No such object (404)."""


class KubeRefused(KubeError):
    """The API server said no (400, 403, 422, or its admission with any code), to a write or to a read: by a quota, a policy, a
    webhook, or for lack of a permission. Nothing was changed."""


class KubeUnreachable(KubeError):
    """No answer, 429 or 5xx: try again later. A write may have had its effect."""


class ResourceCache(Protocol):
    """All resources of our kinds as last seen. Never goes back to a lower resourceVersion."""

    def get(self, key: ResourceKey) -> Resource | None: ...

    def of_kind(self, kind: str) -> Iterable[Resource]: ...

    def kinds_in_use(self) -> tuple[str, ...]:
        """The kinds of which there is at least one resource, in alphabetical order."""

    def put(self, resource: Resource) -> None:
        """Enter an own write's answer, unless something newer is there already."""

    def secret_version(self, namespace: str, name: str) -> str | None:
        """The resourceVersion of one of our own (labelled) Secrets as last seen; None when none is known."""

    def knows_secrets(self, namespace: str) -> bool:
        """Whether every Secret of ours in that namespace is known: they are watched, and were listed."""

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        """A namespace's labels; None when they cannot be known (no permission, or no such namespace)."""


class Kube(Protocol):
    """The writes, and the reads by name. Each raises the errors above and nothing else."""

    async def set_finalizers(self, resource: Resource, finalizers: tuple[str, ...]) -> Resource:
        """Replace the finalizers; carries the resourceVersion."""

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource:
        """Make `.status` exactly this (merge patch of what differs); carries the resourceVersion."""

    async def create_owned(
        self, owner: Resource, key: ResourceKey, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        """Create a resource that is garbage-collected with its owner. Raises AlreadyThere."""

    async def change_spec(self, resource: Resource, spec: Mapping[str, Any]) -> Resource:
        """Make these fields of `.spec` so; carries the resourceVersion."""

    async def change_owned(
        self, owner: Resource, resource: Resource, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> Resource:
        """Make these fields of `.spec` so, and what marks it as owned; carries the resourceVersion."""

    async def delete_owned(self, resource: Resource) -> None:
        """Delete exactly this one (precondition: uid); one that is gone is no error."""

    async def read_secret(self, namespace: str, name: str) -> SecretContent | None: ...

    async def create_secret(self, secret: NewSecret) -> SecretContent:
        """Raises AlreadyThere."""

    async def replace_secret(self, old: SecretContent, secret: NewSecret) -> SecretContent:
        """Replace our data, annotations and ownerReference, keeping foreign ones; carries the resourceVersion."""

    async def prove_secret(self, old: SecretContent | None, secret: NewSecret) -> None:
        """Ask whether `create_secret`, or with `old` `replace_secret`, would work: raises as these do, writes nothing."""

    async def delete_secret(self, secret: SecretContent) -> None:
        """Delete exactly this one (precondition: uid); one that is gone is no error."""

    async def read_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None: ...

    async def read_definition(self, kind: str) -> Definition | None:
        """The kind's CustomResourceDefinition as it is now; None when there is none. KubeRefused: it may not be read."""

    async def post_event(self, resource: Resource, type_: str, reason: str, message: str, at: datetime) -> None:
        """Best effort: never raises but for cancellation. `type_` is Normal or Warning, `at` when it happened."""
