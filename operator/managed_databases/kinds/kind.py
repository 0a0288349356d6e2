"""What a kind declares. The engine knows kinds only through this.

Everything here is data or a pure function: no I/O, no Kubernetes, no clock.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

from managed_databases.api.calls import Call, ObjectCollection
from managed_databases.api.models import CloudObject, Request
from managed_databases.kinds.frame import SecretKeyRef
from managed_databases.kinds.schema import Column, Rule, Scale, Spec
from managed_databases.kinds.seen import ParametersFor, Refused, Seen
from managed_databases.kinds.verdicts import Change, OwnedResource, Reason

NameOrId = tuple[Literal["name", "id"], str, str | None]
"""How a spec refers to something: by the resource's name or the cloud object's id; third, the other namespace."""


@dataclass(frozen=True)
class Reference:
    """One thing that a spec refers to. `parent` is the one whose deletion takes this object with it.

    `waited`: the object is neither made nor changed before this reference is usable. Where it is False, the kind
    makes do with what is known of it. `at_creation_only`: nothing but the creation looks at it, in whatever state it
    is; once the creation is on its way, neither its absence nor its loss matters. `guest_may`: whether what the datastore's
    spec says of another namespace (`GuestRights`) is enough for it.
    """

    field: str
    kind: str
    of: Callable[[Any], NameOrId | None]
    parent: bool = False
    waited: bool = True
    at_creation_only: bool = False
    guest_may: Callable[[Any], bool] = lambda _: True


@dataclass(frozen=True)
class Credential:
    """A password that the operator keeps in a Secret, and the Secret that applications mount.

    `applies` tells whether this spec has one at all; `content` is the Secret's data without the password, and is
    given the password because it may stand inside other values (a URI). `key` is the password's own key.

    With `value_of` it is the cloud that knows the value and tells it (None: not yet): it is never generated, never
    given by people, never sent, and the Secret follows it. Without it, `set_password` is the call that sends one.
    `lacks` says what the API has never told, without which the Secret is of no use; None when nothing is missing.
    """

    suffix: str
    applies: Callable[[Seen], bool]
    secret_name: Callable[[Any], str | None]
    type: Callable[[Seen], str]
    content: Callable[[Seen, SecretStr], Mapping[str, str]]
    given: Callable[[Any], SecretKeyRef | None] = lambda _: None
    set_password: Callable[[str, SecretStr], Call[Any]] | None = None
    value_of: Callable[[Any], SecretStr | None] | None = None
    key: str = "password"
    lacks: Callable[[Seen], str | None] = lambda _: None


@dataclass(frozen=True)
class CloudSide:
    """How a kind's cloud object is found, made, compared and taken away.

    `key` and `key_of` give the same tuple for a resource and for its cloud object (without project). `needs` are
    keys of objects of the same collection that must be there first: they are shown as `Seen.needed`, and looked at again
    when one of them changes. `body` raises
    `Refused` (a verdict to show) when the spec cannot be carried out. `expected` are the immutable fields by which a
    candidate is recognised, as plain JSON values; a key that one of the two functions leaves out is not compared.
    `changes` yields, in order, what differs and can be mended; having yielded all, it raises `Refused` for what cannot.
    `wanted_values` are those of the spec's values that are to be reset once they leave the spec, as digests by name,
    and `actual_values` what the cloud has by the same names: the engine notes in `status.applying` what it is about to
    set, in `status.managed` what has worked, and takes a change's `unmanages` out after its call. `report` adds the kind's own status fields, named
    as in the status; `conditions` are further ones that are true or not now, by their type, those left out being not
    worth telling. `shows_actions` has the API's actions listed by datastore while the object is pending.
    `parameters_for` names the flavor whose configuration limits the spec's check needs; they are read once.
    `owned` are the resources (of `owned_kinds`) that the spec asks for inline: each cloud object has one writer.
    """

    collection: ObjectCollection
    references: tuple[Reference, ...]
    key: Callable[[Seen], tuple[str, ...]]
    key_of: Callable[[Any], tuple[str, ...]]
    body: Callable[[Seen, SecretStr | None], Request]
    expected: Callable[[Seen], Mapping[str, Any]]
    expected_of: Callable[[Any], Mapping[str, Any]]
    changes: Callable[[Seen], Iterable[Change]]
    report: Callable[[Seen], Mapping[str, Any]]
    holds_data: bool
    protected: Callable[[Seen], bool] = lambda _: False
    before_delete: Callable[[Seen], Iterable[Change]] = lambda _: ()
    needs: Callable[[Seen], Iterable[tuple[str, ...]]] = lambda _: ()
    credential: Credential | None = None
    shows_actions: bool = False
    wanted_values: Callable[[Seen], Mapping[str, str]] = lambda _: {}
    actual_values: Callable[[Seen], Mapping[str, str]] = lambda _: {}
    conditions: Callable[[Seen], Mapping[str, tuple[bool, Reason, str]]] = lambda _: {}
    parameters_for: Callable[[Seen], ParametersFor | None] = lambda _: None
    owned: Callable[[Seen], tuple[OwnedResource, ...]] = lambda _: ()
    owned_kinds: tuple[str, ...] = ()


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
    cloud: CloudSide | None = None

    @property
    def singular(self) -> str:
        return self.name.lower()


__all__ = ["CloudObject", "CloudSide", "Credential", "Kind", "NameOrId", "Reference", "Refused", "Seen"]
