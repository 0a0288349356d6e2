"""`LogicalReplicationSlot`: a logical replication slot of a database. The slot keeps WAL until a consumer has read it."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, SecretStr
from typing_extensions import override

from managed_databases.api.collections import LOGICAL_REPLICATION_SLOTS
from managed_databases.api.models import LogicalReplicationSlot, NewLogicalReplicationSlot
from managed_databases.kinds.columns import columns
from managed_databases.kinds.engines import POSTGRESQL, require_family
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.names import effective_name, name_rule, name_stays
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.protection import KindInDatastore, ProtectedSpec, ProtectedStatus, shown_protection
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


class LogicalReplicationSlotSpec(ProtectedSpec):
    """A logical replication slot of a database (PostgreSQL). It keeps WAL until a consumer reads it, so the disk can fill."""

    model_config = rules(
        unchangeable("projectRef", "a replication slot cannot move to another project"), PROJECT_ONLY_WITH_ID
    )

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a replication slot cannot move to another datastore")]
    database_ref: Annotated[
        ObjectRef, Rule(IMMUTABLE, "a replication slot cannot move to another database: make another one")
    ]
    name: Annotated[str, Field(pattern="^[a-z0-9_]*$", min_length=1, max_length=63)] | None = Field(
        default=None, description="The slot's name in the datastore; by default metadata.name. The name never changes."
    )

    @property
    @override
    def stated_name(self) -> str | None:
        return self.name


class LogicalReplicationSlotStatus(ProtectedStatus):
    in_use: bool | None = Field(default=None, description="Whether a consumer is connected.")


def _database_of(spec: LogicalReplicationSlotSpec) -> NameOrId | None:
    return stated(spec.database_ref)


DATABASE = Reference("databaseRef", "ManagedDatabase", _database_of)
ObservedSlot = Observed[LogicalReplicationSlotSpec, LogicalReplicationSlot, LogicalReplicationSlotStatus]


class LogicalReplicationSlotKind(
    KindInDatastore[LogicalReplicationSlotSpec, LogicalReplicationSlot, LogicalReplicationSlotStatus]
):
    def key(self, observed: ObservedSlot) -> tuple[str, ...]:
        return (datastore_of(observed).id or "", effective_name(observed))

    def key_of(self, slot: LogicalReplicationSlot, /) -> tuple[str, ...]:
        return (slot.datastore_id, slot.name)

    def body(self, observed: ObservedSlot, password: SecretStr | None) -> NewLogicalReplicationSlot:
        """Return the body of the POST. Raises SpecRefused if the engine has no slots, or the database is in another datastore."""
        require_family(observed, "a logical replication slot is", POSTGRESQL)
        require_same_datastore(observed, DATABASE)
        return NewLogicalReplicationSlot(
            name=effective_name(observed),
            datastore_id=datastore_of(observed).id or "",
            database_id=id_of(observed, DATABASE),
        )

    def expected(self, observed: ObservedSlot) -> Mapping[str, str | None]:
        return {
            "name": effective_name(observed),
            "datastore_id": datastore_of(observed).id or "",
            "database_id": id_of(observed, DATABASE),
        }

    def expected_of(self, slot: LogicalReplicationSlot, /) -> Mapping[str, str | None]:
        return {"name": slot.name, "datastore_id": slot.datastore_id, "database_id": slot.database_id}

    def changes(self, observed: ObservedSlot) -> Iterator[Change]:
        """Yield nothing: no field of a slot can change. Raises SpecRefused if `databaseRef` now leads to another database."""
        require_unmoved(observed, DATABASE, observed.existing.database_id)
        yield from ()

    def report(self, observed: ObservedSlot) -> LogicalReplicationSlotStatus:
        in_use = None if observed.external is None else observed.external.in_use
        return LogicalReplicationSlotStatus(protected=shown_protection(observed), in_use=in_use)


KIND = LogicalReplicationSlotKind(
    name="LogicalReplicationSlot",
    plural="logicalreplicationslots",
    short_names=("dbslot",),
    spec=LogicalReplicationSlotSpec,
    status=LogicalReplicationSlotStatus,
    columns=columns(
        Column("DB", ".spec.databaseRef.name", wide=True),
        Column("In-use", ".status.inUse", "boolean"),
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
    ),
    rules=(
        name_rule(
            "^[a-z0-9_]{1,63}$",
            "the slot's name (spec.name, or else metadata.name) has 1 to 63 lower-case letters, digits and _ only: "
            "set spec.name",
        ),
        name_stays("the API cannot rename a replication slot: make another one"),
    ),
    collection=LOGICAL_REPLICATION_SLOTS,
    references=(DATASTORE, DATABASE),
    holds_data=True,
)
