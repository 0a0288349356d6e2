"""The sections of the API, one row for each: names, filters, and rules of their objects.

A section's rules beyond that are a function in `children.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from managed_databases.sandbox import children
from managed_databases.sandbox.calling import Call
from managed_databases.sandbox.catalogue import DatastoreKind
from managed_databases.sandbox.store import Row

_CHILD: Final = "id project_id datastore_id status"


@dataclass(frozen=True)
class Section:
    """One section. `name` is in the path and is the envelope of the list, `one` is the envelope of an object, and `word` the
    name of an object in messages of 404.

    `references` maps a field to (collection, word) of an object that must be in the same datastore, and ACTIVE. `fits` tells
    which datastores can have such objects; None: the objects are in no datastore, and change at once. `check` is called with the
    new row, and with the row before an update; it may change the new row. `check_removal` is called with the row to be deleted.
    """

    name: str
    one: str
    word: str
    filters: frozenset[str]
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    defaults: Row = field(default_factory=dict)
    fits: Callable[[DatastoreKind], bool] | None = None
    check: Callable[[Call, Row, Row | None], None] = lambda call, new, old: None
    check_removal: Callable[[Call, Row], None] = lambda call, row: None
    verbs: str = "list get create update delete"


def _section(
    name: str,
    filters: str,
    *,
    word: str | None = None,
    references: dict[str, tuple[str, str]] | None = None,
    defaults: Row | None = None,
    fits: Callable[[DatastoreKind], bool] | None = None,
    check: Callable[[Call, Row, Row | None], None] = lambda call, new, old: None,
    check_removal: Callable[[Call, Row], None] = lambda call, row: None,
    verbs: str = "list get create update delete",
) -> Section:
    one = name.removesuffix("s")
    return Section(
        name=name,
        one=one,
        word=word or one.replace("-", ""),
        filters=frozenset(filters.split()),
        references=references or {},
        defaults=defaults or {},
        fits=fits,
        check=check,
        check_removal=check_removal,
        verbs=verbs,
    )


_DATABASE: Final = {"database_id": ("databases", "database")}
_USER: Final = {"user_id": ("users", "user")}

SECTIONS: Final = {
    section.name: section
    for section in (
        _section(
            "datastores",
            "id project_id name status enabled type_id flavor_id subnet_id allow_restore is_maintenance is_protected"
            " deleted",
            verbs="list get",
        ),
        _section("datastore-types", "", verbs="list get"),
        _section("flavors", "id name fl_size", verbs="list get"),
        _section("available-extensions", "id name datastore_type_id", verbs="list get"),
        _section("configuration-parameters", "id datastore_type_id name", verbs="list get"),
        _section("actions", "id name status project_id request_id datastore_id", verbs="list get"),
        _section("users", f"{_CHILD} name", fits=lambda kind: kind.engine.users, check=children.check_user),
        _section(
            "databases",
            f"{_CHILD} name",
            references={"owner_id": ("users", "user")},
            fits=lambda kind: kind.engine.databases,
            check=children.check_database,
        ),
        _section(
            "grants",
            f"{_CHILD} database_id user_id",
            references=_DATABASE | _USER,
            fits=lambda kind: kind.engine.grants,
            verbs="list get create delete",
        ),
        _section(
            "extensions",
            f"{_CHILD} available_extension_id database_id",
            references=_DATABASE,
            fits=lambda kind: kind.engine.postgresql,
            check=children.check_extension,
            check_removal=children.check_extension_removal,
            verbs="list get create delete",
        ),
        _section(
            "logical-replication-slots",
            f"{_CHILD} name database_id in_use",
            references=_DATABASE,
            defaults={"in_use": False},
            fits=lambda kind: kind.engine.postgresql,
            check_removal=children.check_slot_removal,
            verbs="list get create delete",
        ),
        _section(
            "topics",
            f"{_CHILD} name",
            defaults={"partitions": 1},
            fits=lambda kind: kind.engine.topics,
            check=children.check_topic,
        ),
        _section(
            "acls",
            f"{_CHILD} pattern pattern_type user_id",
            references=_USER,
            defaults={"pattern": None},
            fits=lambda kind: kind.engine.topics,
            check=children.check_acl,
        ),
        _section(
            "prometheus-metrics-tokens",
            "id project_id name value",
            word="prometheusmetrictoken",
            check=children.check_token,
        ),
    )
}
