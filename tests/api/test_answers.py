import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from managed_databases.api import collections
from managed_databases.api.answers import (
    DEPTH_LIMIT,
    parse,
    read_answer,
    too_deep,
)
from managed_databases.api.calls import Call, Collection, ObjectCollection
from managed_databases.api.collections import (
    DATASTORES,
    FLAVORS,
    LOGICAL_REPLICATION_SLOTS,
    PROMETHEUS_METRICS_TOKENS,
    USERS,
)
from managed_databases.api.error_answers import error_for
from managed_databases.api.errors import (
    ApiError,
    Busy,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unauthorized,
)
from managed_databases.api.masking import Masks
from managed_databases.api.models import AnswerModel, Datastore
from managed_databases.api.models.project import MetricsTokenName
from managed_databases.api.rows import ROW_LIMIT, OverLimit, Unreadable

USER = {"id": "u", "name": "app", "datastore_id": "d"}


def failure(status: int, body: bytes, content_type: str = "application/json", secret: str = "hunter2") -> ApiError:
    masks = Masks([SecretStr(secret)])
    return error_for("users.get", status, content_type, body, masks, request_id="req-1", retry_after_seconds=None)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (400, "Validation failure: {'user.name': \"'' is too short\"}", Invalid),
        (400, "Validation failure: At least one of these fields (allow_read, allow_write) must be true", Invalid),
        (400, "Validation failure: datastore cannot be resized", Busy),
        (400, "Validation failure", Busy),
        (400, "Validation failures: {'a': 'b'}", Busy),
        (400, "{'user.name': 'no'}", Busy),
        (400, "datastore is not active", Busy),
        (401, "no", Unauthorized),
        (403, "no", Forbidden),
        (404, "user 1 not found.", NotFound),
        (404, "prometheusmetrictoken 1 not found.", NotFound),
        (404, "The resource could not be found.", OutcomeUnknown),
        (404, "page 1 not found.", OutcomeUnknown),
        (405, "no", Refused),
        (408, "no", OutcomeUnknown),
        (409, "no", Busy),
        (413, "no", Refused),
        (422, "no", Invalid),
        (429, "slow down", RateLimited),
        (302, "elsewhere", OutcomeUnknown),
        (500, "no", OutcomeUnknown),
        (503, "no", OutcomeUnknown),
    ],
)
def test_each_status_has_its_class(status: int, message: str, expected: type[ApiError]) -> None:
    error = failure(status, orjson.dumps({"error": {"code": status, "title": "T", "message": message}}))
    assert type(error) is expected
    assert error.message.endswith(message)
    assert (error.status, error.request_id) == (status, "req-1")
    assert error.is_from_the_way == (status == 404 and expected is OutcomeUnknown)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
@pytest.mark.parametrize(
    ("why", "content_type", "body"),
    [
        ("an ingress in a roll-out", "text/html", b"<html><h1>404 Not Found</h1></html>"),
        ("its default backend", "text/plain", b"default backend - 404"),
        ("nothing", "", b""),
        ("another envelope", "application/json", b'{"itemNotFound": {"code": 404, "message": "user 1 not found."}}'),
        ("no envelope", "application/json", b'{"message": "user 1 not found."}'),
        ("a text for an object", "application/json", b'{"error": "user 1 not found."}'),
        ("a gateway", "application/json", b'{"message": "no Route matched with those values"}'),
        ("the words alone", "text/plain", b"user 1 not found."),
    ],
)
def test_what_is_not_the_apis_own_word(status: int, why: str, content_type: str, body: bytes) -> None:
    """Nobody's absence is believed by it, and it proves of no call that it had no effect."""
    error = failure(status, body, content_type)
    assert error.is_from_the_way, why
    assert not isinstance(error, NotFound), why


@pytest.mark.parametrize(
    ("why", "message", "is_about"),
    [
        ("its own", "user 1 not found.", True),
        ("without the full stop", "User 1 not found", True),
        ("another one's", "user 2 not found.", False),
        ("its datastore's", "datastore 1 not found.", False),
        ("an id that begins the same", "user 12 not found.", False),
    ],
)
def test_what_a_404_is_about(why: str, message: str, is_about: bool) -> None:
    error = failure(404, orjson.dumps({"error": {"code": 404, "title": "Not Found", "message": message}}))
    assert isinstance(error, NotFound)
    assert error.is_about(USERS.words, "1") is is_about, why


@pytest.mark.parametrize(
    "collection",
    [each for each in vars(collections).values() if isinstance(each, Collection)],
    ids=lambda collection: str(collection.name),
)
def test_of_every_collection_an_absence_is_believed(collection: ObjectCollection) -> None:
    """Otherwise the deletion of such an object would never end."""
    for word in collection.words:
        message = f"{word} 1 not found."
        error = failure(404, orjson.dumps({"error": {"code": 404, "title": "Not Found", "message": message}}))
        assert isinstance(error, NotFound)
        assert error.is_about(collection.words, "1")


@pytest.mark.parametrize(
    ("collection", "word"),
    [
        (USERS, "user"),
        (DATASTORES, "datastore"),
        (LOGICAL_REPLICATION_SLOTS, "logicalreplicationslot"),
        (PROMETHEUS_METRICS_TOKENS, "prometheusmetrictoken"),
    ],
)
def test_the_word_of_a_collection(collection: ObjectCollection, word: str) -> None:
    assert word in collection.words


DATASTORE = {"id": "d", "name": "main", "status": "ACTIVE"}
NODE = {"id": "i", "ip": "10.0.0.1", "role": "MASTER"}


@pytest.mark.parametrize(
    ("why", "fields", "untold", "told"),
    [
        ("another type", {"disk_used": "n/a"}, {"disk_used"}, "disk_used: float_parsing"),
        ("null where there is always a value", {"name": None}, {"name"}, "name: string_type"),
        ("a status that is no text", {"status": 5}, {"status"}, "status: string_type"),
        (
            "one host of several",
            {"connection": {"master": "m", "replica-1": 5}},
            {"connection"},
            "connection: string_type",
        ),
        ("half a size", {"flavor": {"vcpus": 2, "ram": "much"}}, {"flavor"}, "flavor: int_parsing"),
        ("one entry of a list", {"firewall": [{"ip": "a"}, {"ip": 5}]}, {"firewall"}, "firewall: string_type"),
        ("one field of a node", {"instances": [NODE | {"hostname": 5}]}, set(), "instances: string_type"),
        ("a node that is none", {"instances": [NODE, "other"]}, {"instances"}, "instances: model_type"),
        ("a number that no integer holds", {"node_count": "9" * 400}, {"node_count"}, "node_count: less_than"),
        ("a large one, in JSON", {"node_count": 2**63}, {"node_count"}, "node_count: less_than"),
        ("one within a part", {"pooler": {"size": str(-(2**63) - 1)}}, {"pooler"}, "pooler: greater_than_equal"),
        ("an infinite one", {"disk_used": "9" * 400}, {"disk_used"}, "disk_used: finite_number"),
        ("no number", {"disk_used": "nan"}, {"disk_used"}, "disk_used: finite_number"),
        ("one that fits no status", {"disk_used": 1e300}, {"disk_used"}, "disk_used: less_than"),
        ("several", {"disk_used": "n/a", "node_count": "two", "created_at": "x"}, {"disk_used", "node_count"}, ""),
    ],
)
async def test_what_cannot_be_read_is_not_told(why: str, fields: dict[str, Any], untold: set[str], told: str) -> None:
    odd: list[str] = []
    rows = await read_answer(DATASTORES.list(), orjson.dumps({"datastores": [DATASTORE | fields, DATASTORE]}), odd)
    assert rows is not None
    first, second = rows
    assert (first.id, second.id) == ("d", "d"), why
    assert len(odd) == 1, "once for a row"
    assert told in odd[0], why
    for name in fields:
        assert first.tells(name) == (name not in untold and name != "created_at"), why
    assert first.is_whole == ("name" not in untold)


@pytest.mark.parametrize(
    ("why", "field", "told"),
    [
        ("a number beyond all floats", b'"disk_used": 1e400', "disk_used: finite_number"),
        ("the same where an integer is due", b'"node_count": -1e400', "node_count: int_parsing"),
        ("an integer beyond all floats", b'"node_count": 1' + b"0" * 400, "node_count: less_than"),
        ("the same in a name that nobody reads", b'"\\udfff": 1, "disk_used": "n/a"', "disk_used: float_parsing"),
    ],
)
async def test_what_few_parsers_read_hides_nothing_else(why: str, field: bytes, told: str) -> None:
    row = orjson.dumps(DATASTORE)
    odd: list[str] = []
    rows = await read_answer(
        DATASTORES.list(), b'{"datastores": [' + row[:-1] + b", " + field + b"}, " + row + b"]}", odd
    )
    assert rows is not None
    assert [one.id for one in rows] == ["d", "d"], why
    assert [each.startswith(told) for each in odd] == [True], (why, odd)


async def test_a_deep_field_beside_a_huge_number_costs_only_itself() -> None:
    deep = b"[" * 900 + b"]" * 900
    for beside in (b"1", b"1e400", b'"\\ud800"'):
        odd: list[str] = []
        body = b'{"datastore": {"id": "d", "name": "n", "config": ' + deep + b', "x": ' + beside + b"}}"
        read = await read_answer(DATASTORES.get("d"), body, odd)
        assert read is not None
        assert (read.id, read.name, odd) == ("d", "n", ["config: too_deep"]), beside


def test_the_deepest_text_that_is_read_is_whole() -> None:
    levels = DEPTH_LIMIT + 1  # a row that is not too deep, in its envelope
    value = parse(b"[" * levels + b'"\\ud800"' + b"]" * levels)
    for _ in range(levels):
        (value,) = value
    assert value == "\ufffd"


@pytest.mark.parametrize("number", [-(2**63) - 1, -(2**63), 2**63, 2**64 - 1, 2**64, 10**19, 10**20, -(10**20)])
def test_a_huge_number_beside_changes_no_integer(number: int) -> None:
    alone, (beside, huge, tiny) = parse(b"%d" % number), parse(b"[%d, 1e400, -1%s]" % (number, b"0" * 400))
    assert (type(beside), beside) == (type(alone), alone)
    assert (huge, tiny) == ("1e400", "-1" + "0" * 400)


async def test_half_of_a_surrogate_pair_can_be_written_on() -> None:
    body = b'{"users": [{"id": "u", "name": "a\\ud83dp", "datastore_id": "d", "x": [{"\\udc00": 1}]}]}'
    rows = await read_answer(USERS.list(), body)
    assert rows is not None
    assert rows[0].name == "a\ufffdp"
    orjson.dumps(parse(b'{"\\ud83d\\ude00": ["\\ude00"]}'))


def _answers(model: type[AnswerModel] = AnswerModel) -> list[type[AnswerModel]]:
    return [model, *(deeper for each in model.__subclasses__() for deeper in _answers(each))]


def test_every_integer_of_an_answer_has_64_bits() -> None:
    of_the_api = [model for model in _answers() if model.__module__.startswith("managed_databases.api.models.")]
    assert Datastore in of_the_api
    for model in of_the_api:
        for name, field in model.model_fields.items():
            if field.annotation in (int, int | None):
                raise AssertionError(f"{model.__name__}.{name} is an int without bounds: Whole has them")


async def test_a_row_without_a_name_is_seen() -> None:
    odd: list[str] = []
    rows = await read_answer(USERS.list(), orjson.dumps({"users": [USER, {"id": "x", "datastore_id": "d"}]}), odd)
    assert rows is not None
    assert [(row.id, row.is_whole) for row in rows] == [("u", True), ("x", False)]
    assert odd == ["name: missing"]


async def test_an_offer_that_cannot_be_read_hides_no_other() -> None:
    odd: list[str] = []
    told = {"flavors": [{"id": "a", "vcpus": 2}, {"id": None}, "none", {"id": "b", "vcpus": "two"}]}
    flavors = await read_answer(FLAVORS.list(), orjson.dumps(told), odd)
    assert flavors is not None
    assert [(flavor.id, flavor.vcpus) for flavor in flavors] == [("a", 2), ("b", None)]
    assert len(odd) == 3


@pytest.mark.parametrize(
    ("why", "old", "new", "known"),
    [
        ("missing", {"firewall": [{"ip": "a"}]}, {}, {"firewall": ("a",)}),
        ("null", {"firewall": [{"ip": "a"}]}, {"firewall": None}, {"firewall": ("a",)}),
        ("emptied", {"firewall": [{"ip": "a"}]}, {"firewall": []}, {"firewall": ()}),
        ("no host for once", {"connection": {"master": "m"}}, {"connection": {}}, {"connection": {"master": "m"}}),
        ("no node for once", {"instances": [NODE]}, {"instances": []}, {"instances": ("10.0.0.1",)}),
        ("the export is over", {"log_platform": {"log_group": "g"}}, {"log_platform": None}, {"log_platform": None}),
        ("no status", {"status": "ACTIVE"}, {"status": None}, {"status": "ACTIVE"}),
    ],
)
def test_what_is_not_told_stays(why: str, old: dict[str, Any], new: dict[str, Any], known: dict[str, Any]) -> None:
    before = Datastore.model_validate({"id": "d", "name": "main"} | old)
    now = Datastore.model_validate({"id": "d", "name": "main"} | new).completed_by(before)
    ((name, expected),) = known.items()
    found = getattr(now, name)
    assert (tuple(one.ip for one in found) if isinstance(found, tuple) else found) == expected, why


def test_an_address_of_a_node_that_is_not_told_stays() -> None:
    def datastore(**fields: Any) -> Datastore:
        return Datastore.model_validate({"id": "d", "name": "main", "instances": [NODE | fields]})

    with_one = datastore(floating_ip="203.0.113.1")
    for told, expected in (({}, "203.0.113.1"), ({"floating_ip": None}, None)):
        (node,) = datastore(**told).completed_by(with_one).instances or ()
        assert node.floating_ip == expected


@pytest.mark.parametrize(
    ("why", "content_type", "body", "message"),
    [
        ("another envelope", "application/json", b'{"badRequest": {"message": "m"}}', "m"),
        ("no envelope", "application/json", b'{"message": "m"}', "m"),
        ("a text for an object", "application/json", b'{"error": "m"}', "m"),
        ("only a title", "application/json", b'{"error": {"title": "t", "message": null}}', "t"),
        ("plain text, cut", "text/plain; charset=utf-8", b"x\x00y" + b"z" * 500, "x y" + "z" * 197),
        ("JSON that is none", "application/problem+json", b"{oops", "{oops"),
        ("a page", "text/html", b"<h1>Bad gateway</h1>", "HTTP 502, no readable message"),
        ("nothing", "application/json", b"", "HTTP 502, no readable message"),
        ("bytes that are no text", "", b"\xff\xfe", "HTTP 502, no readable message"),
        ("a deep nest", "text/html", b"[" * 100_000, "HTTP 502, no readable message"),
    ],
)
def test_the_message_of_an_error(why: str, content_type: str, body: bytes, message: str) -> None:
    assert failure(502, body, content_type).message == message, why


def test_a_message_is_masked_before_it_is_cut() -> None:
    long = "x" * 1995 + "hunter2" + "y" * 100
    message = failure(400, orjson.dumps({"error": {"message": long}})).message
    assert message == "x" * 1995 + "***yy"
    assert "hunt" not in failure(400, b"x" * 196 + b"hunter2", "text/plain").message


def test_a_secret_with_a_line_break_is_masked() -> None:
    body = orjson.dumps({"error": {"message": "bad: two\nlines"}})
    assert failure(400, body, secret="two\nlines").message == "bad: ***"


@given(st.binary(max_size=200), st.sampled_from(["", "text/plain", "application/json", "text/html"]))
def test_any_body_makes_a_printable_message(body: bytes, content_type: str) -> None:
    message = failure(500, body, content_type).message
    assert message
    assert message.isprintable()
    assert len(message) <= 2000


@pytest.mark.parametrize(
    ("why", "call", "body"),
    [
        ("not JSON", USERS.get("u"), b"<html>"),
        ("no envelope", USERS.get("u"), b'{"id": "u"}'),
        ("not an object", USERS.get("u"), b"[]"),
        ("null", USERS.get("u"), b'{"user": null}'),
        ("an id that no status takes", USERS.list(), orjson.dumps({"users": [USER | {"id": "u" * 37}]})),
        ("no id", USERS.get("u"), b'{"user": {"name": "app", "datastore_id": "d"}}'),
        ("null for a list", USERS.list(), b'{"users": null}'),
        ("an object for a list", USERS.list(), b'{"users": {}}'),
        ("one row without id", USERS.list(), orjson.dumps({"users": [USER, {"name": "app"}]})),
        ("cut", USERS.list(), orjson.dumps({"users": [USER]})[:-2]),
        ("beyond the parser's own depth", USERS.get("u"), b'{"user": ' + b"[" * 3_900),
        ("not UTF-8", USERS.get("u"), b'{"user": {"id": "\xff"}}'),
        ("UTF-16", USERS.get("u"), '{"user": {"id": "u", "name": "n", "datastore_id": "d"}}'.encode("utf-16")),
        ("what only Python takes for JSON", USERS.get("u"), b'{"user": {"id": "u", "x": NaN}}'),
    ],
)
async def test_unreadable(why: str, call: Call[Any], body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        await read_answer(call, body)
    assert "app" not in str(caught.value), why
    assert caught.value.__context__ is None, "it would quote the answer"


async def test_an_object_may_come_without_its_envelope() -> None:
    call = PROMETHEUS_METRICS_TOKENS.update("t", MetricsTokenName(name="b"))
    token = await read_answer(call, b'{"id": "t", "name": "b"}')
    assert token is not None
    assert (token.id, token.name) == ("t", "b")


async def test_the_unreadable_row_is_named_without_its_content() -> None:
    with pytest.raises(Unreadable, match=r"^row 1 of the answer cannot be read: id: missing$"):
        await read_answer(USERS.list(), orjson.dumps({"users": [USER, {"name": "x", "datastore_id": "d"}]}))


async def test_too_many_rows() -> None:
    with pytest.raises(OverLimit):
        await read_answer(USERS.list(), orjson.dumps({"users": [USER] * (ROW_LIMIT + 1)}))


async def test_nesting_is_limited_without_recursion() -> None:
    def nested(levels: int) -> bytes:
        config = b'{"a":' * levels + b"1" + b"}" * levels
        return b'{"datastore": {"id": "1", "name": "n", "config": ' + config + b"}}"

    odd: list[str] = []
    shallow = await read_answer(DATASTORES.get("1"), nested(DEPTH_LIMIT - 1), odd)
    assert shallow is not None
    assert (shallow.tells("config"), odd) == (True, [])
    deep = await read_answer(DATASTORES.get("1"), nested(DEPTH_LIMIT), odd)
    assert deep is not None
    assert (deep.tells("config"), deep.name, odd) == (False, "n", ["config: too_deep"])


@given(st.integers(0, 300))
@example(DEPTH_LIMIT)
@example(DEPTH_LIMIT + 1)
def test_depth(levels: int) -> None:
    assert too_deep(parse(b"[" * levels + b"1" + b"]" * levels)) == (levels > DEPTH_LIMIT)


async def test_others_run_while_a_big_list_is_read() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    neighbour = asyncio.create_task(other())
    rows = await read_answer(USERS.list(), orjson.dumps({"users": [USER] * 5_000}))
    neighbour.cancel()
    assert rows is not None
    assert len(rows) == 5_000
    assert turns >= 20


async def test_unknown_fields_and_statuses_break_nothing() -> None:
    user = await read_answer(USERS.get("u"), orjson.dumps({"user": {**USER, "status": "NEW", "more": {}}, "links": []}))
    assert user is not None
    assert user.status == "NEW"


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_body_is_no_value(body: bytes) -> None:
    assert await read_answer(USERS.list(), body) is None
