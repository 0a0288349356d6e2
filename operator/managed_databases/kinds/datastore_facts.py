"""What a step has found out of a datastore, beyond what every kind has."""

from typing import ClassVar

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.shared_fields import CloudStatus


class DatastoreFacts(Facts):
    STATUS: ClassVar[type[CloudStatus]] = ManagedDatastoreStatus

    guard: str | None = None
