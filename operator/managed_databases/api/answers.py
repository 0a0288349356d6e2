"""Reading answers: bodies within limits, rows into models, errors into classes. Knows no connection."""

import asyncio
from typing import Any, Final, TypeVar, cast

import httpx
import orjson
from pydantic import ValidationError

from managed_databases.api.calls import Call
from managed_databases.api.errors import (
    ApiError,
    Busy,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unauthorized,
)
from managed_databases.api.masking import Masks
from managed_databases.api.models import Answer

T = TypeVar("T")

ANSWER_LIMIT_BYTES: Final = 64 * 2**20
ERROR_LIMIT_BYTES: Final = 64 * 2**10
ROW_LIMIT: Final = 50_000
DEPTH_LIMIT: Final = 100
MESSAGE_LIMIT: Final = 2_000
PLAIN_TEXT_LIMIT: Final = 200
_ROWS_AT_ONCE: Final = 250


class Unreadable(Exception):
    """A body that is not what the call expects. The text says why and holds nothing of the body."""


class OverLimit(Exception):
    """A body over the limits of size or rows."""


async def read_body(response: httpx.Response, limit_bytes: int) -> bytes:
    """Read a streamed body, at most `limit_bytes` of it (counted after decompression).

    Raises OverLimit, before any byte is read when `Content-Length` gives it away, and what httpx raises.
    """
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit_bytes:
        raise OverLimit(f"the answer has more than {limit_bytes} bytes")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit_bytes:
            raise OverLimit(f"the answer has more than {limit_bytes} bytes")
    return bytes(body)


async def read_answer(call: Call[T], body: bytes) -> T | None:
    """Turn a 2xx body into what the call expects; None for an empty body or a call without an answer.

    A list with one unreadable row is unreadable as a whole: a list with a hole must never look like a deletion.
    The event loop gets its turn after every 250 rows. Raises Unreadable and OverLimit.
    """
    if call.answer is None or not body.strip():
        return None
    found = _under(call.answer_envelope, parse(body), is_object=not call.many)
    if not call.many:
        return cast(T, _row(call.answer, found, "the answer"))
    if not isinstance(found, list):
        raise Unreadable("a list was expected in the answer")
    if len(found) > ROW_LIMIT:
        raise OverLimit(f"the answer has more than {ROW_LIMIT} rows")
    rows: list[Answer] = []
    for start in range(0, len(found), _ROWS_AT_ONCE):
        chunk = found[start : start + _ROWS_AT_ONCE]
        rows += [_row(call.answer, row, f"row {start + n} of the answer") for n, row in enumerate(chunk)]
        await asyncio.sleep(0)
    return cast(T, tuple(rows))


def parse(body: bytes) -> Any:
    """Parse JSON. Raises Unreadable."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    raise Unreadable("the answer is not JSON")


def _under(envelope: str | None, document: object, *, is_object: bool) -> object:
    """What stands in the envelope. An object may come bare: a public client reads a renamed token so."""
    if envelope is None or (is_object and isinstance(document, dict) and envelope not in document and "id" in document):
        return document
    if not isinstance(document, dict) or envelope not in document:
        raise Unreadable(f"the answer has no {envelope!r}")
    return cast(object, document[envelope])


def _row(model: type[Answer], row: object, where: str) -> Answer:
    if too_deep(row):
        raise Unreadable(f"{where} is nested deeper than {DEPTH_LIMIT} levels")
    try:
        return model.model_validate(row)
    except ValidationError as error:
        # Only the name of our own field and pydantic's name of the problem: the rest would quote the answer.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        why = f"{where} cannot be read: {next(iter(first['loc']), model.__name__)}: {first['type']}"
    raise Unreadable(why)


def too_deep(value: object) -> bool:
    """Whether a parsed value is nested deeper than DEPTH_LIMIT. Does not recurse."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def error_text(content_type: str, body: bytes) -> tuple[str, int]:
    """Find the message in the body of an error, and how many characters of it may be shown.

    The API's form is `{"error": {"code", "title", "message"}}`; other forms come from whatever stands before the API.
    The text is as it came: mask it before anything else.
    """
    try:
        document = parse(body)
    except Unreadable:
        document = None
    if isinstance(document, dict):
        for part in (document.get("error"), document, *document.values()):
            for text in (part.get("message"), part.get("title")) if isinstance(part, dict) else (part,):
                if isinstance(text, str) and text.strip():
                    return text, MESSAGE_LIMIT
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/plain" or kind == "application/json" or kind.endswith("+json"):
        return body.decode(errors="replace"), PLAIN_TEXT_LIMIT
    return "", 0


def shown(text: str, masks: Masks, limit: int = MESSAGE_LIMIT) -> str:
    """Make foreign text fit to be shown: secrets masked first, then one printable line of at most `limit`."""
    masked = masks.apply(text)
    return " ".join("".join(char if char.isprintable() else " " for char in masked).split())[:limit]


def error_for(
    operation: str,
    status: int,
    content_type: str,
    body: bytes,
    masks: Masks,
    *,
    request_id: str | None,
    retry_after_seconds: float | None,
) -> ApiError:
    """The error that an answer other than 2xx stands for; see the table in `errors`.

    What that table does not name: 413 with `Retry-After` is a rate limit as older OpenStack services say it, 408 and
    all that is no 4xx is of unknown outcome, any other 4xx is a plain Refused [assumed].
    """
    text, limit = error_text(content_type, body)
    message = shown(text, masks, limit) or f"HTTP {status}, no readable message"
    if status == 429 or (status == 413 and retry_after_seconds is not None):
        return RateLimited(operation, message, retry_after_seconds=retry_after_seconds, request_id=request_id)
    classes: dict[int, type[ApiError]] = {
        400: Invalid if text.lstrip().startswith("Validation failure") else Busy,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        408: OutcomeUnknown,
        409: Busy,
        422: Invalid,
    }
    otherwise = Refused if 400 <= status < 500 else OutcomeUnknown
    return classes.get(status, otherwise)(operation, message, status=status, request_id=request_id)
