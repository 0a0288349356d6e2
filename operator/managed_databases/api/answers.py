"""Reads answers: bodies within limits, rows into models. This module knows no connection."""

import asyncio
import json
import math
import sys
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import httpx
import orjson
from pydantic import ValidationError

from managed_databases.api.calls import Call
from managed_databases.api.large_answers import LARGE_BYTES, LargeAnswers
from managed_databases.api.models import AnswerModel, CloudObject
from managed_databases.api.rows import RowSplitter, Unreadable, not_json, require
from managed_databases.api.rows_before import NEVER_SAME, RowsBefore
from managed_databases.api.sharing import KEPT_LIMIT_BYTES, KEPT_PER_ROW, Sharing, memory_of, values_in
from managed_databases.api.unpacking import pieces

T = TypeVar("T")

LIST_LIMIT_BYTES: Final = 64 * 2**20
"""The most bytes of a list's answer, both as sent and unpacked. The answer is never kept whole."""
OBJECT_LIMIT_BYTES: Final = 512 * 2**10
"""The most bytes of every other answer that is read."""
ERROR_LIMIT_BYTES: Final = 16 * 2**10
VALUES_LIMIT: Final = 4_000
"""About the most JSON values of one row, or of an answer that is not a list."""
_WORK_AT_ONCE: Final = 32 * 2**10
_WORK_PER_ROW: Final = 200
_WORK_PER_VALUE: Final = 16
"""The number of bytes that are as much work to read as a row itself, or as one value in it."""
DEPTH_LIMIT: Final = 100
_INTEGERS: Final = range(-(2**63), 2**64)
"""The integers that are read as such; all others become floats. So does the fast parser."""
_MAX_DIGITS: Final = 20
"""No text of an integer within _INTEGERS is longer."""


async def read_body(response: httpx.Response, limit_bytes: int) -> bytes:
    """Read a streamed body of at most `limit_bytes` bytes, both as sent and unpacked. Raises the errors of `pieces`."""
    return b"".join([piece async for piece in pieces(response, limit_bytes)])


async def read_answer(call: Call[T], body: bytes, odd: list[str] | None = None) -> T | None:
    """Turn the whole body of a 2xx into what the call expects; see `read_list` and `read_object`."""
    if call.answer is None:
        return None
    if not call.many:
        return read_object(call, body, odd)

    async def whole() -> AsyncIterator[bytes]:
        yield body

    return (await read_list(call, whole(), odd)).value


def read_object(call: Call[T], body: bytes, odd: list[str] | None = None) -> T | None:
    """Turn a 2xx body into the object that the call expects; None for an empty body.

    A field that cannot be read counts as not told, and `odd` gets the reason. Raises Unreadable and OverLimit.
    """
    assert call.answer is not None
    if not body.strip():
        return None
    require("values", values_in(body), VALUES_LIMIT)
    document = parse(body)
    found = _under(call.answer_envelope, document)
    read = _row(call.answer, found, None, [] if odd is None else odd)
    if call.answer_envelope is not None and found is document and isinstance(read, CloudObject) and not read.is_whole:
        raise Unreadable(f"the answer has no {call.answer_envelope!r}")  # whatever says "id" may have been meant
    return cast(T, read)


@dataclass(frozen=True)
class ListRead(Generic[T]):
    """`value` is None for an empty body. `kept_bytes` is about what the rows take in memory."""

    value: T | None
    kept_bytes: int = 0


async def read_list(
    call: Call[T],
    arriving: AsyncIterator[bytes],
    odd: list[str] | None = None,
    *,
    large: LargeAnswers | None = None,
    max_kept: int = KEPT_LIMIT_BYTES,
) -> ListRead[T]:
    """Turn a body that arrives in pieces into the list that the call expects.

    A field of a row that cannot be read counts as not told, and `odd` gets one reason for each such row. If a row of a list of
    objects has no readable id, the whole list is unreadable: a list with a hole must never look like a deletion. Other tasks of
    the event loop run in between.

    Raises Unreadable; OverLimit, also if the rows would take more than `max_kept_bytes` of memory; TooSlow; and the errors of
    `arriving`.
    """
    assert call.answer is not None
    assert call.answer_envelope is not None
    odd = [] if odd is None else odd
    large = large or LargeAnswers()
    splitter, sharing = RowSplitter(call.answer_envelope), Sharing()
    before = call.before or RowsBefore()
    rows, hashes = list[AnswerModel](), array("q")
    kept = size = work = 0
    async with AsyncExitStack() as turn:
        async for piece in arriving:
            if size <= LARGE_BYTES < size + len(piece):
                await turn.enter_async_context(large.turn())
            size += len(piece)
            kept += memory_of(piece)
            for text in splitter.feed(piece):
                if len(text) > VALUES_LIMIT:
                    require("values", values_in(text), VALUES_LIMIT, of=f"row {splitter.rows - 1} of the answer has")
                require("bytes of memory", kept + KEPT_PER_ROW * splitter.rows, max_kept, of="the list would take")
                text_hash = hash(text)
                row = before.row(len(rows), text_hash)
                work += _WORK_PER_ROW
                if row is None:
                    were_odd = len(odd)
                    row = _list_row(call.answer, text, splitter.rows - 1, odd)
                    row = row and sharing.shared(row)
                    text_hash = text_hash if len(odd) == were_odd else NEVER_SAME
                    work += len(text) + _WORK_PER_VALUE * values_in(text)
                if row is not None:
                    rows.append(row)
                    hashes.append(text_hash)
                if work >= _WORK_AT_ONCE:
                    work = 0
                    await asyncio.sleep(0)
            await asyncio.sleep(0)
    if splitter.is_empty:
        return ListRead(None)
    splitter.end()
    return ListRead(cast(T, before.replace(rows, hashes)), kept + KEPT_PER_ROW * splitter.rows)


def _list_row(model: type[AnswerModel], text: bytes, number: int, odd: list[str]) -> AnswerModel | None:
    """Read one row; None for an unreadable row of the catalogue, which then lacks it. Raises Unreadable for an object without a
    readable id.
    """
    try:
        is_deep = text.count(b"{") + text.count(b"[") > DEPTH_LIMIT
        return _row(model, parse(text), number, odd, may_be_deep=is_deep)
    except Unreadable as error:
        if issubclass(model, CloudObject):
            raise
        odd.append(sys.intern(str(error).partition(" cannot be read: ")[2] or "not an object"))
    return None


def parse(body: bytes) -> Any:
    """Parse JSON. Raises Unreadable."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # The fast parser refuses two things that JSON has: a number beyond all floats, and half of a surrogate pair. The number gets
    # as far as its field as text: where a number is due, it counts as not told. The rest of the answer does not depend on either.
    try:
        return _whole_text(json.loads(body.decode(), parse_int=_integer, parse_float=_float, parse_constant=_no_number))
    except (ValueError, RecursionError):
        pass
    raise not_json()


def _integer(text: str) -> int | float | str:
    return number if len(text) <= _MAX_DIGITS and (number := int(text)) in _INTEGERS else _float(text)


def _float(text: str) -> float | str:
    """Return the number; its text if it is beyond all floats, since an infinite one could neither be compared nor written on."""
    return number if math.isfinite(number := float(text)) else text


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _whole_text(value: Any, levels: int = DEPTH_LIMIT + 2) -> Any:
    """Return the value with U+FFFD for each half of a surrogate pair, which nothing that the operator writes can hold.

    What lies deeper than `levels` is returned as it is, since no field that reaches so deep is read: these are the levels of a
    row that is not too deep, the texts in them, and the envelope.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if levels == 1:
        return value
    if isinstance(value, dict):
        return {_whole_text(name): _whole_text(each, levels - 1) for name, each in value.items()}
    return [_whole_text(each, levels - 1) for each in value] if isinstance(value, list) else value


def _under(envelope: str | None, document: object) -> object:
    """Return the content of the envelope. An object may come without its envelope: a public client reads a renamed token so."""
    if envelope is None or (isinstance(document, dict) and envelope not in document and "id" in document):
        return document
    if not isinstance(document, dict) or envelope not in document:
        raise Unreadable(f"the answer has no {envelope!r}")
    return cast(object, document[envelope])


def _row(
    model: type[AnswerModel], row: object, number: int | None, odd: list[str], *, may_be_deep: bool = True
) -> AnswerModel:
    """Read one row, or with `number` None the whole answer. Raises Unreadable if it is no JSON object, or has no readable id."""
    if not may_be_deep or not too_deep(row):
        try:
            return model.model_validate(row)
        except ValidationError as error:
            problems = _problems(error)
    else:
        problems = [((name,), "too_deep") for name in row if too_deep([row[name]])] if isinstance(row, dict) else []
    if isinstance(row, dict):
        for drop in (_without_leaves, _without_fields):
            try:
                read = _read_partly(model, drop(row, problems), problems)
            except ValidationError as error:
                problems = [*problems, *_problems(error)]
                continue
            if read is None:
                break
            odd.append(_told(problems[0]))
            return read
    where = "the answer" if number is None else f"row {number} of the answer"
    raise Unreadable(f"{where} cannot be read: {_told(problems[0]) if problems else 'too_deep'}")


Problem = tuple[tuple[int | str, ...], str]


def _problems(error: ValidationError) -> list[Problem]:
    """Return the problems as names of fields and pydantic's names of problems; pydantic's other texts would quote the answer."""
    return [
        (told["loc"], told["type"])
        for told in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _told(problem: Problem) -> str:
    return f"{next(iter(problem[0]), 'the whole row')}: {problem[1]}"


def _without_leaves(row: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """Return the row without the fields that cannot be read; in a member of a list only the single field is left out."""
    leaves: dict[tuple[int | str, ...], set[int | str]] = {}
    for loc, _ in problems:
        if len(loc) == 3 and isinstance(loc[1], int):
            leaves.setdefault(loc[:2], set()).add(loc[2])
    whole = {loc[0] for loc, _ in problems if loc[:2] not in leaves}
    partly = {name: value for name, value in row.items() if name not in whole}
    for (name, index), fields in leaves.items():
        if name in partly and isinstance(index, int):
            members = list(partly[str(name)])
            members[index] = {key: value for key, value in members[index].items() if key not in fields}
            partly[str(name)] = members
    return partly


def _without_fields(row: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    fields = {loc[0] for loc, _ in problems if loc}
    return {name: value for name, value in row.items() if name not in fields}


def _read_partly(model: type[AnswerModel], row: dict[str, Any], problems: list[Problem]) -> AnswerModel | None:
    """Read the rest of a row; None without a readable id. A field that every object has counts as not told."""
    untold = {name for name, field in model.model_fields.items() if field.is_required() and name not in row}
    if untold and (not issubclass(model, CloudObject) or "id" in untold):
        return None
    read = model.model_validate(row | dict.fromkeys(untold, ""))
    if not untold:
        return read
    return model.model_construct(_fields_set=read.model_fields_set - untold, **dict(read))


def too_deep(value: object) -> bool:
    """Return whether a parsed value is nested deeper than DEPTH_LIMIT, without recursion."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
