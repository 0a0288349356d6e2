"""What all answers and all requests have in common."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

WHOLE_LIMIT: Final = 2**63
"""From this number on neither Kubernetes nor orjson takes each integer."""

Whole = Annotated[int, Field(ge=-WHOLE_LIMIT, lt=WHOLE_LIMIT)]
"""An integer of an answer. One beyond 64 bits cannot be read, so that it counts as not told."""


class AnswerModel(BaseModel):
    """The base of all that the API answers. No number of a typed field is infinite or NaN; its integers are `Whole`."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class RequestModel(BaseModel):
    """The base of all request bodies, without their envelope."""

    # "constants": a NaN stays one and is refused when the body is written; as null it would reset a parameter.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, ser_json_inf_nan="constants")


def _in_utc(moment: datetime) -> datetime:
    """The API's times have no zone and are UTC. Raises ValueError for one that has no time in UTC, at either end of time."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no time") from None


Time = Annotated[datetime, AfterValidator(_in_utc)]


class CloudObject(AnswerModel):
    """The fields that every cloud object has. Only the id is certain."""

    NEVER_NULL: ClassVar[frozenset[str]] = frozenset({"status"})
    """Fields in which null tells nothing: no object is without them once it has them."""
    NEVER_EMPTY: ClassVar[frozenset[str]] = frozenset()
    """Fields in which an empty value tells nothing, either."""

    id: Annotated[str, Field(min_length=1, max_length=36)]  # [assumed] a UUID: a status takes no longer one
    project_id: str | None = None
    status: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the answer has all fields that every object of its kind has: without these nothing can be decided about it."""
        return all(self.tells(field) for field in _required(type(self)))

    @property
    def in_datastore(self) -> str | None:
        """The id of the datastore that it is in; None for what is in none."""
        parent: str | None = getattr(self, "datastore_id", None)
        return parent

    def tells(self, field: str) -> bool:
        """Whether the answer says something of this field; a null may say that there is nothing."""
        if field not in self.model_fields_set:
            return False
        value = getattr(self, field)
        if value is None:
            return field not in self.NEVER_NULL
        return bool(value) or not (field in self.NEVER_EMPTY or field in _required(type(self)))

    def completed_by(self, older: Self) -> Self:
        """Return this answer with what it does not tell as an older one about the same object has told it."""
        untold = {field: getattr(older, field) for field in older.model_fields_set if not self.tells(field)}
        untold = {field: value for field, value in untold.items() if older.tells(field)}
        return self.model_copy(update=untold) if untold else self


@cache
def _required(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, field in model.model_fields.items() if field.is_required())


class Undocumented(AnswerModel):
    """An answer whose fields are not documented: all are kept, as they came (`model_extra`).

    What is no JSON object stands under the one field `value`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _as_fields(cls, sent: Any) -> Any:
        return sent if isinstance(sent, dict) else {"value": sent}
