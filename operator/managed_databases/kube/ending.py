"""The ends of the operator and of its parts: why they have ended, and the exit codes."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

STOPPED: Final = 0
FAILED: Final = 1
CANNOT_START: Final = 2
"""The process's exit codes."""


class Ended(RuntimeError):
    """A part that should run for ever has ended. The cause is the error that ended it; for several parts an ExceptionGroup."""


class CannotStart(Exception):
    """The operator cannot start until somebody changes its configuration. The text says what to change."""


def end_of(tasks: Iterable[asyncio.Task[Any]]) -> Ended:
    """Return one error for tasks that have ended, and retrieve their errors."""
    ended = {task.get_name(): None if task.cancelled() else task.exception() for task in tasks}
    text = "; ".join(f"{name} has ended: {told(error)}" for name, error in sorted(ended.items()))
    errors = [error for error in ended.values() if error is not None]
    failure = Ended(text)
    failure.__cause__ = errors[0] if len(errors) == 1 else BaseExceptionGroup(text, errors) if errors else None
    return failure


def told(error: BaseException | None) -> str:
    """Return an error as one line: its type and text, or those of each error in a group."""
    if error is None:
        return "by itself, without an error"
    return "; ".join(
        dict.fromkeys(
            str(each) if isinstance(each, Ended) else f"{type(each).__name__}: {each}".removesuffix(": ")
            for each in _leaves(error)
        )
    )


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
