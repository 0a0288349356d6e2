"""Writes the sandbox's data files: one JSON document an engine and version, one parameter or extension a line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from managed_databases.sandbox.parameters import Parameter


@dataclass(frozen=True)
class Source:
    """Where the rows of a data file come from: a program, its version, and what it was asked."""

    program: str
    version: str
    command: str


@dataclass(frozen=True)
class DataFile:
    """The contents of one data file. `extensions` are names with the names of the extensions that each needs."""

    name: str
    sources: tuple[Source, ...]
    parameters: tuple[Parameter, ...]
    extensions: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self) -> str:
        """Return the file's text, the same for the same contents. A field of a parameter that has its default is left out."""
        sources = [{each.name: getattr(source, each.name) for each in fields(source)} for source in self.sources]
        parts = [
            ("sources", [_line(source) for source in sources]),
            ("parameters", [_line(_told(one)) for one in sorted(self.parameters, key=lambda one: one.name)]),
        ]
        if self.extensions:
            rows = [_line({"name": name, "needs": list(needs)}) for name, needs in sorted(self.extensions.items())]
            parts.append(("extensions", rows))
        lists = [f'"{name}": [\n' + ",\n".join(rows) + "\n]" for name, rows in parts]
        return "{\n" + ",\n".join(lists) + "\n}\n"


def _told(parameter: Parameter) -> dict[str, Any]:
    told = {each.name: getattr(parameter, each.name) for each in fields(parameter)}
    defaults = {each.name: each.default for each in fields(parameter) if each.default is not MISSING}
    return {name: value for name, value in told.items() if name not in defaults or value != defaults[name]}


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
