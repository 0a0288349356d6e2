"""The golden requests and answers, for every test that needs them; see golden/README.md."""

from collections.abc import Iterator
from functools import cache
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


UNKNOWN = "99999999-9999-4999-8999-999999999999"


class PlainSection(BaseModel):
    """A section whose operations all follow the API's pattern: list, get, create, update if it has one, and delete.

    `object` is one of its objects as answers show it, `query` are filters that it matches. `create` and `update` are the bodies
    without their envelope, which is `one`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: str
    one: str
    object: dict[str, Any]
    query: dict[str, str]
    create: dict[str, Any]
    update: dict[str, Any] | None = None

    def rows(self) -> Iterator[Row]:
        every, one = f"/{self.section}", f"/{self.section}/{self.object['id']}"
        yield self._row("list", "GET", every, answer={self.section: [self.object]}, query=self.query, call="R")
        yield self._row("get", "GET", one, answer={self.one: self.object})
        message = f"{self.one.replace('-', '')} {UNKNOWN} not found."
        yield self._row(
            "get",
            "GET",
            f"{every}/{UNKNOWN}",
            case="no such object",
            status=404,
            answer={"error": {"code": 404, "title": "Not Found", "message": message}},
        )
        made = self.object | self.create | {"status": "PENDING_CREATE"}
        yield self._row("create", "POST", every, request={self.one: self.create}, answer={self.one: made})
        if self.update is not None:
            changed = self.object | self.update | {"status": "PENDING_UPDATE"}
            yield self._row("update", "PUT", one, request={self.one: self.update}, answer={self.one: changed})
        yield self._row("delete", "DELETE", one, status=204)

    def _row(
        self, verb: str, method: Literal["GET", "POST", "PUT", "DELETE"], path: str, *, call: Mark = "C", **told: Any
    ) -> Row:
        marks: dict[Literal["call", "request", "answer"], Mark] = {"call": call, "answer": "C"}
        if "request" in told:
            marks["request"] = "R"
        return Row(operation=f"{self.section}.{verb}", marks=marks, method=method, path=path, **{"status": 200} | told)


@cache
def golden_rows() -> tuple[Row, ...]:
    """All rows of all sections, in the order of the files' names."""
    files = sorted((Path(__file__).parent / "golden").glob("*.yaml"))
    written = (row for file in files for row in yaml.safe_load(file.read_text(encoding="utf-8")))
    return tuple(row for each in written for row in _rows(each))


def _rows(written: dict[str, Any]) -> Iterator[Row]:
    if "section" in written:
        yield from PlainSection.model_validate(written).rows()
    else:
        yield Row.model_validate(written)
