"""The sections of the API, one row for each: names, filters, bodies, and the rules and the shape of their objects.

A section's rules beyond that are a function in `children.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from managed_databases.sandbox import children, shapes
from managed_databases.sandbox.calling import Call
from managed_databases.sandbox.catalogue import DatastoreKind
from managed_databases.sandbox.schemas import (
    FLAG,
    OBJECT_NAME,
    PASSWORD,
    ROLES,
    SETTINGS,
    UUID,
    choice,
    enveloped_body,
    fields,
    text,
    whole,
)
from managed_databases.sandbox.shapes import IN_A_DATASTORE, nullable, shape
from managed_databases.sandbox.store import Row
from managed_databases.sandbox.validation import Schema

_CHILD: Final = "id project_id datastore_id status"


@dataclass(frozen=True)
class Section:
    """One section. `name` is in the path and is the envelope of the list, `one` is the envelope of an object, and `word` the
    name of an object in messages of 404.

    `shape` is the schema of an object in answers; `creates` and `updates` are the schemas of the whole bodies of these
    operations, None for a section without them. What can be created can be deleted. `unique` are the fields that no two
    objects of one project have in common, empty where objects may be equal.

    `references` maps a field to (collection, word) of an object that must be in the same datastore, and ACTIVE. `fits` tells
    which datastores can have such objects; None: the objects are in no datastore, and change at once. `check` is called with the
    new row, and with the row before an update; it may change the new row. `check_removal` is called with the row to be deleted.
    """

    name: str
    one: str
    word: str
    filters: frozenset[str]
    shape: Schema
    creates: Schema | None = None
    updates: Schema | None = None
    unique: tuple[str, ...] = ()
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    defaults: Row = field(default_factory=dict)
    fits: Callable[[DatastoreKind], bool] | None = None
    check: Callable[[Call, Row, Row | None], None] = lambda call, new, old: None
    check_removal: Callable[[Call, Row], None] = lambda call, row: None


def _section(
    name: str,
    filters: str,
    of: Schema,
    *,
    word: str | None = None,
    creates: Schema | None = None,
    updates: Schema | None = None,
    unique: str = "",
    references: dict[str, tuple[str, str]] | None = None,
    defaults: Row | None = None,
    fits: Callable[[DatastoreKind], bool] | None = None,
    check: Callable[[Call, Row, Row | None], None] = lambda call, new, old: None,
    check_removal: Callable[[Call, Row], None] = lambda call, row: None,
) -> Section:
    """Return a section whose other names follow from the first; `of` is the shape, and bodies are without their envelope."""
    one = name.removesuffix("s")
    return Section(
        name=name,
        one=one,
        word=word or one.replace("-", ""),
        filters=frozenset(filters.split()),
        shape=of,
        creates=None if creates is None else enveloped_body(one, creates),
        updates=None if updates is None else enveloped_body(one, updates),
        unique=tuple(unique.split()),
        references=references or {},
        defaults=defaults or {},
        fits=fits,
        check=check,
        check_removal=check_removal,
    )


_DATABASE: Final = {"database_id": ("databases", "database")}
_USER: Final = {"user_id": ("users", "user")}
_LOCALE: Final = choice("C", "ru_RU.utf8")  # [assumed: that the list has no others]
_PARTITIONS: Final = whole(1, 4000)
_TOKEN_NAME: Final = fields("name", name=text(1, 255))

SECTIONS: Final = {
    section.name: section
    for section in (
        _section(
            "datastores",
            "id project_id name status enabled type_id flavor_id subnet_id allow_restore is_maintenance is_protected"
            " deleted",
            shapes.DATASTORE,
        ),
        _section("datastore-types", "", shape(id=shapes.UUID, engine=shapes.TEXT, version=shapes.TEXT)),
        _section("flavors", "id name fl_size", shapes.FLAVOR),
        _section("available-extensions", "id name datastore_type_id", shapes.AVAILABLE_EXTENSION),
        _section("configuration-parameters", "id datastore_type_id name", shapes.PARAMETER),
        _section("actions", "id name status project_id request_id datastore_id", shapes.ACTION),
        _section(
            "users",
            f"{_CHILD} name",
            shape("roles", "settings", **IN_A_DATASTORE, name=shapes.TEXT, roles=shapes.UUIDS, settings=shapes.MAP),
            creates=fields(
                "name password datastore_id",
                name=text(1, 63, OBJECT_NAME),
                password=PASSWORD,
                datastore_id=UUID,
                roles=ROLES,
                settings=SETTINGS,
            ),
            updates=fields("password", password=PASSWORD),
            unique="datastore_id name",
            fits=lambda kind: kind.engine.users,
            check=children.check_user,
        ),
        _section(
            "databases",
            f"{_CHILD} name",
            shape(
                "owner_id",
                "lc_collate",
                "lc_ctype",
                **IN_A_DATASTORE,
                name=shapes.TEXT,
                owner_id=nullable(shapes.UUID),
                lc_collate=shapes.TEXT,
                lc_ctype=shapes.TEXT,
            ),
            creates=fields(
                "name datastore_id",
                name=text(1, 63, OBJECT_NAME),
                datastore_id=UUID,
                owner_id=UUID,
                lc_collate=_LOCALE,
                lc_ctype=_LOCALE,
            ),
            updates=fields("owner_id", owner_id=UUID),
            unique="datastore_id name",
            references={"owner_id": ("users", "user")},
            fits=lambda kind: kind.engine.databases,
            check=children.check_database,
        ),
        _section(
            "grants",
            f"{_CHILD} database_id user_id",
            shape(**IN_A_DATASTORE, database_id=shapes.UUID, user_id=shapes.UUID),
            creates=fields("datastore_id database_id user_id", datastore_id=UUID, database_id=UUID, user_id=UUID),
            unique="datastore_id database_id user_id",
            references=_DATABASE | _USER,
            fits=lambda kind: kind.engine.grants,
        ),
        _section(
            "extensions",
            f"{_CHILD} available_extension_id database_id",
            shape(**IN_A_DATASTORE, available_extension_id=shapes.UUID, database_id=shapes.UUID),
            creates=fields(
                "available_extension_id datastore_id database_id",
                available_extension_id=UUID,
                datastore_id=UUID,
                database_id=UUID,
            ),
            unique="database_id available_extension_id",
            references=_DATABASE,
            fits=lambda kind: kind.engine.postgresql,
            check=children.check_extension,
            check_removal=children.check_extension_removal,
        ),
        _section(
            "logical-replication-slots",
            f"{_CHILD} name database_id in_use",
            shape(**IN_A_DATASTORE, name=shapes.TEXT, database_id=shapes.UUID, in_use=shapes.FLAG),
            creates=fields(
                "name datastore_id database_id",
                name=text(1, 255, "^[a-z0-9_]+$"),
                datastore_id=UUID,
                database_id=UUID,
            ),
            unique="datastore_id name",
            references=_DATABASE,
            defaults={"in_use": False},
            fits=lambda kind: kind.engine.postgresql,
            check_removal=children.check_slot_removal,
        ),
        _section(
            "topics",
            f"{_CHILD} name",
            shape(**IN_A_DATASTORE, name=shapes.TEXT, partitions=shapes.WHOLE),
            creates=fields(
                "name datastore_id",
                name=text(1, 249, "^[a-zA-Z0-9._-]+$"),
                datastore_id=UUID,
                partitions=_PARTITIONS,
            ),
            updates=fields("partitions", partitions=_PARTITIONS),
            unique="datastore_id name",
            defaults={"partitions": 1},
            fits=lambda kind: kind.engine.topics,
            check=children.check_topic,
        ),
        _section(
            "acls",
            f"{_CHILD} pattern pattern_type user_id",
            shape(
                **IN_A_DATASTORE,
                user_id=shapes.UUID,
                pattern_type=shapes.TEXT,
                pattern=nullable(shapes.TEXT),
                allow_read=shapes.FLAG,
                allow_write=shapes.FLAG,
            ),
            creates=fields(
                "datastore_id user_id pattern_type allow_read allow_write",
                datastore_id=UUID,
                user_id=UUID,
                pattern_type=choice("literal", "prefixed", "all"),
                pattern=text(1, 249, r"^[a-zA-Z0-9\._\-]+$"),
                allow_read=FLAG,
                allow_write=FLAG,
            ),
            updates=fields(allow_read=FLAG, allow_write=FLAG),
            unique="datastore_id user_id pattern_type pattern",
            references=_USER,
            defaults={"pattern": None},
            fits=lambda kind: kind.engine.topics,
            check=children.check_acl,
        ),
        _section(
            "prometheus-metrics-tokens",
            "id project_id name value",
            shape(**shapes.FRAME, name=shapes.TEXT, value=shapes.TEXT),
            word="prometheusmetrictoken",
            creates=_TOKEN_NAME,
            updates=_TOKEN_NAME,
            check=children.check_token,
        ),
    )
}
UNIQUE: Final = {section.name: section.unique for section in SECTIONS.values() if section.unique}
"""The fields that no two objects of a section may have in common. Datastores and tokens may have equal names."""
