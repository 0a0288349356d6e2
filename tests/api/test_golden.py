import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from api.golden_rows import Row, golden_rows
from managed_databases.api import ApiError, Client, StaticToken, collections, models
from managed_databases.api.calls import Call, Collection
from managed_databases.api.errors import Invalid, NotFound
from managed_databases.api.models import Request

ROWS = golden_rows()
COLLECTIONS: dict[str, Collection[Any]] = {
    value.name: value for value in vars(collections).values() if isinstance(value, Collection)
}
FUNCTIONS: dict[str, Callable[..., Call[Any]]] = {
    name: value
    for name, value in vars(collections).items()
    if inspect.isfunction(value) and value.__module__ == collections.__name__
}
VALUES = [value for value in vars(collections).values() if isinstance(value, Call)]

BODIES: dict[str, type[Request]] = {
    "users.create": models.NewUser,
    "users.update": models.UserPassword,
    "databases.create": models.NewDatabase,
    "databases.update": models.DatabaseOwner,
    "datastores.create": models.NewDatastore,
}
"""What a collection's own create and update take; the other operations' functions say it themselves."""

NOT_IN_THE_REFERENCE: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("actions", "datastore-types"), frozenset({"create", "update", "delete"})),
    # deprecated there, and not in the client
    **dict.fromkeys(("configuration-parameters", "flavors"), frozenset({"create", "update", "delete"})),
    "datastores": frozenset({"update"}),
}
"""What `Collection` offers and this section of the API does not have."""


def with_dummies(function: Callable[..., Call[Any]]) -> Call[Any]:
    hints = get_type_hints(function)
    arguments = {name: hints[name] for name in inspect.signature(function).parameters}
    return function(**{n: t.model_construct() if issubclass(t, BaseModel) else "x" for n, t in arguments.items()})


OPERATIONS = {with_dummies(function).operation: function for function in FUNCTIONS.values()}


def expected_operations() -> set[str]:
    verbs = {"list", "get", "create", "update", "delete"}
    ours = {f"{name}.{verb}" for name in COLLECTIONS for verb in verbs - NOT_IN_THE_REFERENCE.get(name, frozenset())}
    return ours | set(OPERATIONS) | {call.operation for call in VALUES}


def call_of(row: Row) -> Call[Any]:
    """Build the row's call the way a user of the client would."""
    for value in VALUES:
        if value.operation == row.operation:
            return value
    name, _, verb = row.operation.partition(".")
    id_ = (row.path.split("/") + [""])[2]
    if row.operation in OPERATIONS:
        function = OPERATIONS[row.operation]
        last, hint = list(get_type_hints(function).items())[-2]
        inner = _without_envelope(row, with_dummies(function).request_envelope)
        return function(id_, hint.model_validate(inner) if issubclass(hint, BaseModel) else inner[last])
    collection = COLLECTIONS[name]
    match verb:
        case "list":
            return collection.list(**row.query)
        case "get":
            return collection.get(id_)
        case "delete":
            return collection.delete(id_)
    body = BODIES[row.operation].model_validate(_without_envelope(row, collection.one))
    return collection.create(body) if verb == "create" else collection.update(id_, body)


def _without_envelope(row: Row, envelope: str | None) -> dict[str, Any]:
    assert row.request is not None, row.title
    inner: dict[str, Any] = row.request if envelope is None else row.request[envelope]
    return inner


def test_every_call_has_a_golden_row() -> None:
    missing = expected_operations() - {row.operation for row in ROWS if row.status < 400}
    assert not missing, "write a row in tests/api/golden for each of these"


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
    assert call.answer_envelope is not None
    expected = row.answer[call.answer_envelope]
    found = list(value) if isinstance(value, tuple) else [value]
    for model, fields in zip(found, expected if call.many else [expected], strict=True):
        assert isinstance(model, models.Answer)
        dumped = model.model_dump(mode="json", exclude_unset=True)
        assert {
            name: str(item).removesuffix("Z") if name.endswith("_at") else item for name, item in dumped.items()
        } == fields
