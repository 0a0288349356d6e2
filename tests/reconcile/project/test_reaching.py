"""What a new connection has to have: objects that resources hold, and the outcomes of attempts that are open."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from kinds.builders import MAIN, uuid
from managed_databases.api.calls import Call
from managed_databases.api.client import Client, Reply
from managed_databases.api.collections import DATABASES, DATASTORES
from managed_databases.api.errors import ApiError, Forbidden, NotFound, OutcomeUnknown, Unauthorized
from managed_databases.api.models import CloudObject, Database
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.ports import Resource, SecretContent
from managed_databases.reconcile.project.reaching import (
    Known,
    KnownObject,
    OpenAttempt,
    credentials_version,
    known_in,
    where_they_are_not,
)
from reconcile.fake_cache import resource

HERE, THERE = "https://here.example/v1", "https://there.example/v1"
IDS = [uuid(number) for number in range(60, 72)]
ORDERS, STOCK = OpenAttempt("ManagedDatabase home/orders"), OpenAttempt("ManagedDatabase home/stock")
MADE_HERE, MADE_THERE = OpenAttempt(ORDERS.resource, HERE), OpenAttempt(STOCK.resource, THERE)
GONE = {"conditions": [{"type": "Stalled", "status": "True", "reason": "Gone", "message": "it is gone"}]}


# --- what must be there ---


def cluster(name: str = "main", id_: str | None = MAIN, **fields: Any) -> Resource:
    return resource("ManagedDatastore", name, id_=id_, **fields)


def database(name: str = "orders", id_: str | None = IDS[0], inside: str = MAIN, **fields: Any) -> Resource:
    return resource("ManagedDatabase", name, id_=id_, inside=inside, **fields)


@pytest.mark.parametrize(
    ("why", "resources", "expected"),
    [
        ("nobody has anything", [database(id_=None)], []),
        (
            "datastores come first, and then ids in their order",
            [database("b", IDS[1]), database(), cluster(id_=uuid(99))],
            [uuid(99), IDS[0], IDS[1]],
        ),
        ("another project's objects are elsewhere", [database(project="other"), cluster()], [MAIN]),
        ("what is gone cannot answer", [database(status=GONE), cluster()], [MAIN]),
        ("nor can what was in it", [cluster(status=GONE), database()], []),
        ("what is in another datastore can", [cluster(status=GONE), database(inside=uuid(5))], [IDS[0]]),
        ("an attempt has no object yet", [database(id_=None, intent=True)], []),
        ("a project itself is none", [resource("DatabaseProject", "main", "", id_="x"), cluster()], [MAIN]),
    ],
)  # fmt: skip
def test_the_objects_that_are_known(why: str, resources: Sequence[Resource], expected: list[str]) -> None:
    known = list(known_in("main", kinds(), resources).objects)
    assert [each.id for each in known] == expected, why
    assert all(each.collection is (DATABASES if each.id in IDS else DATASTORES) for each in known)


BEGUN_HERE = {"intent": {"attempt": 1, "waitSeconds": 60.0, "endpoint": HERE}}


@pytest.mark.parametrize(
    ("why", "resources", "expected"),
    [
        ("none is open", [cluster(), database(id_=None)], ()),
        ("it is open", [database(id_=None, intent=True)], (ORDERS,)),
        ("it tells where", [database(id_=None, intent=True, status=BEGUN_HERE)], (MADE_HERE,)),
        ("its outcome is known", [database(intent=True)], ()),
        ("it is another project's", [database(id_=None, intent=True, project="other")], ()),
        (
            "they are in one order",
            [database("b", None, intent=True), cluster("a", None, intent=True), database("a", None, intent=True)],
            tuple(map(OpenAttempt, ("ManagedDatabase home/a", "ManagedDatabase home/b", "ManagedDatastore home/a"))),
        ),
    ],
)  # fmt: skip
def test_the_attempts_that_are_open(why: str, resources: Sequence[Resource], expected: tuple[OpenAttempt, ...]) -> None:
    assert known_in("main", kinds(), resources).attempts == expected, why


# --- whether it is there ---


class Api:
    """Answers a GET of an id with what `shows` has for it, and with its own 404 otherwise."""

    def __init__(self, shows: Mapping[str, CloudObject | ApiError | None]) -> None:
        self.shows = shows
        self.asked: list[str] = []

    async def send(self, call: Call[CloudObject]) -> Reply[CloudObject]:
        assert call.method == "GET"
        id_ = call.path.rpartition("/")[2]
        self.asked.append(id_)
        answer = self.shows.get(id_, not_found(id_))
        if isinstance(answer, ApiError):
            raise answer
        return Reply(answer, 200, None, 0.0)


def not_found(id_: str) -> NotFound:
    return NotFound("databases.get", f"database {id_} not found.", status=404)


def row(id_: str) -> Database:
    return Database(id=id_, name="orders", datastore_id=MAIN, status="ACTIVE")


def objects(*ids: str) -> Known:
    return Known([KnownObject(DATABASES, id_) for id_ in ids])


A, B, C = IDS[:3]
NO_ROLE = Forbidden("databases.get", "no", status=403)


@pytest.mark.parametrize(
    ("why", "shows", "known", "asked", "is_here"),
    [
        ("it answers", {A: row(A)}, objects(A), [A], True),
        ("the first one that does is enough", {A: row(A)}, objects(A, B), [A], True),
        ("one that is gone proves nothing", {B: row(B)}, objects(A, B, C), [A, B], True),
        ("none does", {}, objects(A, B), [A, B], False),
        ("another object answers in its place", {A: row(B)}, objects(A, C), [A, C], False),
        ("an empty answer is none", {A: None}, objects(A, C), [A, C], False),
        ("what may not be looked at says nothing", {A: NO_ROLE}, objects(A, B), [A, B], False),
        ("all that is there may not be looked at", {A: NO_ROLE, B: NO_ROLE}, objects(A, B), [A, B], True),
        ("nobody holds anything", {}, objects(), [], True),
        ("of many some are asked for", {IDS[8]: row(IDS[8])}, objects(*IDS), IDS[:8], False),
        ("not counting what may not be looked at", dict.fromkeys(IDS[:4], NO_ROLE), objects(*IDS), IDS, False),
    ],
)  # fmt: skip
async def test_where_an_object_answers(
    why: str, shows: Mapping[str, CloudObject | ApiError | None], known: Known, asked: list[str], is_here: bool
) -> None:
    api = Api(shows)
    stall = await where_they_are_not("main", cast(Client, api), HERE, known, None)
    assert api.asked == asked, why
    assert (stall is None) is is_here, why
    if stall is not None:
        missing = [id_ for id_ in asked if id_ not in shows]
        assert stall.reason is Reason.PROJECT_CHANGED
        assert HERE in stall.message
        assert f"(asked for {', '.join(f'database {id_}' for id_ in missing)})" in stall.message


@pytest.mark.parametrize(
    ("why", "error"),
    [
        ("a 404 of something on the way", NotFound("databases.get", "no such page", status=404)),
        ("a 404 of another object", not_found(B)),
        ("a 404 of another kind", NotFound("databases.get", f"project {A} not found.", status=404)),
        ("it is not let in", Unauthorized("databases.get", "no", status=401)),
        ("no answer", OutcomeUnknown("databases.get", "timeout")),
    ],
)
async def test_what_says_neither_that_it_is_there_nor_that_it_is_not(why: str, error: ApiError) -> None:
    with pytest.raises(type(error)):
        await where_they_are_not("main", cast(Client, Api({A: error, B: row(B)})), HERE, objects(A, B), None)


@pytest.mark.parametrize(
    ("why", "attempts", "before", "told"),
    [
        ("it was begun here", [MADE_HERE], THERE, None),
        ("it was begun there", [MADE_THERE], HERE, "led to https://there.example/v1 when ManagedDatabase home/stock began"),
        ("nobody knows where, and the project was here", [ORDERS], HERE, None),
        ("nobody knows where, and the project was there", [ORDERS], THERE, "when ManagedDatabase home/orders began"),
        ("nobody knows anything", [ORDERS], None, None),
        ("only those that were begun there are told", [MADE_HERE, MADE_THERE], None, "when ManagedDatabase home/stock began"),
        ("some of many are told", [STOCK] * 9, THERE, "when " + ", ".join([STOCK.resource] * 8) + " began"),
    ],
)  # fmt: skip
async def test_where_an_attempt_was_made(
    why: str, attempts: Sequence[OpenAttempt], before: str | None, told: str | None
) -> None:
    stall = await where_they_are_not("main", cast(Client, Api({})), HERE, Known((), tuple(attempts)), before)
    if told is None:
        assert stall is None, why
    else:
        assert stall is not None, why
        assert stall.reason is Reason.PROJECT_CHANGED
        assert told in stall.message
        assert f"leads to {HERE} now" in stall.message


async def test_where_an_object_answers_an_attempt_is_as_well() -> None:
    known = Known([KnownObject(DATABASES, A)], (MADE_THERE,))
    assert await where_they_are_not("main", cast(Client, Api({A: row(A)})), HERE, known, THERE) is None
    assert await where_they_are_not("main", cast(Client, Api({A: NO_ROLE})), HERE, known, THERE) is not None
    begun_here = Known(known.objects, (MADE_HERE,))
    stall = await where_they_are_not("main", cast(Client, Api({})), HERE, begun_here, THERE)
    assert stall is not None, "what is held is not here, wherever something else was begun"


@pytest.mark.parametrize(
    ("why", "answer"),
    [("none may be looked at", NO_ROLE), ("each answer is empty", None), ("another one answers", row(uuid(1)))],
)
async def test_however_many_are_held_a_connection_comes_to_an_end(
    why: str, answer: CloudObject | ApiError | None
) -> None:
    ids = [uuid(number) for number in range(1000, 2000)]
    api = Api(dict.fromkeys(ids, answer))
    assert await where_they_are_not("main", cast(Client, api), HERE, objects(*ids), None) is None, why
    assert len(api.asked) == 8


async def test_what_may_be_looked_at_counts_however_much_may_not() -> None:
    forbidden, gone = [uuid(number) for number in range(1000, 1100)], [uuid(number) for number in range(2000, 2020)]
    known = Known([*(KnownObject(DATASTORES, id_) for id_ in forbidden), *objects(*gone).objects])
    api = Api(dict.fromkeys(forbidden, NO_ROLE))
    assert await where_they_are_not("main", cast(Client, api), HERE, known, None) is not None
    assert len(api.asked) == 16, "eight that tell nothing, and eight that are not there"


# --- by what it was reached ---


def secret(name: str = "credentials", version: str = "1") -> SecretContent:
    return SecretContent("operator", name, "uid", version, "Opaque", {}, {}, {})


@pytest.mark.parametrize(
    ("why", "other", "told"),
    [
        ("the Secret has changed", secret(version="2"), (HERE, None)),
        ("it is another one", secret("others"), (HERE, None)),
        ("another address", secret(), (THERE, None)),
        ("the same for something else", secret(), (None, HERE)),
    ],
)
def test_a_version_follows_the_secret_and_the_addresses(
    why: str, other: SecretContent, told: tuple[str | None, ...]
) -> None:
    known = credentials_version(secret(), HERE, None)
    assert credentials_version(secret(), HERE, None) == known
    assert credentials_version(other, *told) != known, why
    assert len(known) == 16
