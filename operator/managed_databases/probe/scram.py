"""Bounds what a login by SCRAM may cost: the server says how many rounds of hashing the client has to compute.

Whoever may set a password in PostgreSQL may set a hash of two thousand million rounds. The drivers compute them in one go, which
no time-out ends: the operator would stand still for everybody.
"""

import hashlib
import secrets
from types import ModuleType
from typing import Final

MAX_ROUNDS: Final = 65_536
"""Some 30 ms. The engines' default is 4,096, and Kafka takes at most 16,384."""


class _Bounded(ModuleType):
    """`hashlib`, with a bound."""

    def __getattr__(self, name: str) -> object:
        return getattr(hashlib, name)

    @staticmethod
    def pbkdf2_hmac(name: str, password: bytes, salt: bytes, rounds: int, length: int | None = None) -> bytes:
        """Above the bound the result is a random one, and the server refuses the login: an exception would be lost in drivers."""
        if rounds > MAX_ROUNDS:
            return secrets.token_bytes(length or hashlib.new(name).digest_size)
        return hashlib.pbkdf2_hmac(name, password, salt, rounds, length)


def bound(driver: ModuleType) -> None:
    """Let this module of a driver compute with a bound. Raises LookupError if it does not compute by `hashlib`."""
    if getattr(driver, "hashlib", None) is None:
        raise LookupError(f"{driver.__name__} hashes by other means: nothing would bound it")
    driver.hashlib = _Bounded("hashlib")  # type: ignore[attr-defined]
