"""Waiting for a cluster with nodes: what is started there, starts in its own time."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

DEADLINE_SECONDS: Final = 240.0
POLL_SECONDS: Final = 0.3


def until(what: str, probe: Callable[[], T | None], state: Callable[[], object] = lambda: "") -> T:
    """Ask `probe` until it returns something true, and return that. `state` is what a failure shows.

    A failed assertion in the probe is "not yet".
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    complaint = ""
    while True:
        try:
            if found := probe():
                return found
            complaint = ""
        except AssertionError as error:
            complaint = str(error)
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_SECONDS} s. {complaint} {state()}"
        time.sleep(POLL_SECONDS)
