"""What one pass sees: everything that deciding and reporting may depend on, as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Generic

from pydantic import SecretStr
from typing_extensions import TypeVar

from managed_databases.api.models import (
    Action,
    CloudObject,
)
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus
from managed_databases.kinds.verdicts import Reason, Stall, Wait

if TYPE_CHECKING:
    from managed_databases.kinds.managed_datastore_spec import GuestRights

# What is seen of a resource of any kind, where nothing is said of its kind: the controller's view.
S_co = TypeVar("S_co", bound=CloudSpec, default=CloudSpec, covariant=True)
O_co = TypeVar("O_co", bound=CloudObject, default=CloudObject, covariant=True)
T_co = TypeVar("T_co", bound=CloudStatus, default=CloudStatus, covariant=True)


class SpecRefused(Exception):
    """The spec cannot be carried out as it is; carries what to show."""

    def __init__(self, verdict: Stall | Wait) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def all_of(refusals: Sequence[SpecRefused]) -> SpecRefused:
    """Return one refusal that names them all. A stall counts before a wait, and what can be mended before what cannot."""

    def stake(refused: SpecRefused) -> tuple[bool, bool]:
        return not isinstance(refused.verdict, Stall), refused.verdict.reason is Reason.NOT_REVERSIBLE

    first = min(refusals, key=stake).verdict
    told = [first.message, *(one.verdict.message for one in refusals if one.verdict is not first)]
    return SpecRefused(replace(first, message="; ".join(dict.fromkeys(told))))


@dataclass(frozen=True)
class Referred(Generic[S_co, O_co]):
    """A resolved reference, to a resource with such a spec and its cloud object.

    `id` is None until it is known, `object` until the snapshot shows it, `problem` says why it cannot be used yet
    (no such resource, not ACTIVE, not allowed, gone). `spec` is the holder's, None when nobody holds the cloud
    object. `going`: it is being deleted, with all that is in it. `label` is how messages name it.
    """

    label: str
    id: str | None = None
    object: O_co | None = None
    problem: Wait | Stall | None = None
    spec: S_co | None = None
    going: bool = False
    guest: "GuestRights | None" = None
    """What this resource's namespace may do in it (`GuestRights`); None for the holder's own, which may do everything."""


@dataclass(frozen=True)
class PasswordView:
    """The Secrets of a credential, and the password that was given.

    `password` is what the credentials Secret holds, None when it is missing, empty or edited by hand; `pending` is
    the password of a change under way: `pending_sent` tells that this process has sent it, `pending_unclear` that the
    cloud may have it, or may not, and `pending_refused` that the API has just refused it for what it is. `given` is the
    one from `passwordSecretRef`, or the value that the cloud tells. `outdated` means that the credentials Secret is not
    as it should be, `misleads` that with what it holds nobody gets in. `versions` are those of the two Secrets as they
    were read.
    """

    password: SecretStr | None = None
    pending: SecretStr | None = None
    given: SecretStr | None = None
    problem: Wait | Stall | None = None
    pending_sent: bool = False
    pending_unclear: bool = False
    pending_refused: bool = False
    confirmed: bool = False
    outdated: bool = False
    misleads: bool = False
    versions: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True)
class ObservedOwned:
    """A resource that a spec asks for inline, as it is. `is_ours` is False when it belongs to something else."""

    kind: str
    name: str
    spec: Mapping[str, object]
    is_ours: bool
    is_going: bool
    trouble: str | None
    """Why it is not in sync, in its own words; None when it is."""
    is_marked: bool = True
    """Whether it says whose it is, and would go with it."""


class Standing(IntEnum):
    """What proves that the object of a status is its resource's: the lower, the more the claim counts against others."""

    PROVEN = 0
    """The seal of the status says so, or the status claims nothing."""
    TRUSTED = 1
    """It was there when the operator was told to believe what is there, and is not sealed yet."""
    UNPROVEN = 2
    """Nothing does: an adoption, which begins without the claim, is all that may happen."""


@dataclass(frozen=True)
class Presence:
    """Whether the cloud object whose id the status has is there, and whose it is."""

    is_gone: bool = False
    """A 404 of the API itself has confirmed it."""
    is_unsure: bool = False
    """A call on the object ended in an unknown outcome, or what the API tells of it cannot be read."""
    holder: str | None = None
    """Another resource that has the same id."""
    pending_seconds: float | None = None
    """How long the cloud may still be at work before that is news; None when it is not at work, 0 when it is news."""
    returned: tuple[str, ...] = ()
    """Ids that the resource has lost, and that the API shows again."""


@dataclass(frozen=True)
class SameKey(Generic[O_co]):
    """Who else has the resource's key, or may have it."""

    namesakes: tuple[O_co, ...] = ()
    """Cloud objects with this key that no resource holds."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Cloud objects with this key that others hold: id to holder."""
    unreadable: tuple[str, ...] = ()
    """Ids of objects that nobody holds, and that do not tell enough to know whether they have this key."""
    rival: str | None = None
    """An older resource with the same key."""


@dataclass(frozen=True)
class CreationView:
    """What has to be known, or waited for, before an object is made."""

    is_listed: bool = True
    """The collection was listed once."""
    unlisted: Wait | Stall | None = None
    """Why the collection cannot be listed, as far as that is known."""
    has_looked: bool = True
    """False while the last list is older than the wish for an object, where the API would make a second one of the name."""
    unreadable_seconds: float | None = None
    """What is left of the time that a first attempt, or a rename, waits for `SameKey.unreadable` to tell their keys; None when
    it is over.
    """
    settle_seconds: float | None = None
    """What is left of the wait after an attempt of unknown outcome before a list tells what it made; 0 when only that list is
    missing, None when the attempt is settled.
    """
    again_seconds: float | None = None
    """The same for the wait, often longer, before an attempt that has shown nothing is made again."""
    created_id: str | None = None
    """What our own POST has answered, if that is not in the status yet."""


@dataclass(frozen=True)
class DeletionView:
    """What keeps a resource that is being deleted."""

    children: tuple[str, ...] = ()
    """The names of what stands inside its object, or may, and is not being deleted."""
    is_definition_going: bool | None = False
    """It is being deleted because its CustomResourceDefinition is; None when nobody may tell, False as long as nobody asked."""


@dataclass(frozen=True)
class Observed(Generic[S_co, O_co, T_co]):
    """One resource, its references, its cloud object, and what the process remembers of its attempts."""

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
    """Why the project cannot be used: it is missing, not ready, or not for this namespace."""
    refs: Mapping[str, Referred] = field(default_factory=dict)
    """What the spec refers to, by the name of its field."""
    moved: Stall | None = None
    """The datastore's name stands for another one now than the object is in."""
    needed: Mapping[tuple[str, ...], O_co] = field(default_factory=dict)
    """The cloud objects of the keys that the kind needs, as far as they are there."""
    external: O_co | None = None
    """The cloud object whose id the status has."""
    presence: Presence = Presence()
    same_key: SameKey[O_co] = SameKey()
    creation: CreationView = CreationView()
    deletion: DeletionView = DeletionView()
    credential: PasswordView | None = None
    told_before: Mapping[str, str] = field(default_factory=dict)
    """Where to connect, as the credentials Secret of this object says."""
    actions: tuple[Action, ...] = ()
    """The datastore's latest ones."""
    owned: tuple[ObservedOwned, ...] = ()
    """The resources that belong to this one, and those that stand where one shall be made."""

    @property
    def name_prefix(self) -> str:
        """The prefix that the object was made with, pinned with it; for a new one the project's.

        A status that was written before prefixes were pinned tells it by the name that it pins.
        """
        now, pinned = self.project.name_prefix if self.project else "", self.status.pinned
        if pinned is None:
            return now
        if pinned.name_prefix is not None:
            return pinned.name_prefix
        name = str(getattr(self.spec, "name", None) or self.name)
        whole = pinned.key[0] if pinned.key else ""
        return whole.removesuffix(name) if whole.endswith(name) and whole != now + name else now

    @property
    def existing(self) -> O_co:
        """The cloud object, for what happens to one that is there only. Raises LookupError: `decide` has let through too much."""
        if self.external is None:
            raise LookupError("nothing is seen of the cloud object")
        return self.external
