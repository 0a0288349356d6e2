"""The backup that a new datastore begins with."""

from datetime import UTC, datetime

from managed_databases.api.models import Datastore, NewRestore
from managed_databases.kinds.datastore_catalogue import catalogue_of, invalid
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.references import referred, stated


def _source(spec: ManagedDatastoreSpec) -> NameOrId | None:
    return stated(spec.restore.datastore_ref) if spec.restore else None


SOURCE: Reference[ManagedDatastoreSpec, ManagedDatastoreSpec, Datastore] = Reference(
    "restore.datastoreRef", "ManagedDatastore", _source, at_creation_only=True, guest_may=lambda rights: rights.restore
)


def restore(observed: ObservedDatastore) -> NewRestore | None:
    """Return the backup for the body of the creation; None without one. Raises SpecRefused for a source without backups, or one
    that this namespace may not restore.
    """
    spec = observed.spec
    source = referred(observed, SOURCE)
    if spec.restore is None or source is None or source.id is None:
        return None
    if source.object is not None:
        _require_fit(observed, source.label, source.object)
    if spec.restore.target_time is None:
        return NewRestore(datastore_id=source.id)
    return NewRestore(datastore_id=source.id, target_time=_in_utc(spec.restore.target_time))


def _require_fit(observed: ObservedDatastore, label: str, source: Datastore) -> None:
    if source.allow_restore is False:
        raise invalid(f"restore.datastoreRef: the cloud does not allow to restore from {label}")
    type_ = catalogue_of(observed).type_of(source.type_id)
    if type_ is not None and type_.engine != observed.spec.engine.type:
        raise invalid(
            f"restore.datastoreRef: {label} is {type_.engine} {type_.version}; a backup can be restored to the same "
            "engine only"
        )


def _in_utc(moment: str) -> str:
    """Return a moment as the API writes times: UTC without a zone. That the API also accepts this form is [assumed]."""
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        raise invalid(f"restore.targetTime: there is no such moment as {moment}") from None
