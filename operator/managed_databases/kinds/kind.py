"""What a kind declares. The controller knows kinds through this; of datastores it also knows who is let in, and where to connect.

Everything here is data or a pure function: no I/O, no Kubernetes, no clock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, cast

from pydantic import SecretStr
from typing_extensions import TypeVar

from managed_databases.api.calls import Call, Collection
from managed_databases.api.models import CloudObject, RequestModel
from managed_databases.kinds.keeper_views import Services
from managed_databases.kinds.observed import O_co, Observed, S_co
from managed_databases.kinds.password_rotation import Rotation
from managed_databases.kinds.project_view import ParametersFor
from managed_databases.kinds.schema import BEGUN, Column, Rule, Scale, Spec
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus, SecretKeyRef
from managed_databases.kinds.verdicts import Change, OwnedResource, Reason, Stall, Wait
from managed_databases.probe import Login

if TYPE_CHECKING:
    from managed_databases.kinds.credentials_spec import CopySpec
    from managed_databases.kinds.managed_datastore_spec import GuestRights

S = TypeVar("S", bound=CloudSpec, default=CloudSpec)
O = TypeVar("O", bound=CloudObject, default=CloudObject)
T = TypeVar("T", bound=CloudStatus, default=CloudStatus)
Asker_contra = TypeVar("Asker_contra", bound=CloudSpec, default=CloudSpec, contravariant=True)

NameOrId = tuple[Literal["name", "id"], str, str | None]
"""A reference in a spec: "name" or "id"; the resource's name or the cloud object's id; the other namespace, or None."""

Conditions = Mapping[str, tuple[bool, Reason, str]]
"""Conditions of a kind's own by their type: whether the condition is true, its reason, and its message."""


@dataclass(frozen=True)
class Reference(Generic[Asker_contra, S_co, O_co]):
    """A field by which a spec (of type `Asker_contra`) refers to a resource (with a spec of type `S_co`) and its cloud object.

    `of` reads the reference from the spec; None if the spec has none. `parent`: deleting the object referred to also deletes
    this resource's object. `waited`: this resource's object is neither made nor changed before the object referred to is
    usable; without `waited` the kind works with what is known. `at_creation_only`: only the creation reads the reference, in
    whatever state the other object is; once the creation has begun, its absence does not matter. `serves_without`: this
    resource's object is usable also without the object referred to. `guest_may`: whether the rights that a datastore's spec
    gives to another namespace allow that namespace this reference.
    """

    field: str
    kind: str
    of: Callable[[Asker_contra], NameOrId | None]
    parent: bool = False
    waited: bool = True
    at_creation_only: bool = False
    serves_without: bool = False
    guest_may: "Callable[[GuestRights], bool]" = lambda _: True


@dataclass(frozen=True)
class Credential(Generic[S, O, T]):
    """A password that the operator keeps in a Secret, and the Secret that applications mount.

    `applies` tells whether an object with this spec has a password at all. `content` returns the Secret's data without the
    password under `key`; `content` gets the password because other values may contain it (a URI).

    With `value_of` the cloud makes the value and tells it (None: not yet): nobody generates, gives or sends one, and the
    Secret follows the cloud. Without `value_of`, `set_password` makes the call that sends a password. `lacks` returns
    what is missing without which the Secret is of no use; None if nothing is. `awaits` returns why it is not known yet what the
    Secret holds: no step writes it until then. `left_out` says what of the spec `content` does not
    have, a sentence each; `labels` and `annotations` are those that the spec wants on the Secret. `copies` are the further
    Secrets that the spec asks for; `as_copy` returns the spec whose `content` and `labels` are those of one of them.
    `rotation` tells when the password is changed by itself, `refuses_turns` why no two users can take turns for that.
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
    lacks: Callable[[Observed[S, O, T]], Wait | Stall | None] = lambda _: None
    awaits: Callable[[Observed[S, O, T]], Wait | None] = lambda _: None
    left_out: Callable[[Observed[S, O, T], SecretStr], tuple[str, ...]] = lambda _, __: ()
    labels: Callable[[S], Mapping[str, str]] = lambda _: {}
    annotations: Callable[[S], Mapping[str, str]] = lambda _: {}
    copies: "Callable[[S], tuple[CopySpec, ...]]" = lambda _: ()
    as_copy: "Callable[[S, CopySpec], S]" = lambda spec, _: spec
    rotation: Callable[[S], Rotation | None] = lambda _: None
    refuses_turns: Callable[[Observed[S, O, T]], str | None] = lambda _: "there is one login only"

    def takes_turns(self, observed: Observed[S, O, T]) -> bool:
        """Return whether two users shall take turns, and can."""
        rotation = self.rotation(observed.spec)
        return rotation is not None and rotation.takes_turns and self.refuses_turns(observed) is None


@dataclass(frozen=True)
class Kind:
    """One kind. Its CRD, RBAC rules, printer columns and registration are made from this value.

    `rules` are CEL rules at the root of the CRD's schema, which may use `self.metadata.name`. `protection` is a CEL expression
    over `oldObject` for the admission policy: true if the DELETE must be refused; "" for a kind without such a policy. `begun`
    is a CEL expression over `oldSelf`: true once what never changes is fixed. Until then a mistake can be corrected.
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
    begun: str = BEGUN.format("oldSelf")
    scale: Scale | None = None

    @property
    def singular(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class CloudKind(Kind, ABC, Generic[S, O, T]):
    """A kind with a cloud object: how that object is found, made, compared and deleted. S is the type of its spec, O that of
    the API's answers, T that of its status. The class of a kind overrides what is special about that kind.

    `holds_data`: data goes with the object, so an object that is gone is made again only when a person asks for that.
    `shows_actions`: while an object is pending, the operator lists the API's actions of its datastore. `owned_kinds` are the
    kinds of the resources that a spec may list inline. `same_key` are the words for another object with the key of a spec: an
    object "under this name". `CloudKind` without types in brackets is any kind: see `any_kind`.
    """

    spec: type[S]
    status: type[T]
    collection: Collection[O]
    references: tuple[Reference[S], ...] = ()
    holds_data: bool
    credential: Credential[S, O, T] | None = None
    shows_actions: bool = False
    owned_kinds: tuple[str, ...] = ()
    same_key: str = "under this name"

    @property
    def is_named(self) -> bool:
        """Whether a spec names its object, and so can choose another name."""
        return "name" in self.spec.model_fields

    def with_another_name(self, *others: str) -> str:
        """Return what people can do about an object that has the key of a spec: choose another name, where there is one, or
        one of `others`.
        """
        return ", or ".join(("choose another name", *others) if self.is_named else others)

    @property
    def is_inside(self) -> bool:
        """Whether this kind's objects are in a datastore, and are deleted with it."""
        return any(reference.parent for reference in self.references)

    @property
    def existing_credential(self) -> Credential[S, O, T]:
        """Return the credential, for what only kinds with one need. Raises LookupError if this kind has none."""
        if self.credential is None:
            raise LookupError(f"a {self.name} has no credential")
        return self.credential

    # --- finding and making it ---

    @abstractmethod
    def key(self, observed: Observed[S, O, T]) -> tuple[str, ...]:
        """Return the values that distinguish the object from others of its kind in the project, by the spec and references."""

    @abstractmethod
    def key_of(self, obj: O, /) -> tuple[str, ...]:
        """Return the key of an object as the API tells it; equal to `key` for the object that the spec means."""

    def needs(self, observed: Observed[S, O, T]) -> Iterable[tuple[str, ...]]:
        """Return the keys of objects of the same collection that must exist first. The pass puts these objects into
        `Observed.needed`, and runs again when one of them changes.
        """
        return ()

    @abstractmethod
    def body(self, observed: Observed[S, O, T], password: SecretStr | None) -> RequestModel:
        """Return the body of the POST; without a password it serves only to check the spec.

        Raises SpecRefused if the spec cannot be carried out (a stall), or not yet (a wait).
        """

    @abstractmethod
    def expected(self, observed: Observed[S, O, T]) -> Mapping[str, str | None]:
        """Return the immutable fields by which the object of an attempt to create is recognised.

        A field that `expected` or `expected_of` leaves out is not compared. Raises SpecRefused as `body` does.
        """

    @abstractmethod
    def expected_of(self, obj: O, /) -> Mapping[str, str | None]:
        """Return the same fields of an object as the API tells them."""

    def parameters_for(self, observed: Observed[S, O, T]) -> ParametersFor | None:
        """Return the flavor whose limits for configuration parameters the check of the spec needs; they are read once."""
        return None

    def needs_user_offers(self, observed: Observed[S, O, T]) -> bool:
        """Return whether the check of the spec needs the roles and settings that users can have."""
        return False

    # --- changing it ---

    @abstractmethod
    def changes(self, observed: Observed[S, O, T]) -> Iterable[Change]:
        """Yield the calls that bring the object (`observed.existing`) to its spec, in the order in which they are made.

        After the last one, raises SpecRefused for a difference that no call can change. Asked only if the object exists.
        """

    def wanted_values(self, observed: Observed[S, O, T]) -> Mapping[str, str]:
        """Return digests, by name, of the spec's values that are to be reset once they are removed from the spec.

        The controller writes a value that it is about to set into `status.applying`, moves its name to `status.managed` once
        the cloud shows it, and removes a change's `unmanages` after the call.
        """
        return {}

    def actual_values(self, observed: Observed[S, O, T]) -> Mapping[str, str]:
        """Return digests of the cloud's values by the same names; values that the API does not tell are left out."""
        return {}

    def owned(self, observed: Observed[S, O, T]) -> tuple[OwnedResource, ...]:
        """Return the resources of `owned_kinds` that the spec lists inline. They are resources, so that each cloud object has
        only one writer.
        """
        return ()

    def twin(self, observed: Observed[S, O, T]) -> str | None:
        """Return the name of the resource of the second user, where two take turns; None if none is to be there."""
        return None

    # --- telling of it ---

    def report(self, observed: Observed[S, O, T]) -> T:
        """Return a status with the kind's own fields. The controller computes the fields of all kinds, and ignores them here."""
        return self.status()

    def conditions(self, observed: Observed[S, O, T]) -> Conditions:
        """Return the kind's further conditions. A condition that is left out is removed from the status."""
        return {}

    def login(self, observed: Observed[S, O, T]) -> Login | None:
        """Return where, and as whom, a probe logs in to the object; None for an object that nobody logs in to, and while the API
        tells no host. Only hosts that the API tells for this very object's datastore may be returned.
        """
        return None

    def services(self, observed: Observed[S, O, T]) -> Services | None:
        """Return the Services that the spec asks for; None while it is not known where they lead. Only hosts that the API tells
        for this very object may be returned.
        """
        return None

    # --- taking it away ---

    @abstractmethod
    def protected(self, observed: Observed[S, O, T]) -> bool:
        """Return whether the deletion of this resource is refused."""

    def before_delete(self, observed: Observed[S, O, T]) -> Iterable[Change]:
        """Yield the calls that must be made before the object can be deleted, such as turning its protection off."""
        return ()


def any_kind(kind: CloudKind[S, O, T]) -> CloudKind:
    """Return the same kind without its own types, for the controller, which treats all kinds alike.

    The cast is safe because the controller only gives a kind's methods values that it has read with that kind's own models.
    """
    return cast(CloudKind, kind)
