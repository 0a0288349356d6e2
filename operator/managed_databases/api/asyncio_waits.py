"""What httpcore waits with, over asyncio alone: it takes these four from anyio, which the operator's process does without."""

import asyncio
from asyncio import Event, Lock
from types import TracebackType
from typing import Self

__all__ = ["CancelScope", "Event", "Lock", "fail_after"]


class CancelScope:
    """Does nothing, as anyio's where nothing else is anyio's: that holds off the cancellation of a scope, not of a task."""

    def __init__(self, *, shield: bool) -> None:
        assert shield, "httpcore makes no other"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class fail_after:
    """asyncio.timeout in a plain `with`: neither end of it waits for anything."""

    def __init__(self, seconds: float | None) -> None:
        self._limit = asyncio.timeout(seconds)

    def __enter__(self) -> None:
        try:
            self._limit.__aenter__().send(None)
        except StopIteration:
            return
        raise AssertionError("asyncio.timeout waits at its beginning")

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        try:
            self._limit.__aexit__(type_, error, traceback).send(None)
        except StopIteration as ended:
            return bool(ended.value)
        raise AssertionError("asyncio.timeout waits at its end")
