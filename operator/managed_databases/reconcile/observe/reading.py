"""Reads specs and statuses into their models."""

from collections.abc import Mapping
from typing import Final
from weakref import WeakValueDictionary

from pydantic import ValidationError

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus
from managed_databases.reconcile.packed_spec import MAX_FIELD_BYTES, PACKED_FROM_BYTES, TOO_LARGE, as_text, as_values
from managed_databases.reconcile.ports import Resource, ResourceKey

_SHARED_FIELDS: Final = frozenset(field.alias or name for name, field in CloudStatus.model_fields.items())


class UnreadableSpec(Exception):
    """The resource does not fit its model: another version of the CRD is installed. The text names fields and no values."""


class Specs:
    """Reads each generation of a spec once, and only one of several equal specs: thousands of users may have the same spec."""

    def __init__(self) -> None:
        self._read: dict[ResourceKey, tuple[str, int, CloudSpec]] = {}
        self._equal: WeakValueDictionary[tuple[str, bytes], CloudSpec] = WeakValueDictionary()

    def of(self, kind: CloudKind, resource: Resource) -> CloudSpec:
        """Return the resource's spec. Raises UnreadableSpec."""
        read = self._read.get(resource.key)
        if read is None or read[:2] != (resource.uid, resource.generation):
            text = as_text(resource.spec)
            if len(text) > PACKED_FROM_BYTES:  # read anew each time: a model takes several times the memory of the text
                self._read.pop(resource.key, None)
                return _read(kind, resource)
            told = (kind.name, text)
            spec = self._equal.get(told)
            if spec is None:
                spec = self._equal[told] = _read(kind, resource)
            read = self._read[resource.key] = (resource.uid, resource.generation, spec)
        return read[2]

    def forget(self, key: ResourceKey) -> None:
        self._read.pop(key, None)


def _read(kind: CloudKind, resource: Resource) -> CloudSpec:
    values = as_values(resource.spec)
    if too_large := sorted(name for name, value in values.items() if value == TOO_LARGE):
        raise UnreadableSpec(
            f"spec.{', spec.'.join(too_large)} of {resource.key} has more than {MAX_FIELD_BYTES} bytes as JSON: make it smaller"
        )
    try:
        return kind.spec.model_validate(values)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in told["loc"]) for told in error.errors(include_input=False)})
        raise UnreadableSpec(
            f"this operator cannot read spec.{', spec.'.join(fields)} of {resource.key}: the installed CRDs are of "
            "another version"
        ) from None


def read_status(kind: CloudKind, status: Mapping[str, object]) -> CloudStatus:
    """Return the status. If it cannot be read whole, only its shared fields are read: each pass makes the kind's own fields anew.

    Raises UnreadableSpec if the shared fields cannot be read either.
    """
    shared = {name: value for name, value in status.items() if name in _SHARED_FIELDS}
    for told in (status, shared):
        try:
            return kind.status.model_validate(told)
        except ValidationError:
            continue
    raise UnreadableSpec("this operator cannot read the status' id, identity or intent: it does nothing")
