"""What public evidence leaves open: the sandbox behaves either way, by a setting."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from managed_databases.sandbox.catalogue import CATALOGUE, catalogue_id, type_id
from managed_databases.sandbox.command import sandbox
from managed_databases.sandbox.settings import OTHER_CLOUD, UNSETTLED, Settings, choices, parsed
from sandbox.account import NOWHERE, Account, new_datastore, outcome

PAGE = Path(__file__).parents[2] / "docs/sandbox.md"


async def created(account: Account) -> dict[str, Any]:
    return await account.make("datastores", new_datastore())


async def creation_statuses(account: Account) -> set[int]:
    return {(await account.call("POST", "/datastores", new_datastore())).status_code for _ in range(3)}


async def default_groups(account: Account) -> int:
    return len((await created(account))["security_groups"])


async def dependencies(account: Account) -> tuple[set[str], set[str]]:
    shown = {row["name"]: row["dependency_ids"] for row in await account.get("/available-extensions")}
    cube, distance = (catalogue_id("available-extension", name) for name in ("cube", "earthdistance"))
    one = await account.get(f"/available-extensions/{distance}")
    assert one["dependency_ids"] == shown["earthdistance"]
    return set(shown["cube"]) & {distance}, set(shown["earthdistance"]) & {cube}


async def after_a_change_of_groups(account: Account) -> tuple[str, int, str]:
    """Return the status after the change, what the change right behind it was answered, and the status of the action."""
    path = f"/datastores/{(await created(account))['id']}"
    changed = await account.call("PUT", f"{path}/security-groups", {"security_groups": [NOWHERE]})
    assert changed.status_code == 200
    behind = await account.call("PUT", f"{path}/firewall", {"firewall": {"ips": []}})
    (action,) = await account.get(f"/actions?name=security_groups_datastore&datastore_id={path[12:]}")
    await account.admin("complete")
    assert (await account.get(path))["security_groups"] == [NOWHERE]
    return changed.json()["datastore"]["status"], behind.status_code, action["status"]


async def long_names(account: Account) -> tuple[int, int, int, int]:
    """Return what is answered to 32, 33 and 63 characters in PostgreSQL, and to 33 in MySQL."""
    postgresql = await created(account)
    mysql = await account.make("datastores", new_datastore("mysql", "8"))

    async def add(length: int, datastore: dict[str, Any]) -> int:
        told = {"name": "u" * length, "password": "p", "datastore_id": datastore["id"]}
        answer = await account.call("POST", "/users", {"user": told})
        if outcome(answer) != 201:
            message = answer.json()["error"]["message"]
            assert message == f"Validation failure: {{'user.name': \"'{'u' * length}' is too long\"}}"
        return outcome(answer)

    assert await add(64, postgresql) == 400
    return await add(32, postgresql), await add(33, postgresql), await add(63, postgresql), await add(33, mysql)


async def times(account: Account) -> bool:
    row = await created(account)
    told = [row[name] for name in ("created_at", "updated_at", "creation_finished_at")]
    precise = {re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", time)[1] is not None for time in told}  # type: ignore[index]
    assert len(precise) == 1
    return precise.pop()


async def refusals(account: Account) -> list[tuple[int, str]]:
    """Return the answers to changes that a state does not allow."""
    row = await created(account)
    path, user = f"/datastores/{row['id']}", {"name": "app", "password": "p", "datastore_id": row["id"]}
    database = await account.make("databases", {"database": {"name": "d", "datastore_id": row["id"]}})
    await account.make("users", {"user": user})
    place = {"datastore_id": row["id"], "database_id": database["id"]}
    extension = place | {"available_extension_id": catalogue_id("available-extension", "earthdistance")}
    told = [await account.call("POST", "/extensions", {"extension": extension})]
    await account.call("PUT", path, {"datastore": {"name": "renamed"}})
    floating = {"floating_ip": {"instance_id": row["instances"][0]["id"]}}
    told += [
        await account.call("POST", f"{path}/resize", {"resize": {"node_count": 2}}),
        await account.call("PUT", f"{path}/protection", {"protection": True}),
        await account.call("DELETE", path),
        await account.call("POST", "/floating-ips", floating),
        await account.call("POST", "/users", {"user": user | {"name": "other"}}),
    ]
    assert (await account.call("POST", "/users", {"user": user | {"name": "1"}})).status_code == 400
    await account.admin("complete")
    taken = await account.call("POST", "/users", {"user": user})
    assert (taken.status_code, "already exists" in taken.text) == (409, True), "that is none of a state"
    return [(answer.status_code, answer.json()["error"]["message"]) for answer in told]


async def many_reads(account: Account) -> tuple[int, int]:
    """Return how many of five reads at once were answered, and how many were not; none that comes later is refused."""
    answers = await asyncio.gather(*(account.call("GET", "/datastores") for _ in range(5)))
    assert (await account.call("GET", "/datastores")).status_code == 200
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    return statuses.count(200), statuses.count(503)


async def unset_log_group(account: Account) -> list[object]:
    """Return how a log group is shown before one is set, and after it was taken away."""
    path = f"/datastores/{(await created(account))['id']}"
    told = [await account.get(path)]
    for method, body in (("PUT", {"log_platform": {"log_group": "s/dbaas/a"}}), ("DELETE", None)):
        await account.call(method, f"{path}/log-platform", body)
        await account.admin("complete")
        told.append(await account.get(path))
    assert told[1]["log_platform"] == {"log_group": "s/dbaas/a"}
    return [row.get("log_platform", "absent") for row in (told[0], told[2])]


async def children_of_the_busy(account: Account) -> int:
    row = await created(account)
    await account.call("PUT", f"/datastores/{row['id']}", {"datastore": {"name": "renamed"}})
    return outcome(
        await account.call("POST", "/users", {"user": {"name": "u", "password": "p", "datastore_id": row["id"]}})
    )


async def shown_config(account: Account) -> bool:
    return len((await created(account))["config"]) > 0


async def limits(account: Account) -> list[tuple[object, object]]:
    """Return the least and the largest value of some parameters of PostgreSQL and MySQL."""
    told = []
    for engine, name in (("postgresql", "work_mem"), ("postgresql", "jit"), ("postgresql", "seq_page_cost")):
        (row,) = await account.get(f"/configuration-parameters?datastore_type_id={type_id(engine, '16')}&name={name}")
        told.append((row["min"], row["max"]))
    (row,) = await account.get(
        f"/configuration-parameters?datastore_type_id={type_id('mysql', '8')}&name=tmp_table_size"
    )
    one = await account.get(f"/configuration-parameters/{row['id']}")
    assert one == row
    return [*told, (row["min"], row["max"])]


async def roles_of_users(account: Account) -> tuple[int, bool]:
    row = await created(account)
    user = await account.make("users", {"user": {"name": "u", "password": "p", "datastore_id": row["id"]}})
    return (await account.call("GET", "/roles")).status_code, "roles" in user


NEVER = "Validation failure: "
REFUSED_IN_PROSE = [
    *((400, f"{NEVER}{words}") for words in (
        "extension cannot be created", "datastore cannot be resized", "datastore cannot be updated",
        "datastore cannot be deleted", "datastore cannot be updated", "user cannot be created",
    )),
]  # fmt: skip
EITHER_WAY: list[tuple[str, object, Callable[[Account], Awaitable[object]], object]] = [
    ("busy_children", False, children_of_the_busy, 201),
    ("busy_children", True, children_of_the_busy, 409),
    ("config_defaults", False, shown_config, False),
    ("config_defaults", True, shown_config, True),
    ("creation_status", "mixed", creation_statuses, {200, 201}),
    ("creation_status", "200", creation_statuses, {200}),
    ("creation_status", "201", creation_statuses, {201}),
    ("default_group_shown", False, default_groups, 0),
    ("default_group_shown", True, default_groups, 1),
    ("groups_pending", False, after_a_change_of_groups, ("ACTIVE", 200, "DONE")),
    ("groups_pending", True, after_a_change_of_groups, ("PENDING_UPDATE", 409, "PENDING")),
    ("long_user_names", False, long_names, (201, 400, 400, 400)),
    ("long_user_names", True, long_names, (201, 201, 201, 400)),
    ("microseconds", True, times, True),
    ("microseconds", False, times, False),
    ("prose_refusals", True, refusals, REFUSED_IN_PROSE),
    ("reads_at_once", 0, many_reads, (5, 0)),
    ("reads_at_once", 2, many_reads, (2, 3)),
    ("text_limits", False, limits, [(64, 2147483647), (None, None), (0, 1.79769e308), (1024, 2**64 - 1)]),
    (
        "text_limits",
        True,
        limits,
        [("64", "2147483647"), (None, None), ("0", "1.79769e+308F"), ("1024", "18446744073709551615")],
    ),
    ("unset_log_group", "object", unset_log_group, [{"log_group": None}] * 2),
    ("unset_log_group", "null", unset_log_group, [None] * 2),
    ("unset_log_group", "absent", unset_log_group, ["absent"] * 2),
    ("user_offers", False, roles_of_users, (404, False)),
    ("user_offers", True, roles_of_users, (200, True)),
]


@pytest.mark.parametrize(
    ("setting", "value", "look", "expected"), EITHER_WAY, ids=[f"{row[0]}={row[1]}" for row in EITHER_WAY]
)
async def test_either_way(
    setting: str, value: object, look: Callable[[Account], Awaitable[object]], expected: object, account: Account
) -> None:
    if setting != "busy_children":
        await account.admin("settings", busy_children=True)
    await account.admin("settings", **{setting: value})
    assert await look(account) == expected


async def test_a_state_is_refused_by_409_else(account: Account) -> None:
    told = await refusals(account)
    assert [status for status, _ in told] == [400, 409, 409, 409, 409, 409]
    assert not any(message.startswith(NEVER) for _, message in told)


async def test_dependencies_are_told_either_way_round(account: Account) -> None:
    for listed, expected in ((False, (0, 1)), (True, (1, 0))):
        await account.admin("settings", dependents_listed=listed)
        assert tuple(map(len, await dependencies(account))) == expected


def test_every_setting_is_tried_both_ways() -> None:
    tried = {name: {value for other, value, *_ in EITHER_WAY if other == name} for name in UNSETTLED}
    elsewhere = {"dependents_listed": {False, True}, "prose_refusals": {False}}
    for name in UNSETTLED:
        values = tried[name] | elsewhere.get(name, set())
        assert values >= set(choices(name)) | {UNSETTLED[name]}, name
        assert len(values) > 1, name


def test_the_other_cloud_is_another_in_everything() -> None:
    assert OTHER_CLOUD.keys() == UNSETTLED.keys()
    assert {name for name, value in OTHER_CLOUD.items() if value == UNSETTLED[name]} == set()
    assert {name: type(value) for name, value in OTHER_CLOUD.items()} == {n: type(v) for n, v in UNSETTLED.items()}
    Settings(**OTHER_CLOUD)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("busy_children=true", ("busy_children", True)),
        ("microseconds=false", ("microseconds", False)),
        ("creation_status=201", ("creation_status", "201")),
        ("reads_at_once=8", ("reads_at_once", 8)),
    ],
)
def test_settings_are_read_from_the_command_line(told: str, expected: tuple[str, object]) -> None:
    assert parsed(told) == expected


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("colour=red", "there is no setting 'colour'"),
        ("microseconds", "microseconds is one of false, true"),
        ("creation_status=204", "creation_status is one of mixed, 200, 201"),
        ("reads_at_once=-1", "reads_at_once is a whole number"),
    ],
)
def test_what_is_no_setting_is_told(told: str, message: str) -> None:
    app = typer.Typer()
    app.command()(sandbox)
    answer = CliRunner().invoke(app, ["--setting", told])
    assert (answer.exit_code, message in answer.output) == (1, True), answer.output


def test_the_page_lists_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| .* \| `(\w+)` \| `([^`]+)`[^|]*\|$", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == {name: str(value).lower() for name, value in UNSETTLED.items()}


async def test_public_addresses_are_given_once(account: Account) -> None:
    told = new_datastore(node_count=3, floating_ips={"master": 1, "replica": 2})
    rows = [await account.make("datastores", told) for _ in range(3)]
    addresses = [instance["floating_ip"] for row in rows for instance in row["instances"]]
    assert len(set(addresses)) == len(addresses) == 9
    body = {"floating_ip": {"instance_id": rows[0]["instances"][0]["id"]}}
    for method in ("DELETE", "POST"):
        assert (await account.call(method, "/floating-ips", body)).status_code == 204
        await account.admin("complete")
    again = (await account.get(f"/datastores/{rows[0]['id']}"))["instances"][0]["floating_ip"]
    assert again not in addresses


async def test_an_instance_has_a_name_and_a_zone_of_its_own(account: Account) -> None:
    row = await account.make("datastores", new_datastore(node_count=4))
    assert [one["hostname"] for one in row["instances"]] == [
        f"{one['id']}.region-1.c.dbaas.sandbox.internal" for one in row["instances"]
    ]
    zones = [one["availability_zone"] for one in row["instances"]]
    assert zones == ["region-1a", "region-1b", "region-1c", "region-1a"]
    assert row["connection"]["replica-1"] == f"replica-1.{row['id']}.c.dbaas.sandbox.internal"


async def test_a_pooler_changes_in_one_field(account: Account, postgresql: dict[str, Any]) -> None:
    path = f"/datastores/{postgresql['id']}"
    for told, expected in (
        ({"size": 5}, {"mode": "transaction", "size": 5}),
        ({"mode": "session"}, {"mode": "session", "size": 5}),
    ):
        assert (await account.call("PUT", f"{path}/pooler", {"pooler": told})).status_code == 200
        await account.admin("complete")
        assert (await account.get(path))["pooler"] == expected


def test_the_catalogue_itself_stays_as_it_is() -> None:
    assert not CATALOGUE["available-extensions"][catalogue_id("available-extension", "cube")]["dependency_ids"]
