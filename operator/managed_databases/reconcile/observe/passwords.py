"""Passwords: how they are made, and how a hand-made edit of one is noticed."""

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from managed_databases.reconcile.observe.seals import Seals, is_same

LENGTH: Final = 32
PASSWORD_CHECK_PURPOSE: Final = "password check"
_ALPHABET: Final = string.ascii_letters + string.digits


def generate() -> SecretStr:
    """32 letters and digits, of each sort at least one: safe in every URI and shell, and for every password policy."""
    while True:
        text = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
        if any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text):
            return SecretStr(text)


def check_number(owner_uid: str, password: SecretStr) -> str:
    """The check of earlier versions: everybody can make it, so of a weak password it gives 16 bits away. Read, never written."""
    digest = hmac.new(owner_uid.encode(), password.get_secret_value().encode(), hashlib.sha256)
    return digest.hexdigest()[:4]


@dataclass(frozen=True)
class PasswordChecks:
    """Checks of passwords, beside these in a Secret: who cannot read the operator's key learns nothing by one.

    A check is `KEYID.MAC`, bound to the uid of the resource that the Secret was written for.
    """

    seals: Seals

    def make(self, owner_uid: str, password: SecretStr) -> str:
        key = self.seals.key
        assert key is not None, "no pass is made before there is a key"
        message = f"{owner_uid}\0{password.get_secret_value()}".encode()
        return f"{key.id}.{key.mac(PASSWORD_CHECK_PURPOSE, message).hex()[:32]}"

    def judge(self, check: str | None, owner_uid: str, password: SecretStr) -> bool | None:
        """Whether the password is the one that the check was made of; None when nobody can tell: there is no check, it was
        made with another key, or it is an earlier version's and does not fit. That one may have been forged, and whoever
        takes it for an edit sets a password anew.
        """
        key = self.seals.key
        if check is None or key is None:
            return None
        if check.startswith(f"{key.id}."):
            return is_same(check, self.make(owner_uid, password))
        return True if is_same(check, check_number(owner_uid, password)) else None
