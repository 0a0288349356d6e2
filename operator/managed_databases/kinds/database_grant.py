"""`DatabaseGrant`: lets a user into a database."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import SecretStr

from managed_databases.api.collections import GRANTS
from managed_databases.api.models import Grant, NewGrant
from managed_databases.kinds.columns import columns
from managed_databases.kinds.engines import MYSQL, POSTGRESQL, require_family
from managed_databases.kinds.frame import ProjectRef
from managed_databases.kinds.kind import CloudSide, Kind, NameOrId, Reference
from managed_databases.kinds.protection import PROTECTION, ProtectedSpec, ProtectedStatus, protected, protection_report
from managed_databases.kinds.references import (
    DATASTORE,
    PROJECT_ONLY_WITH_ID,
    DatastoreRef,
    ObjectRef,
    datastore_of,
    id_of,
    require_same_datastore,
    require_unmoved,
    stated,
)
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, rules, unchangeable
from managed_databases.kinds.seen import Seen
from managed_databases.kinds.verdicts import Change


class DatabaseGrantSpec(ProtectedSpec):
    """Lets a user into a database, both in one datastore (PostgreSQL, MySQL)."""

    model_config = rules(unchangeable("projectRef", "a grant cannot move to another project"), PROJECT_ONLY_WITH_ID)

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a grant cannot move to another datastore")]
    project_ref: ProjectRef | None = None
    database_ref: Annotated[
        ObjectRef, Rule(IMMUTABLE, "a grant is for one database: make another grant for another database")
    ]
    user_ref: Annotated[ObjectRef, Rule(IMMUTABLE, "a grant is for one user: make another grant for another user")]


class DatabaseGrantStatus(ProtectedStatus):
    """Nothing beyond the frame."""


def _database_of(spec: DatabaseGrantSpec) -> NameOrId | None:
    return stated(spec.database_ref)


def _user_of(spec: DatabaseGrantSpec) -> NameOrId | None:
    return stated(spec.user_ref)


DATABASE = Reference("databaseRef", "ManagedDatabase", _database_of)
USER = Reference("userRef", "DatabaseUser", _user_of)


def key(seen: Seen) -> tuple[str, ...]:
    return (datastore_of(seen).id or "", id_of(seen, DATABASE), id_of(seen, USER))


def key_of(grant: Grant) -> tuple[str, ...]:
    return (grant.datastore_id, grant.database_id, grant.user_id)


def body(seen: Seen, password: SecretStr | None) -> NewGrant:
    """Return what to POST. Raises Refused when the engine has no grants, or the two are in different datastores."""
    _require_fit(seen)
    return NewGrant(**expected(seen))


def expected(seen: Seen) -> Mapping[str, Any]:
    return dict(zip(("datastore_id", "database_id", "user_id"), key(seen), strict=True))


def expected_of(grant: Grant) -> Mapping[str, Any]:
    return dict(zip(("datastore_id", "database_id", "user_id"), key_of(grant), strict=True))


def changes(seen: Seen) -> Iterator[Change]:
    """Nothing of a grant can change. Raises Refused when it is not what the spec means any more."""
    _require_fit(seen)
    require_unmoved(seen, DATABASE, seen.mine.database_id)
    require_unmoved(seen, USER, seen.mine.user_id)
    yield from ()


def _require_fit(seen: Seen) -> None:
    require_family(seen, "a grant is", POSTGRESQL, MYSQL)
    require_same_datastore(seen, DATABASE)
    require_same_datastore(seen, USER)


KIND = Kind(
    name="DatabaseGrant",
    plural="databasegrants",
    short_names=("dbgrant",),
    spec=DatabaseGrantSpec,
    status=DatabaseGrantStatus,
    columns=columns(
        Column("Database", ".spec.databaseRef.name"),
        Column("User", ".spec.userRef.name"),
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
    ),
    protection=PROTECTION,
    cloud=CloudSide(
        collection=GRANTS,
        references=(DATASTORE, DATABASE, USER),
        key=key,
        key_of=key_of,
        body=body,
        expected=expected,
        expected_of=expected_of,
        changes=changes,
        report=protection_report,
        holds_data=False,
        protected=protected,
    ),
)
