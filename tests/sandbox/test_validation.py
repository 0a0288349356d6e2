"""The API's refusals, word by word."""

from typing import Any

import httpx
import pytest

from api.golden_rows import Row, golden_rows
from managed_databases.sandbox import routes
from managed_databases.sandbox.validation import failures
from sandbox.account import NOWHERE, SIZE, Account, new_datastore

TOO_LONG = "n" * 256


def told(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["message"]


@pytest.mark.parametrize(
    ("why", "path", "body", "message"),
    [
        ("empty", "/datastores", new_datastore(name=""), "{'datastore.name': \"'' is too short\"}"),
        (
            "too long",
            "/datastores",
            new_datastore(name=TOO_LONG),
            f"{{'datastore.name': \"'{TOO_LONG}' is too long\"}}",
        ),
        (
            "a blank",
            "/datastores",
            new_datastore(name="a b"),
            "{'datastore.name': \"'a b' does not match '^[A-Za-z0-9_-]*$'\"}",
        ),
        (
            "no UUID",
            "/datastores",
            new_datastore(subnet_id="20d7"),
            "{'datastore.subnet_id': \"'20d7' is not a 'UUID'\"}",
        ),
        (
            "no nodes",
            "/datastores",
            new_datastore(node_count=0),
            "{'datastore.node_count': '0 is less than the minimum of 1'}",
        ),
        (
            "true is no number",
            "/datastores",
            new_datastore(node_count=True),
            "{'datastore.node_count': \"True is not of type 'integer'\"}",
        ),
        (
            "unknown mode",
            "/datastores",
            new_datastore(pooler={"mode": "abc"}),
            "{'datastore.pooler.mode': \"'abc' is not one of ['session', 'transaction', 'statement']\"}",
        ),
        (
            "unknown field",
            "/datastores",
            new_datastore(colour="red"),
            "{'datastore': \"Additional properties are not allowed ('colour' was unexpected)\"}",
        ),
        (
            "two unknown fields",
            "/users",
            {"user": {"name": "u", "password": "p", "datastore_id": NOWHERE, "a": 1, "b": 2}},
            "{'user': \"Additional properties are not allowed ('a', 'b' were unexpected)\"}",
        ),
        (
            "no password",
            "/users",
            {"user": {"name": "u", "datastore_id": NOWHERE}},
            "{'user': \"'password' is a required property\"}",
        ),
        ("no envelope", "/users", {}, "'user' is a required property"),
        (
            "two things wrong",
            "/databases",
            {"database": {"name": "1", "datastore_id": "x"}},
            (
                "{'database.name': \"'1' does not match '^[A-Za-z_][A-Za-z0-9_]*$'\","
                " 'database.datastore_id': \"'x' is not a 'UUID'\"}"
            ),
        ),
        (
            "a line feed at the end",
            "/databases",
            {"database": {"name": "d\n", "datastore_id": NOWHERE}},
            "{'database.name': \"'d\\\\n' does not match '^[A-Za-z_][A-Za-z0-9_]*$'\"}",
        ),
        (
            "an unknown locale",
            "/databases",
            {"database": {"name": "d", "datastore_id": NOWHERE, "lc_collate": "C", "lc_ctype": "ru_RU"}},
            "{'database.lc_ctype': \"'ru_RU' is not one of ['C', 'ru_RU.utf8']\"}",
        ),
        (
            "a slot with capitals",
            "/logical-replication-slots",
            {"logical-replication-slot": {"name": "Slot", "datastore_id": NOWHERE, "database_id": NOWHERE}},
            "{'logical-replication-slot.name': \"'Slot' does not match '^[a-z0-9_]+$'\"}",
        ),
        (
            "too many partitions",
            "/topics",
            {"topic": {"name": "t", "datastore_id": NOWHERE, "partitions": 4001}},
            "{'topic.partitions': '4001 is greater than the maximum of 4000'}",
        ),
        (
            "no security groups",
            "/datastores",
            new_datastore(security_groups=[]),
            "{'datastore.security_groups': '[] is too short'}",
        ),
        (
            "the same twice",
            "/datastores",
            new_datastore(security_groups=[NOWHERE, NOWHERE]),
            f"{{'datastore.security_groups': \"['{NOWHERE}', '{NOWHERE}'] has non-unique elements\"}}",
        ),
        (
            "a log group elsewhere",
            "/datastores",
            new_datastore(log_platform={"log_group": "x"}),
            "{'datastore.log_platform.log_group': \"'x' does not match '^s/dbaas/[A-Za-z0-9_\\\\\\\\-/.#]*$'\"}",
        ),
        (
            "not a parameter",
            "/datastores",
            new_datastore(config={"nonsense": 1}),
            "{'config.nonsense': \"'nonsense' is not a parameter of this datastore type\"}",
        ),
        (
            "out of range",
            "/datastores",
            new_datastore(config={"max_connections": 0}),
            "{'config.max_connections': '0 is less than the minimum of 1'}",
        ),
        (
            "text for a number",
            "/datastores",
            new_datastore(config={"max_connections": "100"}),
            "{'config.max_connections': \"'100' is not of type 'int'\"}",
        ),
    ],
)
async def test_what_a_create_may_not_say(why: str, path: str, body: Any, message: str, account: Account) -> None:
    assert told(await account.call("POST", path, body)) == (400, f"Validation failure: {message}"), why


async def test_a_resize_never_has_a_disk_type(account: Account, postgresql: dict[str, Any]) -> None:
    answer = await account.call("POST", f"/datastores/{postgresql['id']}/resize", {"resize": {"flavor": SIZE}})
    expected = (
        "Validation failure: {'resize.flavor': \"Additional properties are not allowed ('disk_type' was unexpected)\"}"
    )
    assert told(answer) == (400, expected)


async def test_an_acl_must_allow_something(account: Account, kafka: dict[str, Any]) -> None:
    user = await account.make("users", {"user": {"name": "u", "password": "p", "datastore_id": kafka["id"]}})
    body = {"datastore_id": kafka["id"], "user_id": user["id"], "pattern_type": "all"}
    forbidden = {"allow_read": False, "allow_write": False}
    answer = await account.call("POST", "/acls", {"acl": body | forbidden})
    message = "Validation failure: At least one of these fields (allow_read, allow_write) must be true"
    assert told(answer) == (400, message)
    acl = await account.make("acls", {"acl": body | forbidden | {"allow_read": True}})
    answer = await account.call("PUT", f"/acls/{acl['id']}", {"acl": {"allow_read": False}})
    assert told(answer) == (400, message)


@pytest.mark.parametrize(
    ("why", "wrong", "message"),
    [
        ("both are required", {"allow_write": None}, "{'acl': \"'allow_write' is a required property\"}"),
        ("no pattern", {"pattern": None}, "{'acl': \"'pattern' is a required property\"}"),
        ("an empty one", {"pattern": ""}, "{'acl.pattern': \"'' is too short\"}"),
        (
            "a star",
            {"pattern": "orders.*"},
            "{'acl.pattern': \"'orders.*' does not match '^[a-zA-Z0-9\\\\\\\\._\\\\\\\\-]+$'\"}",
        ),
        (
            "one for all topics",
            {"pattern_type": "all"},
            "{'acl.pattern': \"'pattern' must be left out with the pattern_type 'all'\"}",
        ),
    ],
)
async def test_what_an_acl_may_not_say(
    why: str, wrong: dict[str, Any], message: str, account: Account, kafka: dict[str, Any]
) -> None:
    user = await account.make("users", {"user": {"name": "u", "password": "p", "datastore_id": kafka["id"]}})
    good = {"datastore_id": kafka["id"], "user_id": user["id"], "pattern_type": "literal", "pattern": "a.B_-1"}
    body = {
        name: value
        for name, value in (good | {"allow_read": True, "allow_write": False} | wrong).items()
        if value is not None
    }
    assert told(await account.call("POST", "/acls", {"acl": body})) == (400, f"Validation failure: {message}"), why


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("databases", "database"),
        ("datastores", "datastore"),
        ("acls", "acl"),
        ("topics", "topic"),
        ("users", "user"),
        ("grants", "grant"),
        ("extensions", "extension"),
        ("available-extensions", "availableextension"),
        ("datastore-types", "datastoretype"),
        ("configuration-parameters", "configurationparameter"),
        ("logical-replication-slots", "logicalreplicationslot"),
        ("prometheus-metrics-tokens", "prometheusmetrictoken"),
        ("flavors", "flavor"),
        ("actions", "action"),
    ],
)
async def test_what_is_not_there(path: str, word: str, account: Account) -> None:
    for id_ in (NOWHERE, "123"):
        assert told(await account.call("GET", f"/{path}/{id_}")) == (404, f"{word} {id_} not found.")


async def test_what_is_no_json_no_path_no_method(account: Account) -> None:
    headers = {"X-Auth-Token": account.token}
    answer = await account.http.post("/v1/users", content=b"{", headers=headers)
    assert told(answer) == (400, "The body is not valid JSON.")
    assert (await account.call("GET", "/nothing")).status_code == 404
    assert (await account.call("PUT", "/users")).status_code == 405


@pytest.mark.parametrize("row", golden_rows(), ids=lambda row: row.title)
def test_golden_requests(row: Row) -> None:
    """What was written by hand as right is right here too, what as wrong is wrong in the same words."""
    operation, _ = routes.find(row.method, row.path.strip("/").removeprefix("v1/").split("/"))
    wrong = failures(operation.schema, row.request) if operation.schema is not None else {}
    if row.status < 400:
        assert not wrong
    elif row.status == 400 and wrong:
        assert row.answer is not None
        assert row.answer["error"]["message"] == f"Validation failure: {wrong.get('') or wrong}"
