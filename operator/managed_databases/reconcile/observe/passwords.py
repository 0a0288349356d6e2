"""Passwords: how they are made, and how a hand-made edit of one is noticed."""

import hashlib
import hmac
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from managed_databases.reconcile.observe.seals import Seals, is_same

LENGTH: Final = 32
PASSWORD_CHECK_PURPOSE: Final = "password check"
CHECKSUM_PURPOSE: Final = "checksum of a Secret"
_ALPHABET: Final = string.ascii_letters + string.digits


def generate() -> SecretStr:
    """Return a random password of LENGTH letters and digits, with at least one small letter, one capital and one digit: it is
    safe in every URI and shell, and follows every password policy.
    """
    while True:
        text = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
        if any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text):
            return SecretStr(text)


def check_number(owner_uid: str, password: SecretStr) -> str:
    """Return the check of a password as earlier versions wrote it. It is compared, and never written any more.

    It needs no key, so everybody can compute it, and it gives away 16 bits of a weak password.
    """
    digest = hmac.new(owner_uid.encode(), password.get_secret_value().encode(), hashlib.sha256)
    return digest.hexdigest()[:4]


@dataclass(frozen=True)
class PasswordChecks:
    """Makes and judges the checks that stand beside passwords in Secrets.

    A check is `KEYID.MAC`, bound to the uid of the resource that the Secret was written for. Whoever cannot read the operator's
    key learns nothing from a check.
    """

    seals: Seals

    def make(self, owner_uid: str, password: SecretStr) -> str:
        key = self.seals.key
        assert key is not None, "no pass is made before there is a key"
        message = f"{owner_uid}\0{password.get_secret_value()}".encode()
        return f"{key.id}.{key.mac(PASSWORD_CHECK_PURPOSE, message).hex()[:32]}"

    def checksum(self, owner_uid: str, data: Mapping[str, SecretStr]) -> str:
        """Return the checksum of a Secret's data, of the same form. It tells that something has changed, and proves nothing."""
        key = self.seals.key
        assert key is not None, "no pass is made before there is a key"
        content = sorted((name, value.get_secret_value()) for name, value in data.items())
        message = json.dumps((owner_uid, content)).encode()
        return f"{key.id}.{key.mac(CHECKSUM_PURPOSE, message).hex()[:32]}"

    def judge(self, check: str | None, owner_uid: str, password: SecretStr) -> bool | None:
        """Return whether the password is the one that the check was made of; None if that cannot be told.

        It cannot be told if there is no check, if the check was made with another key, or if it is one of an earlier version and
        does not fit: anybody may have forged that one, and to take it for an edited password would reset the password.
        """
        key = self.seals.key
        if check is None or key is None:
            return None
        if check.startswith(f"{key.id}."):
            return is_same(check, self.make(owner_uid, password))
        return True if is_same(check, check_number(owner_uid, password)) else None
