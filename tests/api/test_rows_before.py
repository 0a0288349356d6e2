import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from managed_databases.api.answers import read_answer, read_list
from managed_databases.api.collections import FLAVORS, USERS
from managed_databases.api.models import User
from managed_databases.api.rows import Unreadable
from managed_databases.api.rows_before import RowsBefore

Row = dict[str, Any]


def user(id_: int, name: object = "app") -> Row:
    return {"id": str(id_), "name": name, "datastore_id": "d"}


async def listed(before: RowsBefore, rows: Sequence[Row], odd: list[str] | None = None) -> tuple[User, ...]:
    read = await read_answer(replace(USERS.list(), before=before), orjson.dumps({"users": rows}), odd)
    assert read is not None
    return read


async def test_only_a_row_that_has_changed_is_read_again() -> None:
    before = RowsBefore()
    one, two, three = await listed(before, [user(1), user(2), user(3)])
    again = await listed(before, [user(1), user(2, "other"), user(3), user(4)])
    assert (again[0] is one, again[1] is two, again[2] is three) == (True, False, True)
    assert [row.name for row in again] == ["app", "other", "app", "app"]
    assert await listed(before, [user(3)]) == (three,), "elsewhere it is read anew"
    assert await listed(before, []) == ()
    assert (await listed(before, [user(1)]))[0] is not one, "only the last list counts"


async def test_two_who_read_the_same_at_a_time_have_the_same_models() -> None:
    shared = RowsBefore()
    call = replace(USERS.list(), before=shared)

    async def arriving(rest: asyncio.Event) -> AsyncIterator[bytes]:
        yield b'{"users": [' + orjson.dumps(user(1)) + b","
        await rest.wait()
        yield orjson.dumps(user(2)) + b"]}"

    rest = asyncio.Event()
    readings = [asyncio.create_task(read_list(call, arriving(rest))) for _ in range(2)]
    await asyncio.sleep(0)
    rest.set()
    (one, other), (first, second) = [(await reading).value or () for reading in readings]
    assert (one is first, other is second) == (True, True)


async def test_what_is_odd_is_told_each_time() -> None:
    before = RowsBefore()
    for _ in range(2):
        odd = list[str]()
        assert [row.id for row in await listed(before, [user(1), user(2, 7), user(3)], odd)] == ["1", "2", "3"]
        assert odd == ["name: string_type"]


async def test_a_list_that_was_not_read_whole_counts_as_none() -> None:
    before = RowsBefore()
    (one,) = await listed(before, [user(1)])
    with pytest.raises(Unreadable):
        await read_answer(
            replace(USERS.list(), before=before), b'{"users": [{"id": "2", "name": "n", "datastore_id": "d"}'
        )
    assert (await listed(before, [user(1)]))[0] is one


async def test_rows_that_are_left_out_shift_nothing() -> None:
    before = RowsBefore()
    rows = [{"id": "f1"}, {"no": "id"}, {"id": "f2"}]
    call = replace(FLAVORS.list(), before=before)
    first, second = [await read_answer(call, orjson.dumps({"flavors": rows})) or () for _ in range(2)]
    assert [flavor.id for flavor in second] == ["f1", "f2"]
    assert all(one is other for one, other in zip(first, second, strict=True))


@given(st.lists(st.lists(st.builds(user, st.integers(1, 4), st.sampled_from([*"ab", 7])), max_size=5), max_size=5))
async def test_a_list_says_the_same_whatever_was_listed_before(lists: list[list[Row]]) -> None:
    before = RowsBefore()
    for rows in lists:
        odd, plain = list[str](), list[str]()
        assert await listed(before, rows, odd) == await listed(RowsBefore(), rows, plain)
        assert odd == plain
