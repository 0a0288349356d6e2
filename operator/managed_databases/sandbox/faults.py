"""Faults: lets the sandbox fail as an API fails on a bad day."""

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

import orjson

from managed_databases.sandbox.store import Row
from managed_databases.sandbox.validation import Schema, failures

_NUMBER: Final[Schema] = {"type": ["number", "null"], "minimum": 0}
_COUNT: Final[Schema] = {"type": ["integer", "null"], "minimum": 0}
_SWITCH: Final[Schema] = {"type": "boolean"}
_TOLD: Final[Schema] = {
    "properties": {
        **{key: {"type": ["string", "null"]} for key in ("method", "path", "project")},
        "times": _COUNT,
        "share": _NUMBER | {"maximum": 1},
        "when": {"enum": ["before", "after"]},
        "status": {"type": ["integer", "null"], "minimum": 200, "maximum": 599},
        "headers": {"type": "object"},
        "delay_seconds": {"type": "number", "minimum": 0},
        **dict.fromkeys(("reset", "garbage", "stale_list", "expire_tokens", "held"), _SWITCH),
        "short_list": _COUNT,
        "rows": {"type": ["object", "null"]},
        "effect_after_seconds": _NUMBER,
    },
}

LEFT_OUT: Final = "(left out)"
"""The value in `rows` of a field that the answer shall not have."""

Tables = Mapping[str, Mapping[str, Row]]


@dataclass
class Fault:
    """One fault: the requests that it applies to, and what happens to them.

    It applies to requests whose `method`, `path` (a regular expression, searched in the whole path) and `project` (an id) match:
    at most `times` times, or with the probability `share` (0 to 1), or without either always, until it is removed.

    With `when` "before" the answer of `status`, `body`, `headers`, `reset` or `garbage` comes instead of the request's effect,
    with "after" instead of the real answer, after the effect. The other fields:

    - `delay_seconds`: the answer comes later (with "before" also the effect).
    - `held`: the same, until all faults are removed.
    - `short_list`: lists have only this number of objects, the first ones.
    - `rows`: each object of the answer has these fields, and lacks those whose value is "(left out)".
    - `stale_list`: lists are as they were when the fault was added.
    - `effect_after_seconds`: the connection is closed at once, and the effect comes after this time.
    - `expire_tokens`: all tokens expire just before the request.
    """

    method: str | None = None
    path: str | None = None
    project: str | None = None
    times: int | None = None
    share: float | None = None
    when: Literal["before", "after"] = "before"
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    held: bool = False
    reset: bool = False
    garbage: bool = False
    short_list: int | None = None
    rows: dict[str, Any] | None = None
    stale_list: bool = False
    effect_after_seconds: float | None = None
    expire_tokens: bool = False
    id: str = field(default_factory=lambda: str(uuid4()))
    met: int = 0

    def __post_init__(self) -> None:
        """Check the fields. Raises ValueError for invalid values."""
        if wrong := failures(_TOLD, {one.name: getattr(self, one.name) for one in fields(self)}):
            raise ValueError("; ".join(f"{name}: {why}" for name, why in wrong.items()))
        if self.path is not None:
            try:
                re.compile(self.path)
            except re.error as error:
                raise ValueError(f"path: {error}") from error

    @property
    def answers(self) -> bool:
        """Whether the fault replaces the real answer."""
        return self.status is not None or self.reset or self.garbage


def rewritten(body: Any, fields: Mapping[str, Any]) -> Any:
    """Return an answer's body with these fields in each of its objects."""
    if not isinstance(body, dict):
        return body

    def row(told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        return {name: value for name, value in {**told, **fields}.items() if value != LEFT_OUT}

    return {name: [row(one) for one in told] if isinstance(told, list) else row(told) for name, told in body.items()}


def fault_of(told: Mapping[str, Any]) -> Fault:
    """Return the fault that a JSON object describes. Raises ValueError for unknown fields and invalid values."""
    known = {one.name for one in fields(Fault)} - {"id", "met"}
    if unknown := sorted(set(told) - known):
        raise ValueError(f"unknown fields: {', '.join(unknown)}")
    return Fault(**told)


def read_faults(path: Path) -> list[Fault]:
    """Read a JSON list of faults, each with the fields of `Fault`. Raises ValueError, which says what is wrong, and OSError."""
    try:
        told = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: expected a list of faults: {error}") from error
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise ValueError(f"{path}: expected a list of faults: [{{...}}, ...]")
    faults = []
    for number, one in enumerate(told, start=1):
        try:
            faults.append(fault_of(one))
        except ValueError as error:
            raise ValueError(f"{path}: fault {number} of the list: {error}") from error
    return faults


class Faults:
    """The present faults of a sandbox."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._past: dict[str, Tables] = {}
        self._removed = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._faults)

    def add(self, fault: Fault, tables: Tables) -> None:
        self._faults[fault.id] = fault
        if fault.stale_list:
            self._past[fault.id] = {name: dict(rows) for name, rows in tables.items()}

    def all(self) -> list[Row]:
        return [asdict(fault) for fault in self._faults.values()]

    def clear(self) -> None:
        self._faults.clear()
        self._past.clear()
        self._removed.set()
        self._removed = asyncio.Event()

    def meet(self, method: str, path: str, project: str | None) -> Fault | None:
        """Return the first fault that applies to this request, and count its use; None if none applies."""
        for fault in self._faults.values():
            if (
                (fault.method is None or fault.method == method)
                and (fault.path is None or re.search(fault.path, path))
                and (fault.project is None or fault.project == project)
                and (fault.times is None or fault.met < fault.times)
                and (fault.share is None or random.random() < fault.share)  # noqa: S311 (no secret)
            ):
                fault.met += 1
                return fault
        return None

    async def delay(self, fault: Fault) -> None:
        removed = self._removed
        await asyncio.sleep(fault.delay_seconds)
        if fault.held:
            await removed.wait()

    def past(self, fault: Fault) -> Tables | None:
        return self._past.get(fault.id)
