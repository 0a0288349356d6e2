"""Facts: what a step has found out about a resource's cloud object, and what the status shall therefore say."""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from managed_databases.kinds.shared_fields import CloudStatus, Identity, Intent, Rotated
from managed_databases.kinds.written import Written, names

T = TypeVar("T", bound=CloudStatus)


class Facts(BaseModel):
    """A change of a status. Only the given fields count: each replaces the status's field; None, or an empty value, removes it.

    The fields are those of `CloudStatus`, which knows their names in a status.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    STATUS: ClassVar[type[CloudStatus]] = CloudStatus

    id: str | None = None
    phase: str | None = None
    identity: Identity | None = None
    intent: Intent | None = None
    lost_ids: tuple[str, ...] = ()
    seal: str | None = None
    adopted: bool | None = None
    synced_generation: int | None = None
    managed: tuple[str, ...] = ()
    applying: Mapping[str, str] | None = None
    password_unconfirmed: bool | None = None
    password_check: str | None = None
    password_changed_at: str | None = None
    rotation: Rotated | None = None

    def __bool__(self) -> bool:
        return bool(self.model_fields_set)

    def __or__(self, newer: "Facts") -> "Facts":
        """Return both changes as one; for a field that both have, the newer value counts."""
        model = type(newer) if issubclass(type(newer), type(self)) else type(self)
        return model.model_validate(self._given() | newer._given())

    def applied_to(self, status: T) -> T:
        """Return the status with these fields in place of its own."""
        return status.model_copy(update=self._given())

    def written(self) -> Written:
        """Return the fields as JSON values by their names in a status; None for a field that is to be removed."""
        if not self:
            return {}
        known = names(self.STATUS)
        return {known[name]: _plain(value) for name, value in self._given().items()}

    def _given(self) -> dict[str, object]:
        given = self.model_fields_set
        return {name: getattr(self, name) for name in type(self).model_fields if name in given}


NOTHING = Facts()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_none=True, mode="json")
    if isinstance(value, tuple):
        return list(value) or None
    return dict(value) or None if isinstance(value, Mapping) else value
