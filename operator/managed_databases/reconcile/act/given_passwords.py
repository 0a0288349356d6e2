"""Reads the passwords that people give; checks these, and those in the operator's own Secrets, which others may have edited."""

import unicodedata
from dataclasses import dataclass, field
from typing import Final

import structlog
from pydantic import SecretStr

from managed_databases.kinds.shared_fields import SecretKeyRef
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, OWN, Kube, SecretContent

log = structlog.get_logger()

MAX_PASSWORD_LENGTH: Final = 255
"""Characters (docs/api-facts.md, What requests accept)."""


def is_text(value: SecretStr) -> bool:
    """Return whether the value was read from UTF-8. Other bytes stand in the value as lone surrogates, and no call could send
    them.
    """
    try:
        value.get_secret_value().encode()
    except UnicodeEncodeError:
        return False
    return True


def usable(password: SecretStr | None) -> SecretStr | None:
    """Return the password; None if there is none, or if the API would not take it."""
    if password is None or not is_text(password):
        return None
    return password if 0 < len(password.get_secret_value()) <= MAX_PASSWORD_LENGTH else None


def given_password(value: SecretStr) -> SecretStr | str:
    """Return the password that people mean; as a `str`, what is wrong with it, which completes "the password in ...".

    Line breaks at the end are no part of the password: editors and `echo` leave them there. Other control characters are refused:
    they would end up in configuration files of applications, where hardly anybody could tell what they do.
    """
    if not is_text(value):
        return "is no UTF-8 text: give letters, digits and signs"
    text = value.get_secret_value().rstrip("\r\n")
    if not 0 < len(text) <= MAX_PASSWORD_LENGTH:
        return f"must have 1 to {MAX_PASSWORD_LENGTH} characters"
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "holds a line break or another control character: give one without"
    return SecretStr(text)


@dataclass(frozen=True)
class GivenPasswords:
    """Reads the passwords that people give. With `accepts_unlabelled` their Secrets need no label."""

    kube: Kube
    accepts_unlabelled: bool = False
    warned_of: set[tuple[str, str]] = field(default_factory=set)
    """Namespaces and names of the Secrets of which the log says that a password was taken although they lack the label."""

    async def read(self, namespace: str, ref: SecretKeyRef) -> tuple[SecretStr | None, Wait | Stall | None]:
        """Return the password, or why there is none. Raises KubeError."""
        secret = await self.kube.read_secret(namespace, ref.name)
        value = None if secret is None or not self._may_be_given(secret) else secret.data.get(ref.key)
        if value is None:  # the same text whatever is wrong, so that nobody learns which Secrets and keys there are
            return None, Wait(
                Reason.SECRET_MISSING,
                f"there is no Secret {ref.name} with the key {ref.key} and the label {MANAGED_LABEL}: {GIVEN}",
            )
        password = given_password(value)
        if isinstance(password, str):
            return None, Stall(Reason.INVALID_SPEC, f"the password in {ref.name}/{ref.key} {password}")
        return password, None

    def _may_be_given(self, secret: SecretContent) -> bool:
        """Return whether the Secret's label says that its passwords may be given to resources.

        Without the label anybody who may write resources could have the Secrets of the namespace copied.
        """
        if secret.labels.get(MANAGED_LABEL) == GIVEN:
            return True
        if not self.accepts_unlabelled or secret.labels.get(MANAGED_LABEL) == OWN:
            return False
        place = (secret.namespace, secret.name)
        if place not in self.warned_of:
            self.warned_of.add(place)
            log.warning(
                "a password is taken from a Secret without the label, which ends with the next release",
                namespace=secret.namespace,
                secret=secret.name,
                label=f"{MANAGED_LABEL}={GIVEN}",
            )
        return True
