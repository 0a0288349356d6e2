"""What a pass can decide: one step, a wait, a stall, or nothing left to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from managed_databases.api.calls import Call
from managed_databases.api.models import CloudObject
from managed_databases.kinds.facts import NOTHING, Facts


class Reason(StrEnum):
    """Every `reason` that a condition of the operator can have. Names are API: they only grow."""

    # at rest or under way
    READY = "Ready"
    IN_SYNC = "InSync"
    ABSENT = "Absent"
    CREATING = "Creating"
    DRIFT = "Drift"
    FOUND = "Found"
    ADOPTED = "Adopted"
    LOOKING = "Looking"
    NOT_TOLD = "NotTold"
    PENDING = "Pending"
    RENAMING = "Renaming"
    RESETTING = "Resetting"
    ROTATING = "RotatingPassword"
    DELETING = "Deleting"
    RELEASED = "Released"
    PAUSED = "Paused"
    # waiting for others
    PARENT_NOT_READY = "ParentNotReady"
    PARENT_MISSING = "ParentMissing"
    PROJECT_MISSING = "ProjectMissing"
    PROJECT_NOT_READY = "ProjectNotReady"
    SECRET_MISSING = "SecretMissing"
    BUSY = "Busy"
    RATE_LIMITED = "RateLimited"
    UNREACHABLE = "ApiUnreachable"
    IN_USE = "InUse"
    # a person must act
    INVALID = "Invalid"
    INVALID_SPEC = "InvalidSpec"
    NOT_REVERSIBLE = "NotReversible"
    FORBIDDEN = "Forbidden"
    NAME_NOT_ALLOWED = "NameNotAllowed"
    ALREADY_EXISTS = "AlreadyExists"
    CONFLICT = "Conflict"
    OWNERSHIP_NOT_PROVEN = "OwnershipNotProven"
    RESOURCE_CONFLICT = "ResourceConflict"
    NOT_ADOPTABLE = "NotAdoptable"
    NOTHING_TO_ADOPT = "NothingToAdopt"
    AMBIGUOUS = "Ambiguous"
    DUPLICATE_SUSPECTED = "DuplicateSuspected"
    GONE = "Gone"
    PROTECTED = "Protected"
    PROJECT_CHANGED = "ProjectChanged"
    PARENT_CHANGED = "ParentChanged"
    SECRET_CONFLICT = "SecretConflict"
    PASSWORD_UNKNOWN = "PasswordUnknown"
    PASSWORD_RESET = "PasswordReset"
    APPROVAL_NEEDED = "ApprovalNeeded"
    DRIFT_FIGHT = "DriftFight"
    QUOTA_EXCEEDED = "QuotaExceeded"
    GUARD_NEEDED = "GuardNeeded"
    NOT_SUPPORTED = "NotSupported"
    PENDING_TOO_LONG = "PendingTooLong"
    REFUSED = "Refused"
    KUBERNETES_REFUSES = "KubernetesRefuses"
    OPERATOR_DEFECT = "OperatorDefect"
    # the cloud object's own state
    ERROR = "Error"
    DEGRADED = "Degraded"
    DISK_FULL = "DiskFull"
    DOWN = "Down"
    MAINTENANCE = "Maintenance"
    FLOATING_IP_ON_OTHER_ROLE = "FloatingIPOnOtherRole"
    CREDENTIALS_INCOMPLETE = "CredentialsIncomplete"
    RESTARTING = "Restarting"
    RESTART_INCOMPLETE = "RestartIncomplete"
    SERVICE_INCOMPLETE = "ServiceIncomplete"
    COPY_REFUSED = "CopyRefused"
    COPY_INCOMPLETE = "CopyIncomplete"
    ODD_ANNOTATION = "OddAnnotation"
    # what a login by the operator has found
    PROBING = "Probing"
    NO_CONNECTION = "Unreachable"
    TLS_UNTRUSTED = "TLSUntrusted"
    LOGIN_REFUSED = "LoginRefused"
    # of a project
    CREDENTIALS_INVALID = "CredentialsInvalid"
    ADDRESS_REFUSED = "AddressRefused"
    SNAPSHOT_TOO_LARGE = "SnapshotTooLarge"
    STATUS_UNGUARDED = "StatusUnguarded"
    CATALOGUES_INCOMPLETE = "CataloguesIncomplete"


ASKS_BESIDE: Final = frozenset(
    {
        Reason.FLOATING_IP_ON_OTHER_ROLE,
        Reason.CREDENTIALS_INCOMPLETE,
        Reason.RESTART_INCOMPLETE,
        Reason.COPY_INCOMPLETE,
        Reason.ODD_ANNOTATION,
        Reason.CATALOGUES_INCOMPLETE,
    }
)
"""Reasons of further conditions that ask a person to do something, although the object serves and nothing is held up: Synced is
False with them, and Stalled is not True.
"""


class Risk(IntEnum):
    """What a step does to those who use the database at that moment."""

    NONE = 0
    ONLINE = 1
    RESTART = 2
    DESTRUCTIVE = 3


@dataclass(frozen=True)
class Create:
    """Make the cloud object: finalizer, intent, Secret, POST, id. `Actor` keeps that order."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Change:
    """One changing call on an existing cloud object."""

    reason: Reason
    message: str
    call: Call[CloudObject | None]
    risk: Risk = Risk.ONLINE
    unmanages: tuple[str, ...] = ()
    """The names that leave `status.managed` after the call."""
    manages: tuple[str, ...] = ()
    """The names of the values that the call sets."""
    guards: bool = False
    """Whether the change is of a guard (a firewall, a protection, an address to close): nothing else holds it up."""
    facts: Facts = NOTHING
    """What the status says after the call."""


@dataclass(frozen=True)
class Record:
    """Write facts that were found out into `.status`, without any call."""

    reason: Reason
    message: str
    changes: Facts = NOTHING


@dataclass(frozen=True)
class Delete:
    """Delete the cloud object."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class LetGo:
    """Let the resource go: nothing is left to do in the cloud. With `retain` its Secrets stay."""

    reason: Reason
    message: str
    retain: bool = False


class PasswordStep(StrEnum):
    """The steps by which a password changes; each can be repeated without harm."""

    PREPARE = "prepare"
    """Write the new password into the pending Secret: its creation is the lock."""
    ABANDON = "abandon"
    """Give the pending password up: the cloud does not have it, for certain, and nobody gives it any more."""
    SEND = "send"
    """Send the pending password to the cloud."""
    SWITCH = "switch"
    """Write the pending password into the credentials Secret, then delete the pending one."""
    CONFIRM = "confirm"
    """Send the password that the credentials Secret holds."""
    CONFIRMED = "confirmed"
    """Note that the cloud has the Secret's password."""
    WRITE = "write"
    """Write the credentials Secret, and leave the password as it is."""
    PART = "part"
    """Give the own user a Secret of its own: from now on two users take turns."""
    BEGIN = "begin"
    """Note that a turn begins, or that it is given up."""
    MOUNT = "mount"
    """Give the mounted Secret the login that it shall have, and note whose it is."""
    LOCKED = "locked"
    """Note that the login before opens nothing any more."""
    UNITE = "unite"
    """Let the mounted Secret be the own user's again, and delete the one that nobody mounts."""
    TIDY = "tidy"
    """Delete the Secret that nobody mounts, which an end between two writes has left behind."""


@dataclass(frozen=True)
class Credentials:
    """One step of a password's change, or of the Secret that applications mount."""

    step: PasswordStep
    reason: Reason
    message: str


@dataclass(frozen=True)
class OwnedResource:
    """A resource of another kind that a spec asks for inline. It belongs to the resource with that spec."""

    kind: str
    name: str
    spec: Mapping[str, object]
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those that the operator steers it by."""


@dataclass(frozen=True)
class Arrange:
    """Make one owned resource what it shall be, or, if it is `doomed`, delete it. None in `owned.spec` removes the field.

    With `if_there` an owned resource that is gone by now is not made again.
    """

    reason: Reason
    message: str
    owned: OwnedResource
    doomed: bool = False
    if_there: bool = False


@dataclass(frozen=True)
class Wait:
    """There is nothing to do until something changes. Another pass is worth a try after `seconds`; None: only a change helps."""

    reason: Reason
    message: str
    seconds: float | None = None


@dataclass(frozen=True)
class Stall:
    """A person must act. Another pass is worth a try after `retry_seconds`; None: only a change helps."""

    reason: Reason
    message: str
    retry_seconds: float | None = None


@dataclass(frozen=True)
class Done:
    """The cloud matches the spec. A `reason` other than InSync is worth showing, such as NotReversible."""

    reason: Reason = Reason.IN_SYNC
    message: str = "the cloud matches the spec"


Step = Create | Change | Record | Delete | LetGo | Credentials | Arrange
Verdict = Step | Wait | Stall | Done


def makes_a_call(verdict: Verdict) -> bool:
    """Return whether carrying out the verdict takes a call to the API, and so a turn in the project's line of calls."""
    if isinstance(verdict, Credentials):
        return verdict.step in (PasswordStep.SEND, PasswordStep.CONFIRM)
    return isinstance(verdict, Create | Change | Delete)
