"""`DatabaseExtension`: an extension of the project's catalogue, installed in a database."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import Field, SecretStr

from managed_databases.api.collections import EXTENSIONS
from managed_databases.api.models import AvailableExtension, Extension, NewExtension
from managed_databases.kinds.columns import columns
from managed_databases.kinds.datastore_catalogue import SHOWN, invalid
from managed_databases.kinds.engines import POSTGRESQL, require_family
from managed_databases.kinds.extension_dependencies import Dependencies, dependencies
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.observed import Observed, SpecRefused
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
from managed_databases.kinds.shared_fields import one_word
from managed_databases.kinds.verdicts import Change, Reason, Wait


class DatabaseExtensionSpec(ProtectedSpec):
    """An extension in a database (PostgreSQL). The extension waits for the extensions that it depends on."""

    model_config = rules(
        unchangeable("projectRef", "an extension cannot move to another project"), PROJECT_ONLY_WITH_ID
    )

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "an extension cannot move to another datastore")]
    database_ref: Annotated[
        ObjectRef, Rule(IMMUTABLE, "an extension cannot move to another database: make one in that database")
    ]
    extension: Annotated[
        str,
        one_word(255),
        Field(description="The extension's name, such as pgcrypto, or its id."),
        Rule(IMMUTABLE, "make another DatabaseExtension for another extension"),
    ]


class DatabaseExtensionStatus(ProtectedStatus):
    """The status of a `DatabaseExtension`: no fields of its own."""


def _database_of(spec: DatabaseExtensionSpec) -> NameOrId | None:
    return stated(spec.database_ref)


DATABASE = Reference("databaseRef", "ManagedDatabase", _database_of)
ObservedExtension = Observed[DatabaseExtensionSpec, Extension, DatabaseExtensionStatus]


class DatabaseExtensionKind(KindInDatastore[DatabaseExtensionSpec, Extension, DatabaseExtensionStatus]):
    def key(self, observed: ObservedExtension) -> tuple[str, ...]:
        found = _found(observed)
        return (id_of(observed, DATABASE), found.id if found else "")

    def key_of(self, extension: Extension, /) -> tuple[str, ...]:
        return (extension.database_id, extension.available_extension_id)

    def needs(self, observed: ObservedExtension) -> Iterator[tuple[str, ...]]:
        """Yield the keys of the extensions that must, or may have to, be in the database first; none while the catalogue is not
        known.
        """
        database_id = id_of(observed, DATABASE)
        if database_id:
            yield from ((database_id, id_) for id_ in _dependencies(observed).ids)

    def body(self, observed: ObservedExtension, password: SecretStr | None) -> NewExtension:
        """Return the body of the POST. Raises SpecRefused if the catalogue has no such extension, and, with a wait, while an
        extension that this one depends on is not ACTIVE.

        If the catalogue does not tell which of two extensions needs the other one, nothing that is missing is waited for: the API
        refuses what comes too early.
        """
        require_family(observed, "an extension is", POSTGRESQL)
        require_same_datastore(observed, DATABASE)
        new = NewExtension(
            available_extension_id=_resolved(observed).id,
            datastore_id=datastore_of(observed).id or "",
            database_id=id_of(observed, DATABASE),
        )
        for needed in self.needs(observed):
            there = observed.needed.get(needed)
            name = _name_of(observed, needed[1])
            if there is None and _dependencies(observed).are_sure:
                raise SpecRefused(
                    Wait(
                        Reason.PARENT_MISSING,
                        f"waits for extension {name} in {observed.refs[DATABASE.field].label}; make a DatabaseExtension for it",
                    )
                )
            if there is not None and there.status not in ("ACTIVE", None):
                raise SpecRefused(Wait(Reason.PARENT_NOT_READY, f"waits for extension {name}, which is {there.status}"))
        return new

    def expected(self, observed: ObservedExtension) -> Mapping[str, str | None]:
        """Return the ids by which a new extension is recognised.

        Raises SpecRefused, with a wait while the catalogue is not read.
        """
        return {
            "available_extension_id": _resolved(observed).id,
            "datastore_id": datastore_of(observed).id or "",
            "database_id": id_of(observed, DATABASE),
        }

    def expected_of(self, extension: Extension, /) -> Mapping[str, str | None]:
        return {
            "available_extension_id": extension.available_extension_id,
            "datastore_id": extension.datastore_id,
            "database_id": extension.database_id,
        }

    def changes(self, observed: ObservedExtension) -> Iterator[Change]:
        """Yield nothing: no field of an extension can change.

        Raises SpecRefused if `databaseRef` now leads to another database.
        """
        require_unmoved(observed, DATABASE, observed.existing.database_id)
        yield from ()


def _resolved(observed: ObservedExtension) -> AvailableExtension:
    """Return the extension that the spec names. Raises SpecRefused, with a wait while the catalogue is not read; if the catalogue
    has no such extension, the message names the extensions with the most similar names.
    """
    if observed.catalogue.extensions is None:
        told = f"the list of available extensions {observed.catalogue.not_read_yet}"
        raise SpecRefused(Wait(Reason.LOOKING, told))
    if found := _found(observed):
        return found
    asked = observed.spec.extension
    names = sorted({one.name for one in _offered(observed)})
    near = nearest(asked, names, most=SHOWN, cutoff=0.4) or names[:SHOWN]
    raise invalid(f"extension: there is no {asked} on offer for this datastore; on offer: {', '.join(near) or 'none'}")


def _found(observed: ObservedExtension) -> AvailableExtension | None:
    asked = observed.spec.extension
    return next((one for one in _offered(observed) if asked in (one.name, one.id)), None)


def _dependencies(observed: ObservedExtension) -> Dependencies:
    found = _found(observed)
    return Dependencies((), are_sure=False) if found is None else dependencies(_offered(observed), found)


def _offered(observed: ObservedExtension) -> Iterable[AvailableExtension]:
    """Return the extensions for the datastore's type. An extension that does not tell its types counts for every type."""
    datastore = datastore_of(observed).object
    type_id = datastore.type_id if datastore is not None else None
    for one in observed.catalogue.extensions or ():
        if type_id is None or one.datastore_type_ids is None or type_id in one.datastore_type_ids:
            yield one


def _name_of(observed: ObservedExtension, id_: str) -> str:
    return next((one.name for one in observed.catalogue.extensions or () if one.id == id_), id_)


KIND = DatabaseExtensionKind(
    name="DatabaseExtension",
    plural="databaseextensions",
    short_names=("dbext",),
    spec=DatabaseExtensionSpec,
    status=DatabaseExtensionStatus,
    columns=columns(
        Column("Extension", ".spec.extension", wide=True),
        Column("DB", ".spec.databaseRef.name", wide=True),
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
    ),
    collection=EXTENSIONS,
    references=(DATASTORE, DATABASE),
    holds_data=False,
    same_key="for this database and extension",
)
