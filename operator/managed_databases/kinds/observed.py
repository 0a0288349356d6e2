"""What one pass observes: everything that deciding and reporting may depend on, as a frozen value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from managed_databases.api.models import (
    Action,
    CloudObject,
)
from managed_databases.kinds.credential_views import SAYS_NOTHING, HeldSecret, PasswordView
from managed_databases.kinds.keeper_views import NOTHING_KEPT, KeptViews
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus
from managed_databases.kinds.turns_view import ALONE, PairView
from managed_databases.kinds.verdicts import Reason, Stall, Wait

if TYPE_CHECKING:
    from managed_databases.kinds.managed_datastore_spec import GuestRights

# The defaults are for a resource of any kind, as the controller sees it.
S_co = TypeVar("S_co", bound=CloudSpec, default=CloudSpec, covariant=True)
O_co = TypeVar("O_co", bound=CloudObject, default=CloudObject, covariant=True)
T_co = TypeVar("T_co", bound=CloudStatus, default=CloudStatus, covariant=True)

_UNREAD = Catalogue()


class SpecRefused(Exception):
    """The spec cannot be carried out as it is. `verdict` is the Stall or Wait to show."""

    def __init__(self, verdict: Stall | Wait) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def all_of(refusals: Sequence[SpecRefused]) -> SpecRefused:
    """Return one refusal with all messages. Its reason is that of a stall, if there is one, and rather one that can be mended
    than NotReversible.
    """

    def stake(refused: SpecRefused) -> tuple[bool, bool]:
        return not isinstance(refused.verdict, Stall), refused.verdict.reason is Reason.NOT_REVERSIBLE

    first = min(refusals, key=stake).verdict
    told = [first.message, *(one.verdict.message for one in refusals if one.verdict is not first)]
    return SpecRefused(replace(first, message="; ".join(dict.fromkeys(told))))


@dataclass(frozen=True)
class Referred(Generic[S_co, O_co]):
    """What a reference stands for: a resource, and its cloud object."""

    label: str
    """How messages name it."""
    id: str | None = None
    """The cloud object's id; None until it is known."""
    object: O_co | None = None
    """The cloud object; None until the snapshot shows it."""
    problem: Wait | Stall | None = None
    """Why the reference cannot be used yet: no such resource, not ACTIVE, not allowed, or gone. None if it can be used."""
    is_at_work: bool = False
    """Whether `problem` is only that the cloud is at work on the object, for a while."""
    spec: S_co | None = None
    """The spec of the resource that holds the cloud object; None if nobody holds it."""
    going: bool = False
    """Whether the resource is being deleted, together with its cloud object and all that is in it. For a resource that is being
    deleted itself: and whether it still waits for that.
    """
    held_up: bool = False
    """Whether the status of the resource says that something holds up its deletion."""
    is_gone: bool = False
    """Whether the API has confirmed that the cloud object does not exist any more."""
    guest: "GuestRights | None" = None
    """What the namespace of the referring resource may do in the cloud object; None for the holder's own namespace, which may do
    everything.
    """


@dataclass(frozen=True)
class ObservedOwned:
    """A resource that a spec asks for inline, as it is.

    `is_ours`: annotation and ownerReference both name its owner, as the operator has written them; garbage collection deletes
    the resource with the owner.
    """

    kind: str
    name: str
    spec: Mapping[str, object]
    is_ours: bool
    is_going: bool
    trouble: str | None
    """Why the resource is not in sync, in its own words; None if it is in sync."""
    has_lost_a_mark: bool = False
    """Whether only one of the two marks is there. Then `is_ours` is False: the other one may be by another hand."""


class Standing(IntEnum):
    """What proves the claim of a status to an object. The lower the value, the more the claim counts against other claims."""

    PROVEN = 0
    """The seal of the status proves the claim, or the status claims nothing."""
    TRUSTED = 1
    """The claim was there when the operator was told to believe all claims, and is not sealed yet."""
    UNPROVEN = 2
    """Nothing proves the claim: only an adoption, which begins without the claim, may follow."""


@dataclass(frozen=True)
class Presence:
    """Whether the cloud object whose id the status has is there, and whose it is."""

    is_gone: bool = False
    """Whether a 404 of the API itself has confirmed that the object is gone."""
    is_unsure: bool = False
    """Whether a call on the object had an unknown outcome, or the API's answer about the object cannot be read."""
    holder: str | None = None
    """Another resource that has the same id, as messages may name it; None if there is none."""
    pending_seconds: float | None = None
    """Seconds that the cloud may still be at work on the object before the status says PendingTooLong; 0 when it has to say so,
    None while the cloud is not at work on it.
    """
    returned: tuple[str, ...] = ()
    """Ids of objects that the resource has lost, and that the API shows again."""


@dataclass(frozen=True)
class SameKey(Generic[O_co]):
    """Who else has the resource's key, or may have it."""

    namesakes: tuple[O_co, ...] = ()
    """Cloud objects with this key that no resource holds."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Cloud objects with this key that other resources hold: the holder, as messages may name it, by the object's id."""
    unreadable: tuple[str, ...] = ()
    """Ids of objects that nobody holds, and that may have this key because they do not tell all parts of theirs."""
    dying_seconds: float | None = None
    """Seconds that the cloud's deletion of namesakes may still take before the status says PendingTooLong; 0 when it has to say
    so, None while none of them is being deleted.
    """
    rival: str | None = None
    """Another resource that claims the same key and goes first, as messages may name it; None if there is none."""


@dataclass(frozen=True)
class CreationView:
    """What a pass has to know, or to wait for, before it makes an object."""

    is_listed: bool = True
    """Whether the collection was listed at least once."""
    unlisted: Wait | Stall | None = None
    """Why the collection cannot be listed; None if it can be, or if that is not known."""
    has_looked: bool = True
    """False while the last list is older than the wish for an object, if the API would make a second object with the same name.
    """
    unreadable_seconds: float | None = None
    """Seconds that are left of the time that a first attempt, or a rename, waits for the objects in `SameKey.unreadable` to tell
    their keys; None when that time is over.
    """
    settle_seconds: float | None = None
    """Seconds that are left of the wait after an attempt of unknown outcome, before a list tells what the attempt has made; 0
    when only that list is missing, None when the attempt is settled.
    """
    again_seconds: float | None = None
    """The same for the wait, often longer, before another attempt is made after one that has shown nothing."""
    created_id: str | None = None
    """The id in the answer to the operator's POST, if the status does not have it yet."""


@dataclass(frozen=True)
class DeletionView:
    """What the deletion of a resource depends on."""

    children: tuple[str, ...] = ()
    """The names of the resources whose objects are in its datastore, or may be, and that are not being deleted."""
    patience_seconds: float | None = None
    """Seconds that the resource still waits for the deletion of its datastore, which something holds up; None if nothing does."""
    is_definition_going: bool | None = False
    """Whether the resource is being deleted because its CustomResourceDefinition is; None if the operator may not read that,
    False as long as the operator has not looked.
    """


@dataclass(frozen=True)
class Observed(Generic[S_co, O_co, T_co]):
    """What a pass observes: one resource, its references, its cloud object, and what the process remembers of its attempts."""

    namespace: str
    name: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    deleting: bool
    spec: S_co
    status: T_co
    standing: Standing = Standing.PROVEN
    project: ProjectView | None = None
    problem: Wait | Stall | None = None
    """Why nothing can be done in the cloud: the project is missing, not ready, or not for this namespace, or nothing proves
    what the status claims. None if the project can be used.
    """
    refs: Mapping[str, Referred] = field(default_factory=dict)
    """What the spec refers to, by the name of the spec's field."""
    moved: Stall | None = None
    """The stall for a datastore's name that stands for another datastore now than the one that the object is in."""
    needed: Mapping[tuple[str, ...], O_co] = field(default_factory=dict)
    """By key, the existing cloud objects with keys that the kind needs (`CloudKind.needs`)."""
    external: O_co | None = None
    """The cloud object whose id the status has."""
    presence: Presence = Presence()
    same_key: SameKey[O_co] = SameKey()
    creation: CreationView = CreationView()
    deletion: DeletionView = DeletionView()
    credential: PasswordView | None = None
    held_secret: HeldSecret = SAYS_NOTHING
    """What the credentials Secret says beside its password."""
    kept: KeptViews = NOTHING_KEPT
    """What those know who work beside the passes."""
    actions: tuple[Action, ...] = ()
    """The latest actions of the datastore."""
    owned: tuple[ObservedOwned, ...] = ()
    """The resources that belong to this one, and any other resource that has the name of one that shall be made."""
    pair: PairView = ALONE
    """What two users who take turns know of each other."""
    odd_annotations: str | None = None
    """What is to be said about annotations of the resource that have no effect; None if there are none."""

    @property
    def is_paired(self) -> bool:
        """Return whether two users take turns: the password of the own one is then in a Secret that nobody mounts."""
        return self.status.rotation is not None and self.status.rotation.active is not None

    @property
    def name_prefix(self) -> str:
        """Return the prefix that the object was named with, which the identity pins; for a new object the project's prefix.

        An identity that was written before prefixes were pinned tells the prefix by the name in its key.
        """
        now, pinned = self.project.name_prefix if self.project else "", self.status.pinned
        if pinned is None:
            return now
        if pinned.name_prefix is not None:
            return pinned.name_prefix
        name = self.spec.stated_name or self.name
        whole = pinned.key[0] if pinned.key else ""
        return whole.removesuffix(name) if whole.endswith(name) and whole != now + name else now

    @property
    def told_before(self) -> Mapping[str, str]:
        """Where to connect, as the credentials Secret of this object says: values by the keys of the Secret."""
        return self.held_secret.told

    @property
    def is_password_in_doubt(self) -> bool:
        """Return whether the cloud may have another password than the credentials Secret, as the status or the Secret says."""
        view = self.credential
        return bool(self.status.password_unconfirmed) or (view is not None and (view.is_unvouched or view.is_set_back))

    @property
    def catalogue(self) -> Catalogue:
        """What the project offers; a catalogue that is not read while the project is not known."""
        return _UNREAD if self.project is None else self.project.catalogue

    @property
    def existing(self) -> O_co:
        """Return the cloud object, for steps that need one. Raises LookupError if none is seen: then `decide` has let through a
        step that it should not have.
        """
        if self.external is None:
            raise LookupError("nothing is seen of the cloud object")
        return self.external
