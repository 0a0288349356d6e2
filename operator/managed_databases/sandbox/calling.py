"""One request to the API on its way through the handlers, and the rules that many of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from managed_databases.sandbox.answers import Refusal, busy, not_found
from managed_databases.sandbox.catalogue import TYPES, DatastoreKind
from managed_databases.sandbox.changes import Changes, Settings
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row, Store

PENDING: Final = frozenset({"PENDING_CREATE", "PENDING_UPDATE", "RESIZING", "PENDING_DELETE"})
BROKEN: Final = frozenset({"ERROR", "DOWN", "DELETED"})


@dataclass(slots=True)
class Cloud:
    """The state that the handlers work on."""

    store: Store
    changes: Changes
    settings: Settings


@dataclass(slots=True)
class Call:
    """An authenticated request with a valid body. `past` are the tables to list from, when not the present ones."""

    cloud: Cloud
    space: Space
    request_id: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    past: Mapping[str, Mapping[str, Row]] | None = None

    def find(self, collection: str, word: str, id_: str) -> Row:
        """Raises Refusal (404) when this project and region has no such object."""
        if (row := self.space.find(collection, id_)) is None:
            raise not_found(word, id_)
        return row

    def idle(self, collection: str, word: str, id_: str) -> Row:
        """Find an object that can be changed now. Raises Refusal: 404, or 409 while a change or maintenance is under way.

        [assumed: that maintenance refuses changes]
        """
        row = self.find(collection, word, id_)
        if row["status"] in PENDING:
            raise busy(f"{word} {id_} is {row['status']}.")
        if row.get("is_maintenance"):
            raise busy(f"{word} {id_} is under maintenance.")
        return row

    def usable_datastore(self, id_: str) -> tuple[Row, DatastoreKind]:
        """Find the datastore of a child that is to change. Raises Refusal: 404, or 409 when it cannot take changes.

        Clients are seen that change children while their datastore is changed: whether the API refuses that is not
        known, and settled by `Settings.busy_children`.
        """
        row = self.find("datastores", "datastore", id_)
        if row["status"] in BROKEN | {"PENDING_CREATE", "PENDING_DELETE"}:
            raise busy(f"datastore {id_} is {row['status']}.")
        if self.cloud.settings.busy_children:
            self.idle("datastores", "datastore", id_)
        return row, TYPES[row["type_id"]]

    def reference(self, collection: str, word: str, id_: str, datastore_id: str) -> Row:
        """Find what a child refers to: in the same datastore, and ready. Raises Refusal (404, 409)."""
        row = self.find(collection, word, id_)
        if row["datastore_id"] != datastore_id:
            raise not_found(word, id_)
        if row["status"] != "ACTIVE":
            raise busy(f"{word} {id_} is {row['status']}.")
        return row


def unsupported(what: str, kind: DatastoreKind) -> Refusal:
    return Refusal(400, f"{what} not supported by {kind.engine.title} {kind.version}.")
