"""Every golden row, played against the sandbox: the status, and every field that the row's answer has.

What the sandbox gives itself (the ids of what is on offer) is put into the rows in place of theirs; everything else is
made behind the API's back with the ids of the rows.
"""

import json
from functools import cache
from typing import Any

import pytest

from api.golden_rows import Row, golden_rows
from managed_databases.sandbox.catalogue import CATALOGUE, catalogue_id, type_id
from managed_databases.sandbox.sections import SECTIONS, Section
from sandbox.account import Account

POSTGRESQL, KAFKA, SOURCE, CACHE, MYSQL = (
    "11111111-1111-4111-8111-111111111111",
    "11111111-1111-4111-8111-111111111112",
    "dddddddd-dddd-4ddd-8ddd-dddddddddddd",
    "11111111-1111-4111-8111-111111111113",
    "11111111-1111-4111-8111-111111111114",
)
DATABASE, USER, HEIR = (f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "234")


def flavor(name: str, *of_type: str) -> str:
    return next(
        id_
        for id_, row in CATALOGUE["flavors"].items()
        if row["name"] == name and set(of_type) <= {*row["datastore_type_ids"]}
    )


def parameter(name: str) -> str:
    return catalogue_id("configuration-parameter", type_id("postgresql", "16"), name)


def role(name: str) -> str:
    return catalogue_id("role", type_id("postgresql", "16"), name)


def setting(name: str) -> str:
    return catalogue_id("user-setting-parameter", type_id("postgresql", "16"), name)


OURS = {
    "55555555-5555-4555-8555-555555555555": type_id("postgresql", "16"),
    "55555555-5555-4555-8555-555555555557": type_id("redis", "7"),
    "66666666-6666-4666-8666-666666666666": flavor("SL1.2-4096-32"),
    "66666666-6666-4666-8666-666666666667": flavor("DH1.8-32768-256"),
    "66666666-6666-4666-8666-666666666668": flavor("RS1.1-1024-10", type_id("redis", "7")),
    "66666666-6666-4666-8666-666666666669": flavor("SL1.4-16384-128"),
    "77777777-7777-4777-8777-777777777777": parameter("work_mem"),
    "77777777-7777-4777-8777-777777777778": parameter("xmloption"),
    "16161616-1616-4616-8616-161616161616": catalogue_id("available-extension", "pgcrypto"),
    "19191919-1919-4919-8919-191919191919": role("pg_read_all_data"),
    "1a1a1a1a-1a1a-4a1a-8a1a-1a1a1a1a1a1b": setting("synchronous_commit"),
}
"""The rows' id -> the sandbox's."""

DEPRECATED = tuple(
    f"{section}.{verb}"
    for section in ("available-extensions", "configuration-parameters", "flavors")
    for verb in ("create", "update", "delete", "update-host", "delete-host")
)
"""They change what the cloud offers; the sandbox lets no project do that."""

ELSEWHERE = {"datastores.password": CACHE, "datastores.logs": MYSQL}
"""Operations that PostgreSQL does not have, though their rows have its id."""

UNKNOWN = {".opensearch"}
"""An engine that clients must bear, and that the sandbox does not have."""


@cache
def there() -> list[tuple[str, dict[str, Any]]]:
    """Return what the rows speak of, as (collection, object). Of other sections it is what their golden `get` tells."""
    place = {"datastore_id": POSTGRESQL}
    kafka = {"datastore_id": KAFKA, "user_id": USER, "allow_read": True, "allow_write": True}
    instance = {"id": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbb1", "role": "MASTER", "role_name": "master", "ip": "10.0.0.1"}
    instance |= {"status": "ACTIVE", "hostname": "h", "availability_zone": "z", "flavor_id": flavor("SL1.2-4096-32")}
    action = {"id": "88888888-8888-4888-8888-888888888888", "name": "resize", "status": "DONE", "request_id": "r"}
    action |= {"started_at": "2024-05-01T10:00:00", "finished_at": "2024-05-01T10:01:00"}
    main = {"instances": [instance | {"floating_ip": None}], "firewall": [{"ip": "10.0.0.0/8"}]}
    written: list[tuple[str, dict[str, Any]]] = [
        ("datastores", {"id": POSTGRESQL, "name": "orders", "log_platform": {"log_group": "s/dbaas/orders"}, **main}),
        ("datastores", {"id": SOURCE, "backup_retention_days": 100_000}),
        ("datastores", {"id": KAFKA, "type_id": type_id("kafka", "3.6")}),
        ("datastores", {"id": CACHE, "type_id": type_id("redis", "7")}),
        ("datastores", {"id": MYSQL, "type_id": type_id("mysql", "8")}),
        ("users", {"id": USER, "name": "owner", "roles": [], "settings": {"statement_timeout": 5000}, **place}),
        ("users", {"id": HEIR, "name": "heir", **place}),
        ("databases", {"id": DATABASE, "name": "store", "owner_id": USER, "lc_collate": "C", "lc_ctype": "C", **place}),
        ("grants", {"id": "14141414-1414-4414-8414-141414141414", "database_id": DATABASE, "user_id": HEIR, **place}),
        (
            "extensions",
            {
                "id": "15151515-1515-4515-8515-151515151515",
                "available_extension_id": catalogue_id("available-extension", "citext"),
                "database_id": DATABASE,
                **place,
            },
        ),
        (
            "logical-replication-slots",
            {"id": "17171717-1717-4717-8717-171717171717", "name": "other", "database_id": DATABASE, **place},
        ),
        ("topics", {"id": "12121212-1212-4212-8212-121212121212", "name": "t", "partitions": 3, "datastore_id": KAFKA}),
        ("acls", {"id": "13131313-1313-4313-8313-131313131313", "pattern_type": "prefixed", "pattern": "t.", **kafka}),
        ("acls", {"id": "13131313-1313-4313-8313-131313131314", "pattern_type": "literal", "pattern": "t", **kafka}),
        ("prometheus-metrics-tokens", {"id": "18181818-1818-4818-8818-181818181818", "name": "m", "value": "v"}),
        ("actions", action | place),
    ]
    sections = {collection for collection, _ in written} | {*CATALOGUE, "configuration-parameters"}
    others = [section for section in SECTIONS.values() if section.name not in sections]
    return written + [(section.name, shown(section)) for section in others]


def shown(section: Section) -> dict[str, Any]:
    """Return the object that a section's golden `get` tells."""
    told = next(row.answer for row in golden_rows() if row.operation == f"{section.name}.get" and row.status == 200)
    found: dict[str, Any] = (told or {})[section.one]
    return found


@pytest.mark.parametrize("row", golden_rows(), ids=lambda row: row.title)
async def test_golden(row: Row, account: Account) -> None:
    for collection, told in there():
        await account.admin("create", collection=collection, body=told)
    await prepare(row, account)
    if "N" in row.marks.values():
        await account.admin("settings", user_offers=True)
    path, query, request = in_our_words(row)
    answer = await account.http.request(
        row.method, f"/v1{path}", params=query, json=request, headers={"X-Auth-Token": account.token}
    )
    if row.operation in DEPRECATED:
        assert answer.status_code == 403
    elif row.status >= 400:
        assert (answer.status_code, answer.json()) == (row.status, row.answer)
    else:
        assert answer.status_code in (200, 201, 204), answer.text
        expected = names(row.answer, deep=row.marks["answer"] != "A") - UNKNOWN
        missing = expected - names(answer.json() if answer.content else None, deep=True)
        assert not missing, answer.text


async def prepare(row: Row, account: Account) -> None:
    """Give what is there the values that the row asks for."""
    made = {collection: told["id"] for collection, told in reversed(there())}
    section, _, verb = row.operation.partition(".")
    if verb == "list" and section in made:
        values = {"true": True, "false": False}
        query = {name: values.get(value, value) for name, value in in_our_words(row)[1].items()}
        await account.admin("edit", collection=section, id=made[section], fields=query)
    if row.operation == "acls.create":
        await account.admin("edit", collection="users", id=USER, fields={"datastore_id": KAFKA})
    if row.operation == "floating-ips.delete":
        (main,) = await account.get(f"/datastores?id={POSTGRESQL}")
        instances = [main["instances"][0] | {"floating_ip": "203.0.113.1"}]
        await account.admin("edit", collection="datastores", id=POSTGRESQL, fields={"instances": instances})


def in_our_words(row: Row) -> tuple[str, dict[str, str], Any]:
    """Return path, query and request, with the sandbox's ids."""
    text = json.dumps([row.path, row.query, row.request])
    for theirs, ours in [*OURS.items(), (POSTGRESQL, ELSEWHERE.get(row.operation, POSTGRESQL))]:
        text = text.replace(theirs, ours)
    path, query, request = json.loads(text)
    return path, query, request


def names(value: object, path: str = "", *, deep: bool) -> set[str]:
    """Return the dotted names of all fields, or of the envelope only; a map with names of people's choice counts as one."""
    if isinstance(value, list):
        return set().union(*(names(one, path, deep=deep) for one in value))
    if not isinstance(value, dict) or path.endswith((".config", ".connection", ".settings")):
        return {path} - {""}
    below = {name for key, told in value.items() for name in names(told, f"{path}.{key}", deep=deep)} if deep else set()
    return {path, *(f"{path}.{key}" for key in value), *below} - {""}
