"""What a kind declares. The controller knows kinds only through this.

Everything here is data or a pure function: no I/O, no Kubernetes, no clock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, cast

from pydantic import SecretStr
from typing_extensions import TypeVar

from managed_databases.api.calls import Call, Collection
from managed_databases.api.models import CloudObject, Request
from managed_databases.kinds.observed import O_co, Observed, S_co
from managed_databases.kinds.project_view import ParametersFor
from managed_databases.kinds.schema import Column, Rule, Scale, Spec
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus, SecretKeyRef
from managed_databases.kinds.verdicts import Change, OwnedResource, Reason

if TYPE_CHECKING:
    from managed_databases.kinds.managed_datastore_spec import GuestRights

S = TypeVar("S", bound=CloudSpec, default=CloudSpec)
O = TypeVar("O", bound=CloudObject, default=CloudObject)
T = TypeVar("T", bound=CloudStatus, default=CloudStatus)
Asker_contra = TypeVar("Asker_contra", bound=CloudSpec, default=CloudSpec, contravariant=True)

NameOrId = tuple[Literal["name", "id"], str, str | None]
"""How a spec refers to something: by the resource's name or the cloud object's id; third, the other namespace."""

Conditions = Mapping[str, tuple[bool, Reason, str]]
"""Conditions of a kind's own by their type: whether it is so, why, and what to say."""


@dataclass(frozen=True)
class Reference(Generic[Asker_contra, S_co, O_co]):
    """One thing that a spec (`Asker_contra`) refers to: a resource with such a spec, and its cloud object.

    `parent` is the one whose deletion takes this object with it. `waited`: the object is neither made nor changed before
    this reference is usable. Where it is False, the kind makes do with what is known of it. `at_creation_only`: nothing
    but the creation looks at it, in whatever state it is; once the creation is on its way, neither its absence nor its
    loss matters. `guest_may`: whether what the datastore's spec says of another namespace is enough for it.
    """

    field: str
    kind: str
    of: Callable[[Asker_contra], NameOrId | None]
    parent: bool = False
    waited: bool = True
    at_creation_only: bool = False
    guest_may: "Callable[[GuestRights], bool]" = lambda _: True


@dataclass(frozen=True)
class Credential(Generic[S, O, T]):
    """A password that the operator keeps in a Secret, and the Secret that applications mount.

    `applies` tells whether this spec has one at all; `content` is the Secret's data without the password, and is
    given the password because it may stand inside other values (a URI). `key` is the password's own key.

    With `value_of` it is the cloud that knows the value and tells it (None: not yet): it is never generated, never
    given by people, never sent, and the Secret follows it. Without it, `set_password` is the call that sends one.
    `lacks` says what the API has never told, without which the Secret is of no use; None when nothing is missing.
    """

    suffix: str
    applies: Callable[[Observed[S, O, T]], bool]
    secret_name: Callable[[S], str | None]
    type: Callable[[Observed[S, O, T]], str]
    content: Callable[[Observed[S, O, T], SecretStr], Mapping[str, str]]
    given: Callable[[S], SecretKeyRef | None] = lambda _: None
    set_password: Callable[[str, SecretStr], Call[O]] | None = None
    value_of: Callable[[O], SecretStr | None] | None = None
    key: str = "password"
    lacks: Callable[[Observed[S, O, T]], str | None] = lambda _: None


@dataclass(frozen=True)
class Kind:
    """One kind. Its CRD, RBAC, printer columns and registration follow from this value.

    `rules` stand at the root of the CRD's schema, where CEL may use `self.metadata.name`. `protection` is a CEL
    expression over `oldObject` for the admission policy: true when the DELETE must be refused; empty for none.
    """

    name: str
    plural: str
    short_names: tuple[str, ...]
    spec: type[Spec]
    status: type[Spec]
    columns: tuple[Column, ...]
    namespaced: bool = True
    rules: tuple[Rule, ...] = ()
    protection: str = ""
    scale: Scale | None = None

    @property
    def singular(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class CloudKind(Kind, ABC, Generic[S, O, T]):
    """A kind with a cloud object: how that is found, made, compared and taken away. S is its spec, O what the API tells of
    the object, T its status. A kind's own class has what differs from what stands here.

    `shows_actions` has the API's actions listed by datastore while the object is pending. `owned_kinds` are those of the
    resources that its spec may ask for inline. Without types in brackets it is any kind: see `any_kind`.
    """

    spec: type[S]
    status: type[T]
    collection: Collection[O]
    references: tuple[Reference[S], ...] = ()
    holds_data: bool
    credential: Credential[S, O, T] | None = None
    shows_actions: bool = False
    owned_kinds: tuple[str, ...] = ()

    @property
    def is_inside(self) -> bool:
        """Whether its objects are in another one (a datastore), and go with it."""
        return any(reference.parent for reference in self.references)

    # --- finding and making it ---

    @abstractmethod
    def key(self, observed: Observed[S, O, T]) -> tuple[str, ...]:
        """What tells the object from others of its kind in the project, as the spec says."""

    @abstractmethod
    def key_of(self, obj: O, /) -> tuple[str, ...]:
        """The same, as the API says."""

    def needs(self, observed: Observed[S, O, T]) -> Iterable[tuple[str, ...]]:
        """The keys of objects of the same collection that must be there first: they are shown as `Observed.needed`, and looked
        at again when one of them changes.
        """
        return ()

    @abstractmethod
    def body(self, observed: Observed[S, O, T], password: SecretStr | None) -> Request:
        """What to POST. Raises Refused when the spec cannot be carried out. Without a password it is good for a check only."""

    @abstractmethod
    def expected(self, observed: Observed[S, O, T]) -> Mapping[str, str | None]:
        """The immutable fields by which a candidate is recognised. One that this or `expected_of` leaves out is not compared.

        Raises Refused.
        """

    @abstractmethod
    def expected_of(self, obj: O, /) -> Mapping[str, str | None]:
        """The same fields, as the API says."""

    def parameters_for(self, observed: Observed[S, O, T]) -> ParametersFor | None:
        """The flavor whose configuration limits the spec's check needs; they are read once."""
        return None

    # --- changing it ---

    @abstractmethod
    def changes(self, observed: Observed[S, O, T]) -> Iterable[Change]:
        """What differs and can be mended, in order; having yielded all, it raises Refused for what cannot.

        Only asked when the object is there: `observed.existing`.
        """

    def wanted_values(self, observed: Observed[S, O, T]) -> Mapping[str, str]:
        """Those of the spec's values that are to be reset once they leave the spec, as digests by name. The controller notes in
        `status.applying` what it is about to set, in `status.managed` what has worked, and takes a change's `unmanages` out
        after its call.
        """
        return {}

    def actual_values(self, observed: Observed[S, O, T]) -> Mapping[str, str]:
        """What the cloud has by the same names."""
        return {}

    def owned(self, observed: Observed[S, O, T]) -> tuple[OwnedResource, ...]:
        """The resources (of `owned_kinds`) that the spec asks for inline: each cloud object has one writer."""
        return ()

    # --- telling of it ---

    def report(self, observed: Observed[S, O, T]) -> T:
        """The status with the kind's own fields, as they shall be; what it says of the fields that all have does not count."""
        return self.status()

    def conditions(self, observed: Observed[S, O, T]) -> Conditions:
        """Further conditions that are true or not now; those left out are not worth telling."""
        return {}

    # --- taking it away ---

    @abstractmethod
    def protected(self, observed: Observed[S, O, T]) -> bool:
        """Whether its deletion is refused."""

    def before_delete(self, observed: Observed[S, O, T]) -> Iterable[Change]:
        """What must be done before it can be deleted."""
        return ()


def any_kind(kind: CloudKind[S, O, T]) -> CloudKind:
    """The same kind, for the controller, which works on all of them alike.

    Here a kind's own types are left behind: what its methods are given from now on is what was read with its own models.
    """
    return cast(CloudKind, kind)
