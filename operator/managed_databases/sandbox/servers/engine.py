"""What an engine's module offers to `backend.Servers`."""

from typing import Any, Protocol

from managed_databases.sandbox.store import Row


class Server(Protocol):
    """One server, for one datastore. All methods may be repeated: they say how things shall be. `Refused` is raised for what the
    server does not do; calls for one server are never made at the same time.
    """

    async def apply(self, row: Row, sealed: str | None) -> None:
        """Let the server be as the datastore's row says; start it if it does not run. `sealed` is a new password."""
        ...

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        """Let an object in the server be as its row says. `sealed` is a new password."""
        ...

    async def drop(self, collection: str, row: Row) -> None:
        """Remove an object, with all that it has let anybody do. Nothing happens if it is not there."""
        ...

    async def stop(self) -> None: ...

    def objection(self, collection: str, row: Row) -> str | None:
        """Return what the server is known to refuse; None if nothing is known."""
        ...

    def told(self) -> dict[str, Any]:
        """Return program, version and whether it runs, for people."""
        ...
