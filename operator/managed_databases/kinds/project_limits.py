"""Reads quotas, limits and capabilities from the API's answers.

Their fields are not documented. Only this module assumes some, and a row that it does not recognise refuses nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from managed_databases.api.models import Capability, Limit, Quota

UNITS: Final = {"datastores": "datastores", "vcpus": "vCPU", "ram": "MB RAM", "disk": "GB disk"}
"""The names of quotas and limits in the API [assumed], and their words in messages."""


MAX_COUNTED: Final = 2**53


@dataclass(frozen=True)
class QuotaLine:
    """One quota: how much of it the project uses, and how much the project may use."""

    name: str
    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(self.limit - self.used, 0)


@dataclass(frozen=True)
class Range:
    """From `least` to `most`; None where the API does not tell."""

    least: int | None = None
    most: int | None = None


def quota_lines(rows: Iterable[Quota]) -> tuple[QuotaLine, ...]:
    """Return the quotas that can be read. The fields `name`, `used` and `limit` are [assumed]; a negative limit is none."""
    lines = {}
    for row in rows:
        told = row.model_extra or {}
        name, used, limit = told.get("name"), _whole(told.get("used")), _whole(told.get("limit"))
        if isinstance(name, str) and used is not None and limit is not None and limit >= 0:
            lines[name] = QuotaLine(name, used, limit)
    return tuple(lines[name] for name in sorted(lines))


def ranges(rows: Iterable[Limit], engine: str) -> Mapping[str, Range]:
    """Return an engine's limits for a node by name, such as `ram`.

    The fields `engine`, `min`, `max` and `multiplier` are [assumed].
    """
    for row in rows:
        told = row.model_extra or {}
        if told.get("engine") == engine:
            return {name: _range(value) for name, value in told.items() if isinstance(value, Mapping)}
    return {}


def engines_with_limits(rows: Iterable[Limit]) -> tuple[str, ...]:
    engines = ((row.model_extra or {}).get("engine") for row in rows)
    return tuple(sorted({engine for engine in engines if isinstance(engine, str)}))


def supported(rows: Iterable[Capability]) -> tuple[str, ...]:
    """Return the names of the features that the region has. The fields `name` and `is_supported` are [assumed]."""
    names = set()
    for row in rows:
        told = row.model_extra or {}
        if isinstance(name := told.get("name"), str) and told.get("is_supported") is not False:
            names.add(name)
    return tuple(sorted(names))


def _range(told: Mapping[str, object]) -> Range:
    return Range(_whole(told.get("min")), _whole(told.get("max")))


def _whole(value: object) -> int | None:
    """Return an integer that Kubernetes can store, else None: with a greater number it would refuse the whole status."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) < MAX_COUNTED else None
