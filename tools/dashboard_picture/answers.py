"""What Prometheus answers to a query over a time."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

Point = tuple[float, float]
STEP_SECONDS: Final = 5


@dataclass(frozen=True)
class Line:
    """`points` are times (seconds since 1970) and values; there is none where Prometheus has no value."""

    labels: Mapping[str, str]
    points: Sequence[Point]


@dataclass(frozen=True)
class Span:
    since: float
    until: float


Ask = Callable[[str], Sequence[Line]]


def asking(prometheus: str, span: Span) -> Ask:
    """Return what asks the Prometheus at this URL. It raises httpx.HTTPError."""
    within: dict[str, Any] = {"start": span.since, "end": span.until, "step": STEP_SECONDS}

    def ask(query: str) -> Sequence[Line]:
        answer = httpx.get(f"{prometheus}/api/v1/query_range", params={"query": query, **within}, trust_env=False)
        return lines(answer.raise_for_status().json())

    return ask


def lines(answer: Mapping[str, Any]) -> list[Line]:
    """Return the lines of an answer; those without any number are left out, as are NaN and infinity."""
    found = [Line(each["metric"], _numbers(each["values"])) for each in answer["data"]["result"]]
    return [line for line in found if line.points]


def _numbers(values: Sequence[tuple[float, str]]) -> list[Point]:
    return [(at, number) for at, text in values if math.isfinite(number := float(text))]
