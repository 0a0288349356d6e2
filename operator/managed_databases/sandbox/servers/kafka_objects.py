"""What is in a Kafka server: users, topics, access rules."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple

from aiokafka.protocol.admin import (
    CreateAclsRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteAclsRequest,
    DeleteTopicsRequest,
)

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.servers.kafka_requests import SetPassword
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row

ADMINISTRATOR: Final = "sandbox_administrator"
_OWN_TOPICS: Final = ("__cluster_metadata", "__consumer_offsets", "__share_group_state", "__transaction_state")
"""The broker's own: made when they are first needed, so a topic of that name would seem to be there already."""

_TOPIC, _GROUP = 2, 3
_LITERAL, _PREFIXED = 3, 4
_READ, _WRITE, _ANY = 3, 4, 1
_ALLOW: Final = 3
_TIMEOUT_MS: Final = 20_000
_NO_SUCH_TOPIC, _TOPIC_EXISTS, _PARTITIONS_AS_THEY_ARE, _NO_SUCH_USER = 3, 36, 37, 91

Session = Callable[[], AbstractAsyncContextManager[Any]]


class _Rule(NamedTuple):
    """One right of a user, in Kafka's numbers."""

    kind: int
    name: str
    pattern: int
    operation: int


class KafkaObjects:
    """`session` gives an administrator's connection to the broker."""

    def __init__(self, space: Space, session: Session) -> None:
        self._space = space
        self._session = session

    def objection(self, collection: str, row: Row) -> str | None:
        own = {"users": (ADMINISTRATOR,), "topics": _OWN_TOPICS}.get(collection, ())
        return f"the name {row['name']} is reserved" if own and row["name"] in own else None

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        async with self._session() as session:
            match collection:
                case "users" if sealed is not None:
                    await _set_password(session, row["name"], sealed)
                case "topics":
                    await _put_topic(session, row["name"], row["partitions"])
                case "acls":
                    await self._set_rules(session, row, _rules(row))

    async def drop(self, collection: str, row: Row) -> None:
        async with self._session() as session:
            match collection:
                case "users":
                    await _set_password(session, row["name"], None)
                    await _delete_rules(session, row["name"], [_Rule(_ANY, "", _ANY, _ANY)])
                case "topics":
                    told = await session.send(DeleteTopicsRequest([row["name"]], _TIMEOUT_MS))
                    _check(told.topic_error_codes[0][1], "", _NO_SUCH_TOPIC)
                case "acls":
                    await self._set_rules(session, row, set())

    async def _set_rules(self, session: Any, row: Row, wanted: set[_Rule]) -> None:
        """Let the rules of one row be these; what its user needs for another row stays."""
        user = self._space.find("users", row["user_id"])
        if user is None:
            raise ChangeRefused("the user is gone")
        for rule in wanted:
            request = CreateAclsRequest(*rule[:3], f"User:{user['name']}", "*", rule.operation, _ALLOW)
            _check(*(await session.send(request)).creation_responses[0])
        others = [
            other
            for other in self._space.objects("acls").values()
            if other["user_id"] == user["id"] and other["id"] != row["id"] and other["status"] != "PENDING_CREATE"
        ]
        kept = wanted.union(*map(_rules, others))
        stale = _rules(row | {"allow_read": True, "allow_write": True}) - kept
        await _delete_rules(session, user["name"], stale)


def _rules(row: Row) -> set[_Rule]:
    """Return the rights of a row. Whoever reads a topic may be in every group of consumers, which reading needs."""
    pattern = _PREFIXED if row["pattern_type"] == "prefixed" else _LITERAL
    name = "*" if row["pattern_type"] == "all" else row["pattern"]
    operations = [(_READ, row["allow_read"]), (_WRITE, row["allow_write"])]
    rules = {_Rule(_TOPIC, name, pattern, operation) for operation, allowed in operations if allowed}
    return rules | ({_Rule(_GROUP, "*", _LITERAL, _READ)} if row["allow_read"] else set())


async def _delete_rules(session: Any, user: str, rules: Iterable[_Rule]) -> None:
    for rule in rules:
        name = rule.name or None
        request = DeleteAclsRequest(rule.kind, name, rule.pattern, f"User:{user}", None, rule.operation, _ANY)
        _check(*(await session.send(request)).filter_responses[0][:2])


async def _set_password(session: Any, user: str, sealed: str | None) -> None:
    (told,) = (await session.send(SetPassword(user, sealed))).results
    _check(told[1], told[2], _NO_SUCH_USER)


async def _put_topic(session: Any, name: str, partitions: int) -> None:
    told = await session.send(CreateTopicsRequest([(name, partitions, 1, [], [])], _TIMEOUT_MS, False))
    code, text = told.topic_errors[0][1:3]
    if code == _TOPIC_EXISTS:
        told = await session.send(CreatePartitionsRequest([(name, (partitions, None))], _TIMEOUT_MS, False))
        code, text = told.topic_errors[0][1:3]
    _check(code, text, _PARTITIONS_AS_THEY_ARE)


def _check(code: int, text: str | None, *fine: int) -> None:
    """Raise ChangeRefused for an error of Kafka's."""
    if code and code not in fine:
        raise ChangeRefused(f"Kafka: error {code}: {text or 'no message'}")
