"""Says what an error of a driver means. The drivers are not imported: their errors are told by codes and by module names."""

import os
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from managed_databases.probe.addresses import NoDatabaseThere
from managed_databases.probe.login import Outcome, ProbeAnswer
from managed_databases.probe.tls import UnreadableCA

_NAME_MISMATCH: Final = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH."""
_REFUSED: Final = {"28P01", "28000", "1045", "1698", "58", "WRONGPASS", "NOAUTH"}
_NO_RIGHT: Final = {"42501", "3D000", "1044", "1049", "NOPERM"}
_FULL: Final = {"53300", "1040", "max number of clients"}
_CLOSED: Final = {"08000", "08001", "08003", "08006"}
"""With these asyncpg says itself that the connection has ended."""
_FULL_FOR_THE_USER: Final = {"1203", "1226"}
_AFTER_THE_PASSWORD: Final = ("InitializeSessionUserId", "CheckMyDatabase")
"""Functions of PostgreSQL that count the connections of a role and of a database: both after the password was found right."""
_ROOM: Final = "it takes no more connections"


class LoginRefused(Exception):
    """The server has refused the login with this code: an error of a protocol that no driver speaks for us."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotTheEngine(Exception):
    """What answers does not speak the engine's protocol over TLS. The text says what it does."""


def answer_to(error: BaseException) -> ProbeAnswer:
    """Return what a probe that has ended with this error has found.

    Drivers hide errors behind others, so the whole chain is looked at: for a certificate first, then for a code.
    """
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            outcome = Outcome.WRONG_NAME if each.verify_code in _NAME_MISMATCH else Outcome.WRONG_CA
            return ProbeAnswer(outcome, _words(each.verify_message.partition(", certificate is not valid for")[0]))
        if isinstance(each, UnreadableCA):
            return ProbeAnswer(Outcome.WRONG_CA, "the CA certificate cannot be read")
    for each in chain:
        if (code := _code(each)) is not None and (told := _of_code(code, each)) is not None:
            return told
    for each in chain:
        if (told := _of_the_network(each)) is not None:
            return told
    return ProbeAnswer(Outcome.NOT_THE_ENGINE, "its answer cannot be understood")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]


def _code(error: BaseException) -> str | None:
    """Return the code that the server has sent; None for an error of another making."""
    if isinstance(error, LoginRefused):
        return error.code
    driver = type(error).__module__.partition(".")[0]
    if driver == "asyncpg":
        return getattr(error, "sqlstate", None)
    if driver == "pymysql":
        return str(error.args[0]) if error.args and isinstance(error.args[0], int) else None
    if driver == "aiokafka":
        number = getattr(error, "errno", None)
        return str(number) if isinstance(number, int) and number > 0 else None
    return None


def _of_code(code: str, error: BaseException) -> ProbeAnswer | None:
    text = str(error)
    if code in _REFUSED or (code == "08P01" and "SASL authentication failed" in text):
        return ProbeAnswer(Outcome.REFUSED, f"error {code}")
    if code in _NO_RIGHT:
        return ProbeAnswer(Outcome.NO_RIGHT, f"error {code}")
    if code == "33":
        return ProbeAnswer(Outcome.NOT_THE_ENGINE, "it offers no login by SCRAM-SHA-512")
    if code in _FULL_FOR_THE_USER or (
        code == "53300" and getattr(error, "server_source_function", None) in _AFTER_THE_PASSWORD
    ):
        return ProbeAnswer(Outcome.LOGGED_IN, _ROOM)  # after it has checked the password
    if code in _FULL:
        return ProbeAnswer(Outcome.UNREACHABLE, f"{_ROOM}, error {code}" if code.isdecimal() else _ROOM)
    if code in _CLOSED:
        return ProbeAnswer(Outcome.NOT_THE_ENGINE, "it closes the connection")
    if code.startswith("2") and len(code) == 4:  # MySQL's clients number their own errors so: the cause says more
        return None
    return ProbeAnswer(Outcome.UNREACHABLE, f"it answers with error {code}")


def _of_the_network(error: BaseException) -> ProbeAnswer | None:
    match error:
        case NoDatabaseThere():
            return ProbeAnswer(Outcome.UNREACHABLE, str(error))
        case NotTheEngine():
            return ProbeAnswer(Outcome.NOT_THE_ENGINE, str(error))
        case socket.gaierror():
            return ProbeAnswer(Outcome.UNREACHABLE, "the name cannot be resolved")
        case ssl.SSLError():
            return ProbeAnswer(Outcome.NOT_THE_ENGINE, "it does not speak TLS as expected")
        case TimeoutError():
            return ProbeAnswer(Outcome.UNREACHABLE, "no answer in time")
        case EOFError() | ConnectionResetError() | BrokenPipeError():
            return ProbeAnswer(Outcome.NOT_THE_ENGINE, "it closes the connection")
        case OSError(errno=int(number)):
            return ProbeAnswer(Outcome.UNREACHABLE, _words(os.strerror(number)))
        case ConnectionError():
            return ProbeAnswer(Outcome.NOT_THE_ENGINE, "it closes the connection, or does not offer TLS")
    return None


def _words(text: str) -> str:
    return text[:1].lower() + text[1:]
