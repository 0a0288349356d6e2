"""The operations of every section: list, get, create, update, delete."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from managed_databases.sandbox import datastores, user_offers
from managed_databases.sandbox.answers import Answer, Refusal, not_found
from managed_databases.sandbox.calling import Call, unsupported
from managed_databases.sandbox.catalogue import CATALOGUE, TYPES, parameter_rows
from managed_databases.sandbox.changes import now_text
from managed_databases.sandbox.engines import ENGINES
from managed_databases.sandbox.parameters import REFERENCE_RAM_MB
from managed_databases.sandbox.sections import Section
from managed_databases.sandbox.store import Row


def list_all(section: Section, call: Call) -> Answer:
    """List the objects of the project and region that match every filter. Unknown filters are ignored [assumed]."""
    wanted = [(name, value) for name, value in call.query.items() if name in section.filters]
    rows = [seen(section, call, row) for row in _rows(section, call) if all(_has(row, *one) for one in wanted)]
    return Answer(200, {section.name: rows})


def count_by_engine(section: Section, call: Call) -> Answer:
    """Count the datastores of each engine, under the engine's name in the API's reference."""

    counts = dict.fromkeys(sorted(engine.counted_as for engine in ENGINES.values()), 0)
    for row in list_all(section, call).body[section.name]:
        counts[TYPES[row["type_id"]].engine.counted_as] += 1
    return Answer(200, counts)


def get(section: Section, call: Call, id_: str) -> Answer:
    if section.name in CATALOGUE:
        row = CATALOGUE[section.name].get(id_)
    elif section.name == "configuration-parameters":
        row = next((row for row in _rows(section, call) if row["id"] == id_), None)
    else:
        row = call.space.find(section.name, id_)
    if row is None:
        raise not_found(section.word, id_)
    return Answer(200, {section.one: seen(section, call, row)})


def create(section: Section, call: Call) -> Answer:
    """Create an object. Raises Refusal: 404 if an object that it refers to does not exist, 400 if the engine has no such objects,
    409 if the datastore is busy or the name is taken.
    """
    told: Row = dict(call.body[section.one])
    password = told.pop("password", None)
    _in_its_datastore(section, call, told)
    now = now_text(call.cloud.settings)
    frame = {"id": str(uuid4()), "project_id": call.space.project.id, "created_at": now, "updated_at": now}
    row = {**frame, **section.defaults, **told}
    section.check(call, row, None)
    if call.space.with_key_of(section.name, row):
        raise Refusal(409, f"{section.word} {row.get('name', '')!r} already exists in datastore {row['datastore_id']}.")
    if section.fits is None:
        call.space.put(section.name, row)
    else:
        call.check_with_server(section.name, row)
        row = _begin(section, call, row, "PENDING_CREATE", "create", password=password)
    return Answer(200, {section.one: row})


def update(section: Section, call: Call, id_: str) -> Answer:
    """Update an object. It gets its new values at the end of the change."""
    told: Row = dict(call.body[section.one])
    if section.fits is None:
        row = {**call.find(section.name, section.word, id_), **told, "updated_at": now_text(call.cloud.settings)}
        call.space.put(section.name, row)
        return Answer(200, row | {section.one: row})  # clients are seen that read it with and without the envelope
    old = call.idle(section.name, section.word, id_)
    call.usable_datastore(old["datastore_id"])
    password = told.pop("password", None)
    for field in told.keys() & section.references.keys():
        call.reference(*section.references[field], told[field], old["datastore_id"])
    new = {**old, **told}
    section.check(call, new, old)
    then = {field: new[field] for field in told}
    row = _begin(section, call, old, "PENDING_UPDATE", "update", then=then, password=password)
    return Answer(200, {section.one: row})


def delete(section: Section, call: Call, id_: str) -> Answer:
    if section.fits is None:
        call.find(section.name, section.word, id_)
        call.space.remove(section.name, id_)
        return Answer(204)
    row = call.idle(section.name, section.word, id_)
    call.usable_datastore(row["datastore_id"])
    section.check_removal(call, row)
    _begin(section, call, row, "PENDING_DELETE", "delete")
    return Answer(204)


def seen(section: Section, call: Call, row: Row) -> Row:
    """Return an object as the API shows it."""
    if section.name == "datastores":
        return datastores.shown(call, row)
    if section.name == "users" and call.cloud.settings.user_offers:
        return user_offers.shown(call, row)
    if section.name == "available-extensions" and call.cloud.settings.dependents_listed:
        others = CATALOGUE[section.name].values()
        return row | {"dependency_ids": [other["id"] for other in others if row["id"] in other["dependency_ids"]]}
    return row


def _begin(
    section: Section,
    call: Call,
    row: Row,
    status: str,
    verb: str,
    *,
    then: Row | None = None,
    password: str | None = None,
) -> Row:
    action = f"{verb}_{section.one.replace('-', '_')}"
    return call.cloud.changes.begin(
        call.space, section.name, row, status, action=action, request_id=call.request_id, then=then, password=password
    )


def _in_its_datastore(section: Section, call: Call, told: Row) -> None:
    if section.fits is None:
        return
    _, kind = call.usable_datastore(told["datastore_id"])
    if not section.fits(kind):
        raise unsupported(f"{section.name} are", kind)
    for field, (collection, word) in section.references.items():
        if field in told:
            call.reference(collection, word, told[field], told["datastore_id"])


def _rows(section: Section, call: Call) -> Iterable[Row]:
    if section.name in CATALOGUE:
        return CATALOGUE[section.name].values()
    if section.name == "configuration-parameters":
        try:
            ram_mb = int(call.query.get("ram", REFERENCE_RAM_MB))
        except ValueError as error:
            raise Refusal(400, "Validation failure: {'ram': 'not an integer'}") from error
        as_text = call.cloud.settings.text_limits
        asked = call.query.get("datastore_type_id")
        of_types: Sequence[str | None] = [asked] if asked is not None else call.cloud.settings.parameters_of or [None]
        return [row for of_type in of_types for row in parameter_rows(of_type, ram_mb, limits_as_text=as_text)]
    if call.past is not None:
        return call.past.get(call.space.table_name(section.name), {}).values()
    return call.space.objects(section.name).values()


def _has(row: Row, name: str, value: str) -> bool:
    if name == "deleted":
        return (value.lower() == "true") is bool(row["status"] == "DELETED")
    if name == "datastore_type_id" and "datastore_type_ids" in row:
        return any(value == id_ for id_ in row["datastore_type_ids"])
    actual: Any = row.get(name)
    if isinstance(actual, bool):
        return str(actual).lower() == value.lower()
    return actual is not None and str(actual) == value
