"""The client's requests, and what it makes of the answers, against rows written by hand."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.golden_rows import Row, golden_rows
from managed_databases.api import ApiError, Client, StaticToken
from managed_databases.api.calls import Call, Operation
from managed_databases.api.errors import Invalid, NotFound
from managed_databases.api.models import AnswerModel
from managed_databases.api.reference import REFERENCE
from managed_databases.api.secrets import WIRE

ROWS = golden_rows()
ENTRIES = {entry.operation.name: entry for entry in REFERENCE}


def call_of(row: Row) -> Call[Any]:
    """Build the row's call the way a user of the client would."""
    entry = ENTRIES[row.operation]
    arguments: list[Any] = []
    if "{id}" in entry.operation.path:
        found = re.fullmatch(entry.operation.path.replace("{id}", "([^/]+)"), row.path)
        assert found is not None, f"{row.title}: not {entry.operation.path}"
        arguments.append(found[1])
    if entry.operation.request is not None:
        arguments.append(entry.operation.request.model_validate(_without_envelope(row, entry.operation)))
    return entry.make(*arguments, **row.query)


def _without_envelope(row: Row, operation: Operation[Any]) -> dict[str, Any]:
    assert row.request is not None, row.title
    inner: dict[str, Any] = (
        row.request if operation.request_envelope is None else row.request[operation.request_envelope]
    )
    return inner


def test_every_operation_has_a_golden_row() -> None:
    missing = set(ENTRIES) - {row.operation for row in ROWS if row.status < 400}
    assert not missing, "write a row in tests/api/golden for each of these"


def test_what_is_assumed_is_marked_so_on_both_sides() -> None:
    for row in ROWS:
        assert (row.marks["call"] == "A") == (ENTRIES[row.operation].operation.mark == "A"), row.title


def test_titles_are_unique() -> None:
    titles = [row.title for row in ROWS]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
async def test_golden(row: Row) -> None:
    received: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        received.append(request)
        content = b"" if row.answer is None else json.dumps(row.answer).encode()
        return httpx.Response(row.status, content=content, headers={"Content-Type": "application/json"})

    client = Client(
        StaticToken(SecretStr("a-token")), endpoint="https://api.test/v1/", transport=httpx.MockTransport(answer)
    )
    call = call_of(row)
    if row.status < 400:
        reply = await client.send(call)
        assert reply.status == row.status
        _holds(reply.value, row, call)
    else:
        expected = {400: Invalid, 404: NotFound}[row.status]
        with pytest.raises(ApiError) as caught:
            await client.send(call)
        assert type(caught.value) is expected
        assert row.answer is not None
        assert caught.value.message == row.answer["error"]["message"]
    await client.close()

    assert call.operation == row.operation
    (request,) = received
    assert request.method == row.method
    assert request.url.path == f"/v1{row.path}"
    assert dict(request.url.params) == row.query
    assert (json.loads(request.content) if request.content else None) == row.request
    assert request.headers["X-Auth-Token"] == "a-token"


def _holds(value: object, row: Row, call: Call[Any]) -> None:
    """Nothing of the answer is lost on the way into the model."""
    if row.answer is None:
        assert value is None
        return
    expected = row.answer if call.answer_envelope is None else row.answer[call.answer_envelope]
    found = list(value) if isinstance(value, tuple) else [value]
    for model, sent in zip(found, expected if call.many else [expected], strict=True):
        assert isinstance(model, AnswerModel)
        dumped = model.model_dump(mode="json", exclude_unset=True, context=WIRE)
        fields = sent if isinstance(sent, Mapping) else {"value": sent}
        assert {
            name: str(item).removesuffix("Z") if name.endswith("_at") else item for name, item in dumped.items()
        } == fields
