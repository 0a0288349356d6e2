"""Configuration parameters and extensions as the engines' own programs tell them.

`engine_data` has one file for each engine and version, which says what program was asked, and how (tools/engine_catalogue). A
file is read when something of it is asked for. `min`, `max` and `default_value` may depend on the flavor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

DATA: Final = Path(__file__).with_name("engine_data")

REFERENCE_RAM_MB: Final = 4096
"""The RAM, in MB, of the flavor for which a request without `ram` is answered."""

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; `ram_share_default` and `ram_share_max` are in units of `unit` per MB of the flavor's RAM."""

    name: str
    type: str
    default: Any = None
    unit: str = ""
    min: Number | None = None
    max: Number | None = None
    choices: tuple[Any, ...] | None = None
    invalid_values: tuple[Any, ...] | None = None
    is_restart_required: bool = False
    is_changeable: bool = True
    ram_share_default: float | None = None
    ram_share_max: float | None = None

    def default_for(self, ram_mb: int) -> Any:
        return self.default if self.ram_share_default is None else int(self.ram_share_default * ram_mb)

    def most_for(self, ram_mb: int) -> Number | None:
        return self.max if self.ram_share_max is None else int(self.ram_share_max * ram_mb)

    def row(self, ram_mb: int = REFERENCE_RAM_MB, *, limits_as_text: bool = False) -> dict[str, Any]:
        """Return the parameter as the API shows it for a flavor with this much RAM, in MB."""
        told = _text if limits_as_text else _itself
        return {
            "name": self.name,
            "type": self.type,
            "unit": self.unit,
            "min": told(self.min),
            "max": told(self.most_for(ram_mb)),
            "default_value": self.default_for(ram_mb),
            "choices": self.choices,
            "invalid_values": self.invalid_values,
            "is_restart_required": self.is_restart_required,
            "is_changeable": self.is_changeable,
        }

    def objection(self, value: object, ram_mb: int = REFERENCE_RAM_MB) -> str | None:
        """Return what is wrong with a value; None if it is valid."""
        if not self.is_changeable:
            return "this parameter cannot be changed"
        if not _is_of(self.type, value):
            return f"{value!r} is not of type '{self.type}'"
        if self.choices is not None and value not in self.choices:
            return f"{value!r} is not one of {list(self.choices)!r}"
        if self.invalid_values is not None and value in self.invalid_values:
            return f"{value!r} is not allowed"
        if isinstance(value, int | float):
            most = self.most_for(ram_mb)
            if self.min is not None and value < self.min:
                return f"{value} is less than the minimum of {self.min}"
            if most is not None and value > most:
                return f"{value} is greater than the maximum of {most}"
        return None


def _is_of(type_: str, value: object) -> bool:
    if isinstance(value, bool):
        return type_ == "bool"
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
    return isinstance(value, kinds[type_])


def _itself(limit: Number | None) -> Number | None:
    return limit


def _text(limit: Number | None) -> str | None:
    """Return a limit as the API has been seen to write it: `18446744073709551615`, `3.4028235e+38F`."""
    if limit is None or isinstance(limit, int):
        return None if limit is None else str(limit)
    return f"{limit!r}F" if "e" in repr(limit) else repr(limit)


@cache
def parameters(file: str) -> Mapping[str, Parameter]:
    """Return the parameters of a data file, by name."""
    return {row["name"]: _parameter(row) for row in document(file)["parameters"]}


@cache
def extensions(file: str) -> Mapping[str, tuple[str, ...]]:
    """Return the extensions of a data file, with what each needs."""
    return {row["name"]: tuple(row["needs"]) for row in document(file).get("extensions", ())}


def document(file: str) -> dict[str, Any]:
    """Return what is in a data file, as it is."""
    told: dict[str, Any] = orjson.loads((DATA / f"{file}.json").read_bytes())
    return told


def _parameter(row: dict[str, Any]) -> Parameter:
    lists = {name: tuple(row[name]) for name in ("choices", "invalid_values") if row.get(name) is not None}
    return Parameter(**row | lists)
