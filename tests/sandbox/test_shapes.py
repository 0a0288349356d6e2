"""Answers have every field that public clients read, by the golden answers written by hand."""

from typing import Any

from api.golden_rows import golden_rows
from sandbox.account import Account, new_datastore


def fields(value: object, path: str = "") -> set[str]:
    """Return the dotted names of all fields; maps with names of people's choice count as one."""
    if isinstance(value, list):
        return set().union(*(fields(one, path) for one in value))
    if not isinstance(value, dict) or path.endswith((".config", ".connection")):
        return {path}
    return {path}.union(*(fields(told, f"{path}.{name}") for name, told in value.items()))


async def test_every_golden_field_is_answered(account: Account) -> None:
    datastore = await account.make(
        "datastores",
        new_datastore(disk={"type": "local", "size": 32}, log_platform={"log_group": "s/dbaas/a"}),
    )
    await account.call("PUT", f"/datastores/{datastore['id']}/firewall", {"firewall": {"ips": ["10.0.0.1"]}})
    await account.admin("complete")
    place: dict[str, Any] = {"datastore_id": datastore["id"]}
    made = {
        "users": await account.make("users", {"user": place | {"name": "u", "password": "p"}}),
        "databases": await account.make("databases", {"database": place | {"name": "d"}}),
        "datastores": await account.get(f"/datastores/{datastore['id']}"),
    }
    for section in ("datastore-types", "flavors", "configuration-parameters", "actions"):
        made[section] = (await account.get(f"/{section}"))[-1]
    compared = 0
    for row in golden_rows():
        section = row.path.strip("/").removeprefix("v1/").split("/")[0]
        if (
            row.status >= 400
            or row.answer is None
            or section not in made
            or row.path.endswith(("count", "logs", "metrics"))
        ):
            continue
        for value in row.answer.values():
            missing = {name for name in fields(value) - fields(made[section]) if "host." not in name}
            assert not missing, f"{row.title}: {sorted(missing)}"
            compared += 1
    assert compared
