"""The port to what may stand behind the objects of the sandbox: real servers (`servers/`), or nothing.

This module is all that the rest of the sandbox knows of servers. It imports nothing of them, so a sandbox without servers stays
as light as it is.
"""

from pathlib import Path
from typing import Any, Protocol

from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row


class ChangeRefused(Exception):
    """What stands behind an object did not make a change. The text says why, and has no password in it."""


class Backing(Protocol):
    """What carries out the changes of objects. A change that was begun may be carried out again after a restart, so each of them
    says how the object shall be, and not what to do.
    """

    by_names: bool
    """Whether `connection` of a datastore has names, which only a `sandbox shell` resolves; else it has addresses."""

    def objection(self, space: Space, collection: str, row: Row) -> str | None:
        """Return why an object cannot become as `row`, as far as that is known beforehand; None if nothing is known."""
        ...

    def sealed(self, type_id: str, password: str) -> str:
        """Return what the server needs to know of a password. A datastore's type decides the form; it may be kept in a file."""
        ...

    def placed(self, row: Row, instances: list[Row]) -> list[Row] | None:
        """Return the instances of a datastore with addresses where clients reach them; None if nothing can run behind it. Raises
        ChangeRefused if there is no such address.
        """
        ...

    async def carry_out(self, space: Space, collection: str, row: Row, *, gone: bool, sealed: str | None) -> None:
        """Make the object as `row`, with the password if one is given, or remove it. Raises ChangeRefused."""
        ...

    async def start(self) -> None:
        """Start what stands behind the datastores that are there."""
        ...

    async def stop(self) -> None: ...

    def certificate(self) -> Path:
        """Return the file with the root certificate (PEM) that the servers' certificates are signed with."""
        ...

    def told(self) -> list[dict[str, Any]]:
        """Return what is behind each datastore, for people."""
        ...
