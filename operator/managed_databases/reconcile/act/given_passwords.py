"""Checks passwords: those that people give, and those in the operator's own Secrets, which other people may have edited."""

import unicodedata
from typing import Final

from pydantic import SecretStr

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
