"""`DatabaseGrant`: allows a user to use a database."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import SecretStr

from managed_databases.api.collections import GRANTS
from managed_databases.api.models import Grant, NewGrant
from managed_databases.kinds.columns import columns
from managed_databases.kinds.engines import MYSQL, POSTGRESQL, require_family
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.protection import KindInDatastore, ProtectedSpec, ProtectedStatus
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
from managed_databases.kinds.verdicts import Change


class DatabaseGrantSpec(ProtectedSpec):
    """Allows a user to use a database of the same datastore (PostgreSQL, MySQL)."""

    model_config = rules(unchangeable("projectRef", "a grant cannot move to another project"), PROJECT_ONLY_WITH_ID)

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a grant cannot move to another datastore")]
    database_ref: Annotated[
        ObjectRef, Rule(IMMUTABLE, "a grant is for one database: make another grant for another database")
    ]
    user_ref: Annotated[ObjectRef, Rule(IMMUTABLE, "a grant is for one user: make another grant for another user")]


class DatabaseGrantStatus(ProtectedStatus):
    """The status of a `DatabaseGrant`: no fields of its own."""


def _database_of(spec: DatabaseGrantSpec) -> NameOrId | None:
    return stated(spec.database_ref)


def _user_of(spec: DatabaseGrantSpec) -> NameOrId | None:
    return stated(spec.user_ref)


DATABASE = Reference("databaseRef", "ManagedDatabase", _database_of)
USER = Reference("userRef", "DatabaseUser", _user_of)
ObservedGrant = Observed[DatabaseGrantSpec, Grant, DatabaseGrantStatus]


class DatabaseGrantKind(KindInDatastore[DatabaseGrantSpec, Grant, DatabaseGrantStatus]):
    def key(self, observed: ObservedGrant) -> tuple[str, ...]:
        return (datastore_of(observed).id or "", id_of(observed, DATABASE), id_of(observed, USER))

    def key_of(self, grant: Grant, /) -> tuple[str, ...]:
        return (grant.datastore_id, grant.database_id, grant.user_id)

    def body(self, observed: ObservedGrant, password: SecretStr | None) -> NewGrant:
        """Return the body of the POST. Raises SpecRefused if the engine has no grants, or if user and database are in different
        datastores.
        """
        _require_fit(observed)
        datastore_id, database_id, user_id = self.key(observed)
        return NewGrant(datastore_id=datastore_id, database_id=database_id, user_id=user_id)

    def expected(self, observed: ObservedGrant) -> Mapping[str, str | None]:
        return _identifying(self.key(observed))

    def expected_of(self, grant: Grant, /) -> Mapping[str, str | None]:
        return _identifying(self.key_of(grant))

    def changes(self, observed: ObservedGrant) -> Iterator[Change]:
        """Yield nothing: no field of a grant can change.

        Raises SpecRefused if a reference now leads to another database or user.
        """
        _require_fit(observed)
        require_unmoved(observed, DATABASE, observed.existing.database_id)
        require_unmoved(observed, USER, observed.existing.user_id)
        yield from ()


def _identifying(key: tuple[str, ...]) -> Mapping[str, str | None]:
    return dict(zip(("datastore_id", "database_id", "user_id"), key, strict=True))


def _require_fit(observed: ObservedGrant) -> None:
    require_family(observed, "a grant is", POSTGRESQL, MYSQL)
    require_same_datastore(observed, DATABASE)
    require_same_datastore(observed, USER)


KIND = DatabaseGrantKind(
    name="DatabaseGrant",
    plural="databasegrants",
    short_names=("dbgrant",),
    spec=DatabaseGrantSpec,
    status=DatabaseGrantStatus,
    columns=columns(
        Column("DB", ".spec.databaseRef.name", wide=True),
        Column("User", ".spec.userRef.name", wide=True),
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
    ),
    collection=GRANTS,
    references=(DATASTORE, DATABASE, USER),
    holds_data=False,
    same_key="for this database and user",
)
