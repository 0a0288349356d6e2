"""The fields that the specs and statuses of all kinds share."""

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

from pydantic import Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from managed_databases.kinds.schema import Rule, Spec

if TYPE_CHECKING:
    from managed_databases.kinds.rollout_restart import RestartTarget

UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Uuid = Annotated[str, Field(pattern=UUID_PATTERN, max_length=36)]
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""As Kubernetes checks names of objects (DNS-1123 subdomain)."""
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def _checked(pattern: str, longest: int, *, most: int = 253) -> FieldInfo:
    """Return a field whose pattern only the API server checks, when a manifest is applied.

    The operator reads a value that breaks the pattern all the same: it may have been stored under an older definition.
    """
    schema: JsonDict = {"pattern": pattern, "maxLength": longest}
    return cast(FieldInfo, Field(min_length=1, max_length=most, json_schema_extra=schema))


def one_word(longest: int) -> FieldInfo:
    """Return a field for a word of the API, such as an engine or a region: visible ASCII characters without blanks."""
    return _checked("^[!-~]+$", longest, most=longest)


def one_line(longest: int) -> FieldInfo:
    """Return a field for a name that may have blanks and any letters, but no control characters."""
    return _checked(r"^[^\x00-\x1f\x7f]+$", longest, most=longest)


ObjectName = Annotated[str, _checked(NAME_PATTERN, 253)]
"""The name of a Kubernetes object."""
SecretName = Annotated[str, _checked(NAME_PATTERN, 245)]
"""The name of a credentials Secret: eight characters shorter, because the Secret of a new password has `-pending` behind it."""
NamespaceName = Annotated[str, _checked(f"^{_LABEL}$", 63)]
NamespaceOrAll = Annotated[str, _checked(rf"^(\*|{_LABEL})$", 63)]
"""The name of a namespace, or `*` for every namespace."""
DataKey = Annotated[str, _checked("^[-._a-zA-Z0-9]+$", 253)]
"""A key in the data of a Secret or ConfigMap."""


def is_object_name(name: str) -> bool:
    return len(name) <= 253 and re.fullmatch(NAME_PATTERN, name) is not None


class NameReference(Spec):
    """Names one object by its Kubernetes name."""

    name: ObjectName = Field(description="The object's metadata.name.")


class ProjectRef(NameReference):
    """The `DatabaseProject` (cluster-scoped) to use."""


RoleName = Annotated[str, one_word(63)]
"""A role of PostgreSQL, by its name."""


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
            description="What to do with a cloud object of this name that no resource holds. Never: leave it alone. IfExists: "
            "take it over if it exists, else create one. Required: take it over, and never create one."
        ),
    ] = "Never"
    deletion_policy: Annotated[
        Literal["Delete", "Retain"],
        Field(
            description="Whether deleting this resource deletes the cloud object (Delete) or leaves it in the cloud (Retain)."
        ),
    ] = "Delete"
    drift_policy: Annotated[
        Literal["Correct", "Report"],
        Field(
            description="What to do when somebody else changes the cloud object. Correct: change it back to what the spec says. "
            "Report: only show the difference (Synced is False, reason Drift). A change of the spec is always carried out."
        ),
    ] = "Correct"
    poll_seconds: PollSeconds | None = Field(
        default=None,
        description="The operator looks at the cloud at least this often, in seconds, also if the project's interval is longer. "
        "One list serves all resources of a kind.",
    )
    project_ref: ProjectRef | None = None

    @property
    def stated_name(self) -> str | None:
        """The name in the cloud, if the spec states one; None for a kind whose objects have no name."""
        return None

    @property
    def protects_itself(self) -> bool:
        """Whether the spec itself, without its datastore, has Kubernetes refuse the deletion."""
        return False

    @property
    def asks_for_approval(self) -> bool:
        """Whether changes that interrupt users wait for a person's word."""
        return False

    @property
    def resets_unknown_password(self) -> bool:
        """Whether an adopted object whose password nobody knows gets a new one."""
        return False

    @property
    def probes(self) -> bool | None:
        """Whether the operator has to log in before the object counts as usable; None: as the project says."""
        return None

    @property
    def restarts(self) -> "tuple[RestartTarget, ...]":
        """The workloads to restart once the login in the credentials Secret has changed."""
        return ()

    @property
    def has_service(self) -> bool:
        """Whether Services are to lead to the object."""
        return False


class Condition(Spec):
    """One condition, with the fields of Kubernetes' `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316, description="The name of the condition, such as Ready.")]
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the condition is true.")
    reason: Annotated[str, Field(max_length=1024, description="Why the status is so, in one word for programs.")]
    message: Annotated[str, Field(max_length=32768, description="Why the status is so, and what to do, for people.")]
    observed_generation: int | None = Field(
        default=None, description="The generation of the spec that the condition is about."
    )
    last_transition_time: Annotated[str, Field(max_length=40, description="When `status` last changed (UTC).")]


MAX_KEY: Final = 512
"""The most characters that each part of a key has."""


class Identity(Spec):
    """What identifies the cloud object; written with the first attempt to create or adopt it, and never changed. A deletion
    looks only here, not at the spec.
    """

    project: Annotated[str, Field(max_length=253, description="The DatabaseProject's name.")]
    project_id: Annotated[str, Field(max_length=64)] = Field(alias="projectID", description="The cloud project's id.")
    region: Annotated[str, Field(max_length=253, description="The region that the object is in.")]
    datastore_id: Annotated[str | None, Field(max_length=36)] = Field(
        default=None, alias="datastoreID", description="The datastore that the object is in."
    )
    name_prefix: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="The project's prefix at the time when the object was named."
    )
    key: Annotated[tuple[Annotated[str, Field(max_length=MAX_KEY)], ...], Field(max_length=8)] = Field(
        description="The values that distinguish the object from others of its kind, such as the datastore's id and the name."
    )


class Intent(Spec):
    """An attempt to create the object whose outcome is not known yet; written before the call.

    A process that did not see the attempt end waits `wait_seconds`, and then looks for an object with this key that is not one
    of `others` and equals `expected`.
    """

    attempt: int = Field(description="How many attempts to create the object there were, including this one.")
    others: Annotated[tuple[Uuid, ...], Field(max_length=1000)] = Field(
        default=(), description="Ids of objects with the same key that existed before the attempt."
    )
    wait_seconds: float = Field(
        description="How long, in seconds, the operator waits for a call of unknown outcome before it looks at the cloud."
    )
    expected: Annotated[dict[str, object], Field(max_length=16)] = Field(
        default_factory=dict,
        description="Fields and values that a new object must have, or the operator does not take it for the created one.",
    )
    endpoint: Annotated[str | None, Field(max_length=2048)] = Field(
        default=None,
        description="The address of the API where the attempt was made: the operator looks for its outcome only there.",
    )

    @property
    def again_seconds(self) -> float:
        """Seconds between the end of this attempt and the next attempt: `wait_seconds` times 1, 4, then 16.

        Attempts that showed nothing may have made an object that the API does not show, so the pauses grow.
        """
        return self.wait_seconds * 4.0 ** min(self.attempt - 1, 2)


class BindingRef(Spec):
    """The Secret that applications mount (Service Binding specification, provisioned service)."""

    name: Annotated[str, Field(max_length=253, description="The Secret's name.")]


Side = Literal["Own", "Twin"]
"""One of two users who take turns: the user of the resource itself, or the second one."""


class Rotated(Spec):
    """What is known of the changes of the password."""

    plan: Annotated[str | None, Field(max_length=120)] = Field(
        default=None, description="What the spec said when `dueAt` was computed."
    )
    due_at: Annotated[str | None, Field(max_length=40)] = Field(
        default=None,
        description="The date of the next change (UTC). The change begins within the hour after it.",
    )
    handled_request: Annotated[str | None, Field(max_length=256)] = Field(
        default=None, description="The text of the last annotation rotate-password that a change has answered."
    )
    active: Side | None = Field(
        default=None,
        description="With the strategy TwoUsers, whose login the credentials Secret has: that of this resource's own user (Own), "
        "or of the second one (Twin). Absent while there is only one user.",
    )
    turning_to: Side | None = Field(
        default=None,
        description="The user that is given a new password now; then the credentials Secret gets its login.",
    )
    turn: Annotated[str | None, Field(max_length=40)] = Field(
        default=None, description="When the latest turn began (UTC)."
    )
    switched_at: Annotated[str | None, Field(max_length=40)] = Field(
        default=None, description="When the credentials Secret was last given the other user's login (UTC)."
    )
    lock_at: Annotated[str | None, Field(max_length=40)] = Field(
        default=None,
        description="When the user whose login the credentials Secret had before gets a password that nobody has (UTC). Absent "
        "once it has one.",
    )
    own_changed_for: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="For which turn, or end of one, the password of the own user was changed last."
    )


class Status(Spec):
    """The fields of every kind's status."""

    reason: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="The reason of the worst condition, in this order: Ready is not true, Stalled is true, a condition beside "
        "the usual four is true, Synced is not true. `Ready` if all is well.",
    )
    message: Annotated[str | None, Field(max_length=4_000)] = Field(
        default=None, description="The message of that condition; absent if all is well."
    )
    observed_generation: int = Field(default=-1, description="The generation of the spec that this status is about.")
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = Field(
        default=(), description="The conditions Ready, Synced, Reconciling, Stalled, and further ones of the kind."
    )
    last_handled_sync_request: Annotated[str | None, Field(max_length=256)] = Field(
        default=None,
        description="The text of the last annotation sync-requested that the operator has handled by looking at the cloud.",
    )


MAX_COPIES_TOLD: Final = 32
"""The most copies that there may be at a time, those that are about to go included."""


class CloudStatus(Status):
    """The status of a kind with a cloud object."""

    id: Annotated[str | None, Field(max_length=36)] = Field(default=None, description="The cloud object's id.")
    phase: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="The cloud object's status, in the API's words."
    )
    identity: Identity | None = None
    intent: Intent | None = None
    lost_ids: Annotated[tuple[Annotated[str, Field(max_length=36)], ...], Field(max_length=10)] = Field(
        default=(),
        alias="lostIDs",
        description="Ids of this resource's objects that the API has said to be gone, the latest ten. If the API shows one of "
        "them again, the resource takes it back.",
    )
    seal: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="A keyed hash that proves that the operator wrote id, identity and intent for this very resource; only the "
        "operator has the key.",
    )
    adopted: bool | None = Field(default=None, description="Whether the cloud object was taken over instead of made.")
    synced_generation: int | None = Field(
        default=None, description="The last generation of the spec that the cloud object matched."
    )
    managed: Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=1000)] = Field(
        default=(), description="Fields that the operator has set, and will reset when they are removed from the spec."
    )
    applying: Annotated[dict[str, Annotated[str, Field(max_length=64)]], Field(max_length=1000)] = Field(
        default_factory=dict,
        description="Fields whose values the operator has sent and not yet seen in the cloud, each with a digest of its value.",
    )
    password_unconfirmed: bool | None = Field(
        default=None,
        description="True while the cloud may have another password than the Secret: the operator sends the password again.",
    )
    password_check: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="The check (the Secret's annotation password-check) of the password that the cloud got last. A Secret with "
        "another password was set back: the operator sends that Secret's password again. Only the operator can make a check.",
    )
    password_changed_at: Annotated[str | None, Field(max_length=40)] = Field(
        default=None,
        description="When the operator last set another password (UTC). Absent while that is not known, as of an adopted user.",
    )
    rotation: Rotated | None = None
    binding: BindingRef | None = None
    restarted_for: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="A keyed hash of the login that the workloads of rolloutRestart have: with another one in the credentials "
        "Secret they are restarted. Absent where nobody asks for restarts.",
    )

    copies: Annotated[tuple[Annotated[str, Field(max_length=317)], ...], Field(max_length=MAX_COPIES_TOLD)] = Field(
        default=(),
        description="The copies of the credentials Secret that there may be (namespace/name); a name is here before its Secret.",
    )

    @property
    def pinned(self) -> Identity | None:
        """The identity that counts instead of the spec: that of the object that the resource holds, or of an attempt to
        create one. None without either.
        """
        return self.identity if self.id or self.intent else None
