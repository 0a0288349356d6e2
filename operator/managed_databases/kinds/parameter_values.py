"""Values of parameters and settings, as a spec has them, by name."""

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from managed_databases.kinds.schema import without_nulls

UNSAFE_FROM: Final = 2**63
"""From this number on the API server changes integers in JSON silently, so these must be written as text."""


def _no_nulls(given: object) -> object:
    return without_nulls(given) if isinstance(given, dict) else given


_Name = Annotated[str, Field(max_length=128)]
ParameterValues = Annotated[
    dict[_Name, bool | int | float | Annotated[str, Field(max_length=1024)]],
    Field(max_length=500),
    BeforeValidator(_no_nulls),
]
"""Configuration parameters of a datastore, of which an engine has some hundreds."""
SettingValues = Annotated[
    dict[_Name, bool | int | float | Annotated[str, Field(max_length=255)]],
    Field(max_length=100),
    BeforeValidator(_no_nulls),
]
"""Settings of a user."""
