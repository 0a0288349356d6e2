"""Which passwords are taken, from people and from Secrets that other hands were at."""

import pytest
from pydantic import SecretStr

from managed_databases.reconcile.act.given_passwords import MAX_PASSWORD_LENGTH, given_password, is_text, usable

NO_TEXT = "\udcff"


@pytest.mark.parametrize(
    ("why", "text", "meant"),
    [
        ("as it is", "right", "right"),
        ("editors and echo leave a line break", "right\n", "right"),
        ("also those of Windows, and several", "right\r\n\n", "right"),
        ("blanks belong to it", " right ", " right "),
        ("any letters", "пароль", "пароль"),
        ("as long as may be", "x" * MAX_PASSWORD_LENGTH, "x" * MAX_PASSWORD_LENGTH),
        ("its line break does not count", "x" * MAX_PASSWORD_LENGTH + "\n", "x" * MAX_PASSWORD_LENGTH),
    ],
)
def test_what_people_mean(why: str, text: str, meant: str) -> None:
    assert given_password(SecretStr(text)) == SecretStr(meant), why


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must have 1 to 255 characters"),
        ("\r\n", "must have 1 to 255 characters"),
        ("x" * (MAX_PASSWORD_LENGTH + 1), "must have 1 to 255 characters"),
        ("two\nlines", "line break"),
        ("a\ttab", "control character"),
        ("a\x7fb", "control character"),
        (NO_TEXT, "no UTF-8"),
    ],
)
def test_what_is_wrong_is_said_without_showing_it(text: str, words: str) -> None:
    said = given_password(SecretStr(text))
    assert isinstance(said, str)
    assert words in said
    assert not text or text not in said


@pytest.mark.parametrize(
    ("text", "is_usable"),
    [("right", True), ("", False), ("x" * MAX_PASSWORD_LENGTH, True), ("x" * (MAX_PASSWORD_LENGTH + 1), False), (NO_TEXT, False)],
)  # fmt: skip
def test_what_a_secret_of_ours_may_hold(text: str, is_usable: bool) -> None:
    assert (usable(SecretStr(text)) == SecretStr(text)) == is_usable
    assert (usable(SecretStr(text)) is None) != is_usable


def test_what_is_not_there() -> None:
    assert usable(None) is None
    assert is_text(SecretStr("a"))
    assert not is_text(SecretStr(NO_TEXT))
