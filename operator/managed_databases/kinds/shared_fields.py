"""The frame that every kind's spec and status share."""

import re
from typing import Annotated, Final, Literal, cast

from pydantic import Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from managed_databases.kinds.schema import Rule, Spec

UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Uuid = Annotated[str, Field(pattern=UUID_PATTERN, max_length=36)]
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""As Kubernetes checks names of objects (DNS-1123 subdomain)."""
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def _checked(pattern: str, longest: int, *, most: int = 253) -> FieldInfo:
    """Text that the API server checks when it is applied, but that is read all the same where it is there already."""
    schema: JsonDict = {"pattern": pattern, "maxLength": longest}
    return cast(FieldInfo, Field(min_length=1, max_length=most, json_schema_extra=schema))


def one_word(longest: int) -> FieldInfo:
    """A word of the API, such as an engine or a region: ASCII, without blanks or anything that cannot be seen."""
    return _checked("^[!-~]+$", longest, most=longest)


def one_line(longest: int) -> FieldInfo:
    """A name that may have blanks and any letters, but no control characters."""
    return _checked(r"^[^\x00-\x1f\x7f]+$", longest, most=longest)


ObjectName = Annotated[str, _checked(NAME_PATTERN, 253)]
"""The name of a Kubernetes object."""
SecretName = Annotated[str, _checked(NAME_PATTERN, 245)]
"""The name of a Secret of ours: beside it stands one whose name is longer by `-pending`."""
NamespaceName = Annotated[str, _checked(f"^{_LABEL}$", 63)]
NamespaceOrAll = Annotated[str, _checked(rf"^(\*|{_LABEL})$", 63)]
"""A namespace, or `*` for every one."""
DataKey = Annotated[str, _checked("^[-._a-zA-Z0-9]+$", 253)]
"""A key in the data of a Secret or ConfigMap."""


def is_object_name(name: str) -> bool:
    return len(name) <= 253 and re.fullmatch(NAME_PATTERN, name) is not None


class NameReference(Spec):
    """Names one object by its Kubernetes name."""

    name: ObjectName = Field(description="The object's metadata.name.")


class ProjectRef(NameReference):
    """The `DatabaseProject` (cluster-scoped) to use."""


class SecretKeyRef(Spec):
    """One key of a Secret in the same namespace that carries the label `manageddatabases.io/managed: password`."""

    name: ObjectName = Field(description="The Secret's name.")
    key: Annotated[DataKey, Field(description="The key in the Secret's data.")] = "password"


EXACTLY_ONE = Rule("has(self.name) != has(self.id)", "say exactly one of name and id")


PollSeconds = Annotated[int, Field(ge=5, le=86400)]


class CloudSpec(Spec):
    """What every kind with a cloud object accepts."""

    adoption: Annotated[
        Literal["Never", "IfExists", "Required"],
        Field(
            description="What to do with a cloud object of this name that already exists: never touch it, take it "
            "over if it is there, or insist on taking one over."
        ),
    ] = "Never"
    deletion_policy: Annotated[
        Literal["Delete", "Retain"],
        Field(description="Whether deleting this resource deletes the cloud object, or lets go of it."),
    ] = "Delete"
    drift_policy: Annotated[
        Literal["Correct", "Report"],
        Field(
            description="What to do when the cloud is changed by other hands: make it as the spec says, or only show "
            "the difference (Synced is False, reason Drift). A change of the spec is always carried out."
        ),
    ] = "Correct"
    poll_seconds: PollSeconds | None = Field(
        default=None,
        description="Look at the cloud at least this often, in seconds, where the project's interval is longer. One "
        "list serves all resources of a kind.",
    )


class Condition(Spec):
    """As Kubernetes' `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316, description="What is told of, such as Ready.")]
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    reason: Annotated[str, Field(max_length=1024, description="Why, in one word for programs.")]
    message: Annotated[str, Field(max_length=32768, description="Why, and what to do, for people.")]
    observed_generation: int | None = Field(default=None, description="The generation of the spec that it is about.")
    last_transition_time: Annotated[str, Field(max_length=40, description="When `status` last changed (UTC).")]


MAX_KEY: Final = 512
"""Characters of each part of a key."""


class Identity(Spec):
    """What the cloud object is, pinned when the intent is written, for good. Deletion uses nothing else."""

    project: Annotated[str, Field(max_length=253, description="The DatabaseProject's name.")]
    project_id: Annotated[str, Field(max_length=64)] = Field(alias="projectID", description="The cloud project's id.")
    region: Annotated[str, Field(max_length=253, description="The region that the object is in.")]
    datastore_id: Annotated[str | None, Field(max_length=36)] = Field(
        default=None, alias="datastoreID", description="The datastore that the object is in."
    )
    name_prefix: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="The prefix of the project that the name was made with."
    )
    key: Annotated[tuple[Annotated[str, Field(max_length=MAX_KEY)], ...], Field(max_length=8)] = Field(
        description="What tells the object from others of its kind, such as the datastore's id and the name."
    )


class Intent(Spec):
    """An attempt to create that may be under way, written before the call.

    `others` are ids with this key that were known before; `wait_seconds` is how long a process that did not see the
    attempt end must wait before it may look; `expected` is what a candidate must equal; `endpoint` is where it was begun.
    """

    attempt: int = Field(description="How many attempts to create there were, this one among them.")
    others: Annotated[tuple[Uuid, ...], Field(max_length=1000)] = Field(
        default=(), description="Ids of objects with the same key that were there before."
    )
    wait_seconds: float = Field(
        description="How long to wait for a call of unknown outcome before the cloud is looked at."
    )
    expected: Annotated[dict[str, object], Field(max_length=16)] = Field(
        default_factory=dict, description="What an object must equal to be taken for the one that was made."
    )
    endpoint: Annotated[str | None, Field(max_length=2048)] = Field(
        default=None, description="The API's address where it was begun: nowhere else can its outcome be seen."
    )

    @property
    def again_seconds(self) -> float:
        """How long the attempt must be over before it is tried again: the longer, the more of them showed nothing, as each
        may have made what only does not show.
        """
        return self.wait_seconds * 4.0 ** min(self.attempt - 1, 2)


class BindingRef(Spec):
    """The Secret that applications mount (Service Binding specification, provisioned service)."""

    name: Annotated[str, Field(max_length=253, description="The Secret's name.")]


class Status(Spec):
    """What every status holds."""

    observed_generation: int = Field(default=-1, description="The generation of the spec that this status is about.")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = Field(
        default=(), description="What is true now: Ready, Synced, Reconciling, Stalled, and what a kind adds."
    )
    last_handled_sync_request: Annotated[str | None, Field(max_length=256)] = Field(
        default=None,
        description="The last request to look at the cloud at once (annotation sync-requested) that was carried out.",
    )


class CloudStatus(Status):
    """The status of a kind with a cloud object."""

    id: Annotated[str | None, Field(max_length=36)] = Field(default=None, description="The cloud object's id.")
    phase: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="The cloud object's status, as the API tells it."
    )
    identity: Identity | None = None
    intent: Intent | None = None
    lost_ids: Annotated[tuple[Annotated[str, Field(max_length=36)], ...], Field(max_length=10)] = Field(
        default=(),
        alias="lostIDs",
        description="The latest ids that the API said are gone. One that is there again is taken back.",
    )
    seal: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="Proves that id, identity and intent were written by the operator for this very resource: made with a key "
        "that only the operator has.",
    )
    adopted: bool | None = Field(default=None, description="Whether the cloud object was taken over instead of made.")
    synced_generation: int | None = Field(
        default=None, description="The last generation of the spec that the cloud matched."
    )
    managed: Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=1000)] = Field(
        default=(), description="What this operator has set, and will reset once it leaves the spec."
    )
    applying: Annotated[dict[str, Annotated[str, Field(max_length=64)]], Field(max_length=1000)] = Field(
        default_factory=dict,
        description="What is being set, each with a digest of the value that was sent: not known yet to have worked.",
    )
    password_unconfirmed: bool | None = Field(
        default=None, description="The cloud may have another password than the Secret: it is sent again."
    )
    binding: BindingRef | None = None

    @property
    def pinned(self) -> Identity | None:
        """The identity of an object, or of an attempt to make one; None when neither is: then it is the spec that counts."""
        return self.identity if self.id or self.intent else None
