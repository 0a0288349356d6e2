"""Records the requests to the API and the identity service, without secrets."""

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from managed_databases.sandbox.store import Row

_KEPT: Final = 100_000
_SECRET_FIELDS: Final = frozenset({"password", "redis_password", "secret"})
_SECRET_HEADERS: Final = frozenset({b"x-auth-token", b"x-subject-token", b"authorization", b"cookie"})


@dataclass(slots=True)
class Request:
    """One request as it arrived; it is parsed only when somebody reads it. `status` 0: it has no answer (yet)."""

    n: int
    at: float
    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    project: str | None = None
    status: int = 0
    fault: str | None = None

    def shown(self) -> Row:
        return {
            "n": self.n,
            "at": datetime.fromtimestamp(self.at, UTC).isoformat(),
            "method": self.method,
            "path": self.path,
            "query": dict(parse_qsl(self.query, keep_blank_values=True)),
            "project": self.project,
            "status": self.status,
            "fault": self.fault,
            "headers": {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in self.headers
                if name not in _SECRET_HEADERS
            },
            "body": _readable(self.body),
        }


class Traffic:
    """The latest requests, in the order of their arrival."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque(maxlen=_KEPT)
        self._count = 0

    def add(
        self, at: float, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> Request:
        self._count += 1
        request = Request(self._count, at, method, path, query, headers, body)
        self._requests.append(request)
        return request

    def shown(self, method: str | None, path: str | None, project: str | None) -> list[Row]:
        """Return the requests with this method, path (a regular expression, searched) and project id. Raises ValueError for an
        invalid expression.
        """
        try:
            pattern = re.compile(path or "")
        except re.error as error:
            raise ValueError(f"path: {error}") from error
        return [
            request.shown()
            for request in self._requests
            if method in (None, request.method) and project in (None, request.project) and pattern.search(request.path)
        ]

    def clear(self) -> None:
        self._requests.clear()


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return masked(orjson.loads(body))
    except orjson.JSONDecodeError:
        return "(not JSON)"


def masked(value: Any) -> Any:
    """Return the same JSON with every password replaced."""
    if isinstance(value, dict):
        return {
            name: "***" if name in _SECRET_FIELDS and isinstance(told, str) else masked(told)
            for name, told in value.items()
        }
    return [masked(told) for told in value] if isinstance(value, list) else value
