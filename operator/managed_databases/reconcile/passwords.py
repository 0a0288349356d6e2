"""Passwords: how they are made, and how a hand-made edit of one is noticed."""

import hashlib
import hmac
import secrets
import string
from typing import Final

from pydantic import SecretStr

LENGTH: Final = 32
_ALPHABET: Final = string.ascii_letters + string.digits


def generate() -> SecretStr:
    """32 letters and digits, of each sort at least one: safe in every URI and shell, and for every password policy."""
    while True:
        text = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
        if any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text):
            return SecretStr(text)


def check_number(owner_uid: str, password: SecretStr) -> str:
    """16 bits of a keyed digest: enough to notice an edit, of no help in guessing 190 bits of a password."""
    digest = hmac.new(owner_uid.encode(), password.get_secret_value().encode(), hashlib.sha256)
    return digest.hexdigest()[:4]
