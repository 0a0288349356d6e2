"""What the API offers: cluster types, flavors, extensions, configuration parameters.

The requests here are of deprecated operations; nothing but the operations' names and envelopes is documented of them:
their fields are taken from the answers [assumed].
"""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from managed_databases.api.models.base_models import WHOLE_LIMIT, AnswerModel, RequestModel, Whole

_LARGEST: Final = 2**64 - 1


def _number(told: object) -> object:
    """Return the number that a text stands for. Raises ValueError for a text that is none."""
    if not isinstance(told, str):
        return told
    text = told.strip().removesuffix("F").removesuffix("f")
    try:
        return int(text)
    except ValueError:
        return float(text)


Limit = Annotated[
    Annotated[int, Field(ge=-WHOLE_LIMIT, le=_LARGEST)] | float,
    BeforeValidator(_number),
]
"""The least or the largest value of a parameter. The API writes it as a number or as text, also as `"18446744073709551615"` and
`"3.4028235e+38F"`; an integer of 64 bits stays exact."""


class DatastoreType(AnswerModel):
    """An engine and its version. A row without the name of an engine cannot be read: it is the type of Secrets, for ever."""

    id: str
    engine: Annotated[str, Field(pattern=r"\S")]
    version: str


class FlavorHost(AnswerModel):
    line: str | None = None
    processor: str | None = None
    available_count: Whole | None = None


class Flavor(AnswerModel):
    """A size on offer: `ram` in MB, `disk` in GB."""

    id: str
    name: str | None = None
    description: str | None = None
    vcpus: Whole | None = None
    ram: Whole | None = None
    disk: Whole | None = None
    fl_size: str | None = None
    datastore_type_ids: tuple[str, ...] | None = None
    host: FlavorHost | None = None


class ConfigurationParameter(AnswerModel):
    id: str
    datastore_type_id: str | None = None
    name: str
    type: str | None = None
    unit: str | None = None
    min: Limit | None = None
    max: Limit | None = None
    default_value: Any = None
    choices: tuple[Any, ...] | None = None
    invalid_values: tuple[Any, ...] | None = None
    is_restart_required: bool | None = None
    is_changeable: bool | None = None


class Role(AnswerModel):
    """A role of PostgreSQL on offer, which a user can have."""

    id: str
    datastore_type_id: str | None = None
    name: str


class UserSettingParameter(AnswerModel):
    """A setting that a user can have. `default_value` is always text; `apply_mechanism` is "guc" or "role_attr"."""

    id: str
    datastore_type_id: str | None = None
    name: str
    type: str | None = None
    unit: str | None = None
    min: Limit | None = None
    max: Limit | None = None
    default_value: str | None = None
    choices: tuple[Any, ...] | None = None
    apply_mechanism: str | None = None
    is_available_for_customer: bool | None = None
    is_changeable: bool | None = None
    can_be_empty: bool | None = None


class AvailableExtension(AnswerModel):
    """An extension on offer. `dependency_ids` are the available extensions that must be there first."""

    id: str
    name: str
    datastore_type_ids: tuple[str, ...] | None = None
    dependency_ids: tuple[str, ...] | None = None


class AvailableExtensionChange(RequestModel):
    """For create and update, both deprecated."""

    name: str | None = None
    datastore_type_ids: tuple[str, ...] | None = None
    dependency_ids: tuple[str, ...] | None = None


class NewConfigurationParameter(RequestModel):
    """For the deprecated create."""

    datastore_type_id: str
    name: str
    type: str
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    default_value: Any = None
    choices: tuple[Any, ...] | None = None
    invalid_values: tuple[Any, ...] | None = None
    is_restart_required: bool | None = None
    is_changeable: bool | None = None


class FlavorChange(RequestModel):
    """For create and update, both deprecated: `ram` in MB, `disk` in GB."""

    name: str | None = None
    description: str | None = None
    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    fl_size: str | None = None
    datastore_type_ids: tuple[str, ...] | None = None


class FlavorHostChange(RequestModel):
    """For the deprecated update of a dedicated host's description."""

    line: str | None = None
    processor: str | None = None
    available_count: int | None = None
