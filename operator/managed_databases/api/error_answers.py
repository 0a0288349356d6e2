"""Reads answers other than 2xx into the error that says what the caller must do."""

import re
from typing import Final

from managed_databases.api import collections
from managed_databases.api.answers import parse
from managed_databases.api.calls import Collection
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
from managed_databases.api.rows import Unreadable

MESSAGE_LIMIT: Final = 2_000
_LOOKED_AT: Final = 4
PLAIN_TEXT_LIMIT: Final = 200
_INSTANCE: Final = "instance"
"""The word for a node of a datastore, which has no section of its own, in messages about floating IPs."""
_WORDS: Final = {_INSTANCE}.union(*(each.words for each in vars(collections).values() if isinstance(each, Collection)))
_MISSING: Final = re.compile(rf"({'|'.join(sorted(_WORDS))}) \S+ not found\.?", re.IGNORECASE)
"""How the API says that it does not have an object (public clients), with the words of all sections of `collections`."""
_IN_WORDS: Final = "At least one of these fields (allow_read, allow_write) must be true"
"""What is wrong with a request, as the API's schema says it without naming a field (public clients)."""


def error_text(content_type: str, body: bytes) -> tuple[str, int]:
    """Return the message in the body of an error, and how many characters of it may be shown.

    The API's form is `{"error": {"code", "title", "message"}}`; other forms come from a proxy or ingress before the API. The
    text is not masked yet: mask it before any other use.
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
    """Return a text of others as it may be shown: with secrets masked, as one printable line of at most `limit` characters."""
    masked = masks.apply(text, _LOOKED_AT * limit)  # blanks are made one, so that more than `limit` may be of use
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
    """Return the error for an answer other than 2xx; see the table in `errors`.

    Statuses that the table does not name: 413 with `Retry-After` is a rate limit, as in older OpenStack services; the outcome of
    408, and of every status that is not 4xx, is unknown; any other 4xx is a plain Refused [assumed].
    """
    text, limit = error_text(content_type, body)
    message = shown(text, masks, limit) or f"HTTP {status}, no readable message"
    error = _class_for(operation, status, text, message, request_id, retry_after_seconds)
    error.is_from_the_way = not _is_the_apis(body)
    if isinstance(error, NotFound) and (error.is_from_the_way or not _MISSING.fullmatch(text.strip())):
        unclear = f"a 404 that does not name what is missing, so it may not be the API's: {message}"
        error = OutcomeUnknown(operation, unclear, status=status, request_id=request_id)
        error.is_from_the_way = True
    return error


def is_wrong_request(text: str) -> bool:
    """Return whether the message of a 400 says that the request itself is wrong, whatever the state of the objects.

    The API's schema tells the fields in a dictionary: `Validation failure: {'datastore.name': "'' is too short"}`; it has one
    sentence without (public clients). Other prose has been seen for what the state of an object does not allow:
    `Validation failure: datastore cannot be resized`.
    """
    head, colon, told = text.partition(":")
    told = told.strip()
    return (
        head.strip() == "Validation failure" and bool(colon) and (told.startswith("{") or told.rstrip(".") == _IN_WORDS)
    )


def _is_the_apis(body: bytes) -> bool:
    """Return whether the body of an error has the API's form."""
    try:
        document = parse(body)
    except Unreadable:
        return False
    told = document.get("error") if isinstance(document, dict) else None
    return isinstance(told, dict) and isinstance(told.get("message"), str)


def _class_for(
    operation: str,
    status: int,
    text: str,
    message: str,
    request_id: str | None,
    retry_after_seconds: float | None,
) -> ApiError:
    if status == 429 or (status == 413 and retry_after_seconds is not None):
        return RateLimited(operation, message, retry_after_seconds=retry_after_seconds, request_id=request_id)
    classes: dict[int, type[ApiError]] = {
        400: Invalid if is_wrong_request(text) else Busy,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        408: OutcomeUnknown,
        409: Busy,
        422: Invalid,
    }
    otherwise = Refused if 400 <= status < 500 else OutcomeUnknown
    return classes.get(status, otherwise)(operation, message, status=status, request_id=request_id)
