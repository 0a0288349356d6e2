"""Lists all operations of the client, from `collections`, for the reference page and for tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from managed_databases.api import collections
from managed_databases.api.calls import Call, Collection, Operation


@dataclass(frozen=True)
class Entry:
    """One operation, and how to make its call.

    `make` takes the id if the path has one, the body if there is one, and the filters by name. `python` is the expression that
    makes the call; a call without arguments is written without parentheses.
    """

    operation: Operation[Any]
    make: Callable[..., Call[Any]]
    python: str


def _entries(name: str, value: object) -> Iterator[Entry]:
    match value:
        case Collection():
            for verb, operation in value.operations.items():
                yield Entry(operation, getattr(value, verb), f"{name}.{verb}{_arguments(operation)}")
        case Operation() if callable(value):
            yield Entry(value, value, f"{name}{_arguments(value)}")
        case Call():
            yield Entry(_fixed(value), lambda: value, name)


def _arguments(operation: Operation[Any]) -> str:
    parts = []
    if "{id}" in operation.path:
        parts.append("id_")
    if operation.request is not None:
        parts.append(f"{operation.request.__name__}(...)")
    if operation.filters:
        parts.append("**filters")
    return f"({', '.join(parts)})"


def _fixed(call: Call[Any]) -> Operation[Any]:
    return Operation(
        name=call.operation,
        method=call.method,
        path=call.path,
        answer=call.answer,
        answer_envelope=call.answer_envelope,
        many=call.many,
    )


REFERENCE: Final = tuple(
    sorted(
        (entry for name, value in vars(collections).items() for entry in _entries(name, value)),
        key=lambda entry: entry.operation.section,  # a stable sort: within a section as they are written
    )
)
