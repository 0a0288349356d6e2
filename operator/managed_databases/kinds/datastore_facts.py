"""The facts that a step finds out about a datastore, beside those of every kind."""

from typing import ClassVar

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.shared_fields import CloudStatus


class DatastoreFacts(Facts):
    STATUS: ClassVar[type[CloudStatus]] = ManagedDatastoreStatus

    guard: str | None = None
