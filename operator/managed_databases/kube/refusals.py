"""Turns HTTP answers of the API server into errors; status codes are read only here."""

from typing import Final

import orjson

from managed_databases.reconcile.ports import (
    AlreadyThere,
    KubeError,
    KubeForbidden,
    KubeNotLoggedIn,
    KubeRefused,
    KubeUnreachable,
    NotThere,
    WriteConflict,
)

MAX_MESSAGE: Final = 2000
"""The most characters of the API server's message that are kept."""

ADMISSION_REFUSES: Final = ("denied request: ", "denied the request", "failed calling webhook ")
"""How the API server words the refusal of an admission policy, of a webhook, and of one that nobody answers for. The status
code says little: policies and webhooks choose it (401 and 404 among them), and for the last it is 500. Nothing was written."""

FORBIDDEN: Final = ' is forbidden: User "'
"""What the API server's own word on a missing right has in it: a quota is answered with 403 as well."""


def error_for(what: str, status: int, content: bytes) -> KubeError:
    """Return the error for an answer with a status from 400 on. `what` names the attempted request, for messages."""
    reason, message = _read(content)
    text = f"{what}: {status} {reason}: {message}" if message else f"{what}: {status} {reason}"
    if any(words in message for words in ADMISSION_REFUSES):
        return KubeRefused(text)
    match status:
        case 404:
            return NotThere(text)
        case 409 if reason == "AlreadyExists":
            return AlreadyThere(text)
        case 409:
            return WriteConflict(text)
        case 403 if reason == "Forbidden" and FORBIDDEN in message:
            return KubeForbidden(text)
        case 401:
            return KubeNotLoggedIn(text)
        case 408 | 429:
            return KubeUnreachable(text)
        case _ if status >= 500:
            return KubeUnreachable(text)
    return KubeRefused(text)


def _read(content: bytes) -> tuple[str, str]:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "", ""  # not the API server's own words: a proxy's page
    if not isinstance(answer, dict) or answer.get("kind") != "Status":
        return "", ""
    return str(answer.get("reason") or ""), str(answer.get("message") or "")[:MAX_MESSAGE]
