"""What all answers and all requests have in common."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator


class Answer(BaseModel):
    """The base of all that the API answers."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Request(BaseModel):
    """The base of all request bodies, without their envelope."""

    # "constants": a NaN stays one and is refused when the body is written; as null it would reset a parameter.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, ser_json_inf_nan="constants")


def _in_utc(moment: datetime) -> datetime:
    """The API's times have no zone and are UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


Time = Annotated[datetime, AfterValidator(_in_utc)]


class CloudObject(Answer):
    """What every object has. Only the id is certain."""

    id: str
    project_id: str | None = None
    status: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class Undocumented(Answer):
    """An answer whose fields are not documented: all are kept, as they came (`model_extra`).

    What is no JSON object stands under the one field `value`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _as_fields(cls, sent: Any) -> Any:
        return sent if isinstance(sent, dict) else {"value": sent}
