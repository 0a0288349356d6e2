"""For fixtures of the whole session: they belong to no event loop, and what they do takes long."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def in_a_loop_of_its_own(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it to its end in another thread, away from the loops that pytest-asyncio makes for each test."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def teller(config: pytest.Config) -> Callable[[str], None]:
    """Return a function that shows a line at once, captured or not: a build of Kubernetes is minutes of silence."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def tell(text: str) -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                reporter.write_line(text)

    return tell
