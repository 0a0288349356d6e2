"""What a step has found out of a datastore, beyond what every kind has."""

from typing import ClassVar

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.frame import CloudStatus
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus


class DatastoreFacts(Facts):
    STATUS: ClassVar[type[CloudStatus]] = ManagedDatastoreStatus

    guard: str | None = None
