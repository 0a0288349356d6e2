"""Reads the headers of answers."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from managed_databases.api.masking import MAX_SECRET_LENGTH, Masks

RETRY_AFTER_LIMIT_SECONDS: Final = 3600.0
_REQUEST_ID_HEADERS: Final = ("X-Openstack-Request-Id", "X-Request-Id", "X-Compute-Request-Id")  # [assumed]
_LONGEST: Final = 128
"""The most characters of a header that are read."""
_SECONDS: Final = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_HEADER_SAFE: Final = re.compile(r"[!-~]+")
_UUID_LIKE: Final = re.compile(r"(req-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def http_date(text: str | None) -> datetime | None:
    """Read an HTTP date; None if there is none, or if it cannot be read."""
    try:
        moment = parsedate_to_datetime(text[:_LONGEST]) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def retry_after_seconds(value: str | None, date: str | None) -> float | None:
    """Read `Retry-After`, in seconds within [0, 3600]; None if it is missing or cannot be read.

    A date is taken relative to the answer's own `Date` header, never to this machine's clock (RFC 9110, 10.2.3).
    """
    text = (value or "").strip()[:_LONGEST]
    if _SECONDS.fullmatch(text):
        wanted = float(text)
    else:
        until, said = http_date(text), http_date(date)
        if until is None or said is None:
            return None
        wanted = (until - said).total_seconds()
    return min(max(wanted, 0.0), RETRY_AFTER_LIMIT_SECONDS)


def request_id(headers: httpx.Headers) -> str | None:
    """Return the API's id of this request, for which the provider's support asks; None if the answer has none."""
    for name in _REQUEST_ID_HEADERS:
        value = str(headers.get(name, "")).strip()[:_LONGEST]
        if _HEADER_SAFE.fullmatch(value):
            return value
    return None


def masked_request_id(headers: httpx.Headers, masks: Masks) -> str | None:
    """Return the same as `request_id`, with secrets masked: an answer may repeat the request's secrets in a header.

    An id in the form of the API's ids [assumed: UUIDs] is searched only for the secrets as they are, which takes no time: no
    other spelling of a secret has that form.
    """
    id_ = request_id(headers)
    if id_ is None or (_UUID_LIKE.fullmatch(id_) and not masks.quoted_in(id_)):
        return id_
    return masks.apply(id_)


def fits_a_header(value: str) -> bool:
    """Return whether a token can be sent in a header: visible ASCII without blanks, and not too long for usual servers."""
    return len(value) <= MAX_SECRET_LENGTH and _HEADER_SAFE.fullmatch(value) is not None
