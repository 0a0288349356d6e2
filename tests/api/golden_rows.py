"""The golden requests and answers, for every test that needs them; see golden/README.md."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

Mark = Literal["R", "C", "N", "A"]


class Row(BaseModel):
    """One request and one right answer to it. `request` and `answer` are None when there is no body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str
    case: str = ""
    marks: dict[Literal["call", "request", "answer"], Mark]
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    query: dict[str, str] = {}
    request: dict[str, Any] | None = None
    status: int
    answer: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        return f"{self.operation}: {self.case}" if self.case else self.operation


def golden_rows() -> tuple[Row, ...]:
    """All rows of all sections, in the order of the files' names."""
    files = sorted((Path(__file__).parent / "golden").glob("*.yaml"))
    return tuple(Row.model_validate(row) for file in files for row in yaml.safe_load(file.read_text(encoding="utf-8")))
