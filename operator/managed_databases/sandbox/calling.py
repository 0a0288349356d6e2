"""One request to the API on its way through the handlers, and the rules that many of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from managed_databases.sandbox.answers import Refusal, busy, invalid, not_found
from managed_databases.sandbox.backing import Backing
from managed_databases.sandbox.catalogue import TYPES, DatastoreKind
from managed_databases.sandbox.changes import Changes
from managed_databases.sandbox.settings import Settings
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
    backing: Backing | None = None


@dataclass(slots=True)
class Call:
    """An authenticated request with a valid body. `past` are older tables to list from; None: the present ones."""

    cloud: Cloud
    space: Space
    request_id: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    past: Mapping[str, Mapping[str, Row]] | None = None

    def find(self, collection: str, word: str, id_: str) -> Row:
        """Return an object of this project and region. Raises Refusal (404) if there is none with this id."""
        if (row := self.space.find(collection, id_)) is None:
            raise not_found(word, id_)
        return row

    def idle(self, collection: str, word: str, id_: str) -> Row:
        """Return an object that can be changed now. Raises Refusal: 404, or 409 while a change or maintenance is under way.

        [assumed: that maintenance refuses changes]
        """
        row = self.find(collection, word, id_)
        if row["status"] in PENDING:
            raise busy(f"{word} {id_} is {row['status']}.")
        if row.get("is_maintenance"):
            raise busy(f"{word} {id_} is under maintenance.")
        return row

    def usable_datastore(self, id_: str) -> tuple[Row, DatastoreKind]:
        """Return the datastore of a child that is to be changed. Raises Refusal: 404, or 409 if the datastore cannot take
        changes.

        Some public clients change children while the datastore is being changed. Whether the API refuses that is not known;
        `Settings.busy_children` decides for the sandbox.
        """
        row = self.find("datastores", "datastore", id_)
        if row["status"] in BROKEN | {"PENDING_CREATE", "PENDING_DELETE"}:
            raise busy(f"datastore {id_} is {row['status']}.")
        if self.cloud.settings.busy_children:
            self.idle("datastores", "datastore", id_)
        return row, TYPES[row["type_id"]]

    def reference(self, collection: str, word: str, id_: str, datastore_id: str) -> Row:
        """Return the object that a child refers to. Raises Refusal: 404 unless it is in the same datastore, 409 unless ACTIVE."""
        row = self.find(collection, word, id_)
        if row["datastore_id"] != datastore_id:
            raise not_found(word, id_)
        if row["status"] != "ACTIVE":
            raise busy(f"{word} {id_} is {row['status']}.")
        return row

    def check_with_server(self, collection: str, row: Row) -> None:
        """Raise Refusal (400) for what the server behind the datastore is known to refuse."""
        if self.cloud.backing is not None and (why := self.cloud.backing.objection(self.space, collection, row)):
            raise invalid({collection: why})


def unsupported(what: str, kind: DatastoreKind) -> Refusal:
    return Refusal(400, f"{what} not supported by {kind.engine.title} {kind.version}.")
