"""What PostgreSQL keeps of a password: enough to check it, and not the password."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

from scramp.core import ScramException
from scramp.utils import saslprep

_ITERATIONS: Final = 4096


def verifier(password: str) -> str:
    """Return a password's verifier (SCRAM-SHA-256, RFC 7677), as PostgreSQL takes it in place of the password."""
    try:
        told = saslprep(password) or password
    except ScramException:  # forbidden characters: PostgreSQL and its clients then take the password as it is
        told = password
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", told.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
