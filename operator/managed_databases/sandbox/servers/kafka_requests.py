"""Kafka's request for users' passwords (AlterUserScramCredentials, KIP-554), which aiokafka lacks.

The broker is told the salted password, and never the password.
"""

import base64
import hashlib
import secrets
from typing import Any, Final

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

_ITERATIONS: Final = 4096
_SCRAM_SHA_512: Final = 2
_API_KEY: Final = 51


def sealed(password: str) -> str:
    """Return salt and salted password of a password."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return ":".join(base64.b64encode(part).decode() for part in (salt, salted))


class _Answer(Response):  # type: ignore[misc]
    API_KEY = _API_KEY
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Struct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = _API_KEY
    API_VERSION = 0
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class SetPassword(Request[_Struct]):  # type: ignore[misc]
    """Give a user a password, as `sealed` returns it; None removes the user."""

    API_KEY = _API_KEY

    def __init__(self, user: str, told: str | None) -> None:
        self._user = user
        self._told = told

    def build(self, request_struct_class: type[_Struct]) -> Any:
        if self._told is None:
            return request_struct_class([(self._user, _SCRAM_SHA_512, {})], [], {})
        salt, salted = map(base64.b64decode, self._told.split(":"))
        return request_struct_class([], [(self._user, _SCRAM_SHA_512, _ITERATIONS, salt, salted, {})], {})
