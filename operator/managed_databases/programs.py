"""The programs that the package installs. While Python loads what a program needs, Ctrl-C ends it without a traceback."""

import os
import signal
import sys
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


def main() -> None:
    """`managed-databases`, and `kubectl-databases`, which is the same."""
    _end_at_once_when_interrupted()
    from managed_databases.cli import main as begin

    begin(_as_usual_when_interrupted)


def complete_for_kubectl() -> NoReturn:
    """`kubectl_complete-databases`: kubectl runs it with the words behind `kubectl databases`, of which the last is completed."""
    _end_at_once_when_interrupted()
    from managed_databases.command_line.streams import lasting_streams
    from managed_databases.completion import kubectl_completions

    with lasting_streams():
        print(kubectl_completions(sys.argv[1:]))  # noqa: T201 - kubectl reads it
    sys.exit(0)


def _end_at_once_when_interrupted() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # or whoever has started it wants it ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))


def _as_usual_when_interrupted() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
