"""`ManagedDatabase`: a database in a datastore."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, SecretStr
from typing_extensions import override

from managed_databases.api.collections import DATABASES
from managed_databases.api.models import Database, DatabaseOwner, NewDatabase
from managed_databases.kinds.columns import columns
from managed_databases.kinds.engines import MYSQL, POSTGRESQL, require_family
from managed_databases.kinds.kind import Conditions, NameOrId, Reference
from managed_databases.kinds.names import SQL_NAME_MESSAGE, effective_name, name_rule, name_stays
from managed_databases.kinds.not_told import ToldField, not_told
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.protection import KindInDatastore, ProtectedSpec, ProtectedStatus
from managed_databases.kinds.references import (
    DATASTORE,
    PROJECT_ONLY_WITH_ID,
    DatastoreRef,
    ObjectRef,
    datastore_of,
    require_same_datastore,
    stated,
)
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, rules, unchangeable
from managed_databases.kinds.shared_fields import one_word
from managed_databases.kinds.verdicts import Change, Reason, Risk

Locale = Annotated[str, one_word(64)]


class ManagedDatabaseSpec(ProtectedSpec):
    """A database in a datastore. Deleting the database deletes its data."""

    model_config = rules(
        unchangeable("projectRef", "a database cannot move to another project"),
        PROJECT_ONLY_WITH_ID,
        unchangeable("lcCollate", "PostgreSQL can never change a database's collation: make another database"),
        unchangeable("lcCtype", "PostgreSQL can never change a database's character classes: make another database"),
    )

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a database cannot move to another datastore")]
    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", min_length=1, max_length=63)] | None = Field(
        default=None,
        description="The database's name in the datastore; by default metadata.name. The name never changes.",
    )
    owner_ref: ObjectRef | None = Field(
        default=None, description="The DatabaseUser that owns the database (PostgreSQL only)."
    )
    lc_collate: Locale | None = Field(
        default=None, description="The collation, LC_COLLATE (PostgreSQL only). The API's default is C."
    )
    lc_ctype: Locale | None = Field(
        default=None, description="The character classes, LC_CTYPE (PostgreSQL only). The API's default is C."
    )

    @property
    @override
    def stated_name(self) -> str | None:
        return self.name


def _owner_of(spec: ManagedDatabaseSpec) -> NameOrId | None:
    return stated(spec.owner_ref)


OWNER = Reference("ownerRef", "DatabaseUser", _owner_of, serves_without=True)
"""Others may use the database, whatever has become of its owner."""
ObservedDatabase = Observed[ManagedDatabaseSpec, Database, ProtectedStatus]
TOLD_AS: tuple[ToldField[ManagedDatabaseSpec, Database], ...] = (
    ToldField("ownerRef", lambda spec: spec.owner_ref, lambda told: told.owner_id),
)


class ManagedDatabaseKind(KindInDatastore[ManagedDatabaseSpec, Database, ProtectedStatus]):
    def key(self, observed: ObservedDatabase) -> tuple[str, ...]:
        return (datastore_of(observed).id or "", effective_name(observed))

    def key_of(self, database: Database, /) -> tuple[str, ...]:
        return (database.datastore_id, database.name)

    def body(self, observed: ObservedDatabase, password: SecretStr | None) -> NewDatabase:
        """Return the body of the POST. Raises SpecRefused if the engine has no databases, or none with these fields."""
        _require_fit(observed)
        fields = {
            "name": effective_name(observed),
            "datastore_id": datastore_of(observed).id,
            "owner_id": observed.refs[OWNER.field].id if OWNER.field in observed.refs else None,
            "lc_collate": observed.spec.lc_collate,
            "lc_ctype": observed.spec.lc_ctype,
        }
        return NewDatabase.model_validate({name: value for name, value in fields.items() if value is not None})

    def expected(self, observed: ObservedDatabase) -> Mapping[str, str | None]:
        return _identifying(
            datastore_of(observed).id, effective_name(observed), observed.spec.lc_collate, observed.spec.lc_ctype
        )

    def expected_of(self, database: Database, /) -> Mapping[str, str | None]:
        return _identifying(database.datastore_id, database.name, database.lc_collate, database.lc_ctype)

    def changes(self, observed: ObservedDatabase) -> Iterator[Change]:
        """Yield a change of the owner, the only field that can change (API reference). Raises SpecRefused if the engine has no
        owners.

        If the answer of the API lacks the owner, the owner is not known; a null means that the database has none.
        """
        _require_fit(observed)
        owner, database = observed.refs.get(OWNER.field), observed.existing
        if owner is None or owner.id is None or database.owner_id == owner.id:
            return
        if "owner_id" not in database.model_fields_set:
            return
        call = DATABASES.update(database.id, DatabaseOwner(owner_id=owner.id))
        yield Change(Reason.DRIFT, f"{owner.label} becomes the owner", call, Risk.ONLINE)

    def conditions(self, observed: ObservedDatabase) -> Conditions:
        return not_told(observed, TOLD_AS)


def _identifying(
    datastore_id: str | None, name: str, collate: str | None, ctype: str | None
) -> Mapping[str, str | None]:
    told = {"datastore_id": datastore_id, "name": name, "lc_collate": collate, "lc_ctype": ctype}
    return {field: value for field, value in told.items() if value is not None}


def _require_fit(observed: ObservedDatabase) -> None:
    spec = observed.spec
    require_family(observed, "a database is", POSTGRESQL, MYSQL)
    if spec.owner_ref is not None:
        require_family(observed, "ownerRef: a database has an owner", POSTGRESQL)
        require_same_datastore(observed, OWNER)
    if spec.lc_collate is not None or spec.lc_ctype is not None:
        require_family(observed, "lcCollate and lcCtype are", POSTGRESQL)


KIND = ManagedDatabaseKind(
    name="ManagedDatabase",
    plural="manageddatabases",
    short_names=("mdb",),
    spec=ManagedDatabaseSpec,
    status=ProtectedStatus,
    columns=columns(
        Column("Datastore", ".spec.datastoreRef.name"),
        Column("Owner", ".spec.ownerRef.name", wide=True),
    ),
    rules=(
        name_rule(
            "^[A-Za-z_][A-Za-z0-9_]{0,62}$",
            f"the database's name (spec.name, or else metadata.name) has 1 to 63 characters, {SQL_NAME_MESSAGE}",
        ),
        name_stays("the API cannot rename a database: make another one"),
    ),
    collection=DATABASES,
    references=(DATASTORE, OWNER),
    holds_data=True,
)
