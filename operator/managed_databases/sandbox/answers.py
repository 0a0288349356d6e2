"""The results of handlers: an answer to return, or a refusal to raise."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson


@dataclass(slots=True)
class Answer:
    """One answer. `body` is sent as JSON; None sends no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


class Refusal(Exception):
    """A request is refused and nothing has changed. `is_of_state`: the same request may work once something else is in another
    state.
    """

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None, *, is_of_state: bool = False
    ) -> None:
        super().__init__(message)
        self.is_of_state = is_of_state
        self.status = status
        self.message = message
        self.headers = headers or {}

    def answer(self) -> Answer:
        title = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Unknown"
        body = {"error": {"code": self.status, "title": title, "message": self.message}}
        return Answer(self.status, body, dict(self.headers))


def not_found(word: str, id_: str) -> Refusal:
    return Refusal(404, f"{word} {id_} not found.")


def invalid(message: object) -> Refusal:
    return Refusal(400, f"Validation failure: {message}")


def busy(message: str) -> Refusal:
    """Return a refusal with 409: the same request may work later."""
    return Refusal(409, message, is_of_state=True)


def in_prose(word: str, verb: str) -> Refusal:
    """Return a refusal by a state as the API has once been seen to say it: `datastore cannot be resized` [assumed: the words
    for all other operations].
    """
    return invalid(f"{word} cannot be {verb}")
