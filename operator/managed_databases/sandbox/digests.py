"""Digests of passwords. The sandbox keeps only these: enough to check a password, and never to tell one."""

import hashlib
import hmac
import secrets


def digest(password: str) -> str:
    """Return a salted digest. It is fast on purpose, because it guards only passwords of the sandbox."""
    salt = secrets.token_hex(8)
    return f"{salt}:{_hashed(salt, password)}"


def is_of(password: str, digested: str) -> bool:
    salt, _, hashed = digested.partition(":")
    return hmac.compare_digest(hashed, _hashed(salt, password))


def _hashed(salt: str, password: str) -> str:
    return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
