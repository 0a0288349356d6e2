"""What one pass sees: everything that deciding and reporting may depend on, as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, NamedTuple

from pydantic import SecretStr
from typing_extensions import TypeVar

from managed_databases.api.models import (
    Action,
    AvailableExtension,
    Capability,
    CloudObject,
    ConfigurationParameter,
    DatastoreType,
    Flavor,
    Limit,
    Quota,
)
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus
from managed_databases.kinds.verdicts import Reason, Stall, Wait

if TYPE_CHECKING:
    from managed_databases.kinds.managed_datastore_spec import GuestRights

# What is seen of a resource of any kind, where nothing is said of its kind: the controller's view.
S_co = TypeVar("S_co", bound=CloudSpec, default=CloudSpec, covariant=True)
O_co = TypeVar("O_co", bound=CloudObject, default=CloudObject, covariant=True)
T_co = TypeVar("T_co", bound=CloudStatus, default=CloudStatus, covariant=True)


class Refused(Exception):
    """The spec cannot be carried out as it is; carries what to show."""

    def __init__(self, verdict: Stall | Wait) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def all_of(refusals: Sequence[Refused]) -> Refused:
    """Return one refusal that names them all. A stall counts before a wait, and what can be mended before what cannot."""

    def stake(refused: Refused) -> tuple[bool, bool]:
        return not isinstance(refused.verdict, Stall), refused.verdict.reason is Reason.NOT_REVERSIBLE

    first = min(refusals, key=stake).verdict
    told = [first.message, *(one.verdict.message for one in refusals if one.verdict is not first)]
    return Refused(replace(first, message="; ".join(dict.fromkeys(told))))


class ParametersFor(NamedTuple):
    """A datastore type and a size: `ram` in MB, `disk` in GB. Configuration limits depend on it."""

    type_id: str
    vcpus: int
    ram: int
    disk: int | None


@dataclass(frozen=True)
class Catalogue:
    """What a project offers. `known` is False until it was read once; `version` counts its changes.

    `parameters` are those of each type, with limits for no flavor in particular; `limited` those for a flavor, as far
    as somebody needed them. `limits`, `quotas` and `capabilities` are as the API tells them: their fields are not
    documented. They are empty when they cannot be read, and a change of the quotas is no new version.
    """

    types: tuple[DatastoreType, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    parameters: Mapping[str, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    limited: Mapping[ParametersFor, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    quotas: tuple[Quota, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    extensions: tuple[AvailableExtension, ...] | None = None
    """None until they were read; `known` does not wait for them."""
    known: bool = False
    version: int = 0

    def type_of(self, type_id: str | None) -> DatastoreType | None:
        return next((type_ for type_ in self.types if type_.id == type_id), None)


@dataclass(frozen=True)
class ProjectView:
    """A project as the kinds see it. `endpoint` is the API's address."""

    name: str
    project_id: str
    region: str
    catalogue: Catalogue = Catalogue()
    name_prefix: str = ""
    ca_certificate: str | None = None
    ports: PortNumbers = field(default_factory=PortNumbers)
    powers: frozenset[str] = frozenset()
    endpoint: str | None = None
    name_prefixes: tuple[str, ...] = ()
    """How new names in the project may begin, for the namespace that looks; none: as they like."""

    @property
    def place(self) -> str:
        return place(self.project_id, self.region)


def place(project_id: str, region: str) -> str:
    """Where in the cloud objects are: the same for each `DatabaseProject` that leads there, whatever its name."""
    return f"{project_id}/{region}"


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


@dataclass(frozen=True)
class Observed(Generic[S_co, O_co, T_co]):
    """One resource, its references, its cloud object, and what the process remembers of its attempts.

    `moved` says that the datastore's name now stands for another one than the object is in. `returned` are ids that
    the resource has lost and that are there again, `unreadable` those of objects that nobody holds and that do not tell
    enough to know whether they have this key. `told_before` is what the credentials Secret of this object says of where
    to connect.
    `problem` stands for the project: missing, not ready, or not for this namespace. `namesakes` are cloud objects
    with the resource's key that no resource holds, `held_namesakes` those that others hold (id to holder), `rival` an
    older resource with the same key, `holder` another one with the same id. `external_gone` needs a confirmed 404;
    `external_unsure` means that a call on it ended in an unknown outcome, or that the answer about it cannot be read. `listed`
    is False until the collection was listed once, `unlisted` why it cannot be, as far as that is known. `looked` is False
    while the last list is older than the wish for an object, where the API would make a second one of the same name.
    `settle_seconds` is what is left of the wait after an attempt of unknown outcome before a list tells what it made, 0 when
    only that list is missing, None when the attempt is settled; `again_seconds` is the same for the wait, often longer, before
    what has shown nothing is tried again. `created_id` is what our own POST answered, if that is not in the status yet.
    `owned` are the resources that belong to this one, and those that stand where one shall be made.
    `children` name what stands inside this one, or may, and is not being deleted. `definition_going`: it is being deleted because
    its CustomResourceDefinition is; None when nobody may tell, and False as long as nobody asked. `needed` has the cloud
    objects of the keys that the kind needs, as far as they are there. `unproven`: the status says to have an object, and
    nothing proves it; an adoption, which begins without that claim, is all that may happen. `by_trust`: the same, and it is to
    be believed once the cloud shows the object.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    deleting: bool
    spec: S_co
    status: T_co
    project: ProjectView | None = None
    refs: Mapping[str, Referred] = field(default_factory=dict)
    problem: Wait | Stall | None = None
    moved: Stall | None = None
    returned: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    told_before: Mapping[str, str] = field(default_factory=dict)
    external: O_co | None = None
    external_gone: bool = False
    external_unsure: bool = False
    namesakes: tuple[O_co, ...] = ()
    held_namesakes: Mapping[str, str] = field(default_factory=dict)
    rival: str | None = None
    holder: str | None = None
    pending_seconds: float | None = None
    """How long the cloud may still be at work before that is news; None when it is not at work, 0 when it is news."""
    listed: bool = True
    unlisted: Wait | Stall | None = None
    looked: bool = True
    unreadable_seconds: float | None = None
    """What is left of the time that a first attempt, or a rename, waits for what is `unreadable` to tell its key; None when it
    is over.
    """
    settle_seconds: float | None = None
    again_seconds: float | None = None
    created_id: str | None = None
    children: tuple[str, ...] = ()
    definition_going: bool | None = False
    needed: Mapping[tuple[str, ...], O_co] = field(default_factory=dict)
    credential: PasswordView | None = None
    actions: tuple[Action, ...] = ()
    owned: tuple[ObservedOwned, ...] = ()
    unproven: bool = False
    by_trust: bool = False

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
