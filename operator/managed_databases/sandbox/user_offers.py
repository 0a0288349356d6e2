"""Roles and settings of users, in the PostgreSQL family: what newer clouds offer besides names and passwords.

Off by default, as older clouds lack them: then the paths are unknown (404), and a user is created without these fields.
"""

from typing import Any, Final

from managed_databases.sandbox.answers import Answer, Refusal, invalid, not_found
from managed_databases.sandbox.calling import Call, unsupported
from managed_databases.sandbox.catalogue import TYPES, catalogue_id
from managed_databases.sandbox.store import Row
from managed_databases.sandbox.validation import is_uuid

_WORD: Final = "usersettingparameter"
_POSTGRESQL: Final = tuple(id_ for id_, kind in TYPES.items() if kind.engine.postgresql)
_ROLES: Final = ("pg_read_all_data", "pg_write_all_data")
_SINCE: Final = 14
"""The version of PostgreSQL that brought these roles (its release notes)."""

_SETTINGS: Final[tuple[Row, ...]] = (
    {
        "name": "conn_limit",
        "type": "int",
        "unit": "",
        "min": -1,
        "max": 2147483647,
        "default_value": "-1",
        "choices": None,
        "apply_mechanism": "role_attr",
    },
    {
        "name": "login",
        "type": "bool",
        "unit": "",
        "min": None,
        "max": None,
        "default_value": "true",
        "choices": None,
        "apply_mechanism": "role_attr",
    },
    {
        "name": "statement_timeout",
        "type": "int",
        "unit": "ms",
        "min": 0,
        "max": 2147483647,
        "default_value": "0",
        "choices": None,
        "apply_mechanism": "guc",
    },
    {
        "name": "synchronous_commit",
        "type": "str",
        "unit": "",
        "min": None,
        "max": None,
        "default_value": "on",
        "choices": ["local", "remote_write", "remote_apply", "on", "off"],
        "apply_mechanism": "guc",
    },
)
"""The settings that are known by name (docs/api-facts.md); ranges and choices are PostgreSQL's own (CREATE ROLE, pg_settings)."""


def _rows_of(section: str, offers: tuple[tuple[str, Row], ...]) -> dict[str, Row]:
    rows = {}
    for type_, offer in offers:
        id_ = catalogue_id(section, type_, offer["name"])
        rows[id_] = {"id": id_, "datastore_type_id": type_, **offer}
    return rows


ROLES: Final = _rows_of(
    "role",
    tuple(
        (type_, {"name": name})
        for type_ in _POSTGRESQL
        if int(TYPES[type_].version.partition("-")[0]) >= _SINCE
        for name in _ROLES
    ),
)
PARAMETERS: Final = _rows_of(
    "user-setting-parameter",
    tuple(
        (type_, offer | {"is_available_for_customer": True, "is_changeable": True, "can_be_empty": False})
        for type_ in _POSTGRESQL
        for offer in _SETTINGS
    ),
)


def list_roles(call: Call, _: str) -> Answer:
    _require(call)
    return Answer(200, {"roles": _filtered(call, ROLES, "id", "name", "datastore_type_id")})


def list_parameters(call: Call, _: str) -> Answer:
    _require(call)
    rows = _filtered(call, PARAMETERS, "id", "name", "datastore_type_id")
    return Answer(200, {"user-setting-parameters": rows})


def get_parameter(call: Call, id_: str) -> Answer:
    _require(call)
    if (row := PARAMETERS.get(id_)) is None:
        raise not_found(_WORD, id_)
    return Answer(200, {"user-setting-parameter": row})


def set_roles(call: Call, id_: str) -> Answer:
    """Replace all roles of a user."""
    _require(call)
    return _change(call, id_, "roles", {"roles": call.body["roles"]})


def set_settings(call: Call, id_: str) -> Answer:
    """Change the settings that are given; null resets one to its default."""
    _require(call)
    old = call.idle("users", "user", id_)
    told: Row = call.body["settings"]
    kept = {name: value for name, value in (old.get("settings") or {}).items() if name not in told}
    given = {name: value for name, value in told.items() if value is not None}
    return _change(call, id_, "settings", {"settings": given}, then={"settings": kept | given})


def shown(call: Call, row: Row) -> Row:
    """Return a user as the API shows it: one that was made before there were roles and settings has none."""
    datastore = call.space.find("datastores", row["datastore_id"])
    if datastore is None or not TYPES[datastore["type_id"]].engine.postgresql:
        return row
    return {**row, "roles": row.get("roles", []), "settings": row.get("settings", {})}


def check_user(call: Call, new: Row, old: Row | None) -> None:
    """Refuse roles and settings that the datastore's type does not offer; a new user of PostgreSQL has both fields."""
    sent = [name for name in ("roles", "settings") if name in new]
    if not call.cloud.settings.user_offers:
        if old is None and sent:
            names = ", ".join(map(repr, sent))
            raise invalid(
                {
                    "user": f"Additional properties are not allowed ({names} {'was' if len(sent) == 1 else 'were'} unexpected)"
                }
            )
        return
    type_ = call.find("datastores", "datastore", new["datastore_id"])["type_id"]
    if not TYPES[type_].engine.postgresql:
        if sent:
            raise unsupported(f"{' and '.join(sent)} of users are", TYPES[type_])
        return
    if old is None:
        new.setdefault("roles", [])
        new.setdefault("settings", {})
    for role in new.get("roles", []):
        if (row := ROLES.get(role)) is None or row["datastore_type_id"] != type_:
            raise not_found("role", role)
    for name, value in new.get("settings", {}).items():
        if (objection := _objection(type_, name, value)) is not None:
            raise invalid({f"settings.{name}": objection})


def _change(call: Call, id_: str, what: str, sent: Row, then: Row | None = None) -> Answer:
    old = call.idle("users", "user", id_)
    call.usable_datastore(old["datastore_id"])
    check_user(call, {**old, **sent}, old)
    row = call.cloud.changes.begin(
        call.space,
        "users",
        old,
        "PENDING_UPDATE",
        action=f"update_user_{what}",
        request_id=call.request_id,
        then=then or sent,
    )
    return Answer(200, {"user": row})


def _objection(type_: str, name: str, value: Any) -> str | None:
    """Return what is wrong with a setting; None if it is right."""
    row = PARAMETERS.get(catalogue_id("user-setting-parameter", type_, name))
    if row is None:
        return "no such setting"
    kinds: dict[str, type] = {"int": int, "bool": bool, "str": str}
    if type(value) is not kinds[row["type"]]:
        return f"{value!r} is not of type '{row['type']}'"
    if row["choices"] is not None and value not in row["choices"]:
        return f"{value!r} is not one of {row['choices']!r}"
    if row["type"] == "int" and not row["min"] <= value <= row["max"]:
        return f"{value} is not from {row['min']} to {row['max']}"
    return None


def _require(call: Call) -> None:
    if not call.cloud.settings.user_offers:
        raise Refusal(404, "The requested URL was not found on the server.")


def _filtered(call: Call, rows: dict[str, Row], *filters: str) -> list[Row]:
    wanted = {name: call.query[name] for name in filters if name in call.query}
    if (datastore_id := call.query.get("datastore_id")) is not None:
        row = call.space.find("datastores", datastore_id) if is_uuid(datastore_id) else None
        wanted["datastore_type_id"] = row["type_id"] if row is not None else ""
    return [row for row in rows.values() if all(row[name] == value for name, value in wanted.items())]
