"""Passwords are kept as digests only: enough to check one, never to tell one."""

import hashlib
import hmac
import secrets


def digest(password: str) -> str:
    """Return a salted digest. Fast on purpose: it guards nothing but sandbox passwords."""
    salt = secrets.token_hex(8)
    return f"{salt}:{_hashed(salt, password)}"


def is_of(password: str, digested: str) -> bool:
    salt, _, hashed = digested.partition(":")
    return hmac.compare_digest(hashed, _hashed(salt, password))


def _hashed(salt: str, password: str) -> str:
    return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
