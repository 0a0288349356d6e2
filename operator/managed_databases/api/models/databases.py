"""What stands in a datastore of databases: databases, users, grants, extensions, logical replication slots."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from managed_databases.api.models.base_models import CloudObject, RequestModel
from managed_databases.api.secrets import Password


class Database(CloudObject):
    name: str
    datastore_id: str
    owner_id: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None


class NewDatabase(RequestModel):
    name: str
    datastore_id: str
    owner_id: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None


class DatabaseOwner(RequestModel):
    owner_id: str


def _ids(sent: object) -> object:
    """Return the ids of a list of roles: the documentation writes ids, and an answer may show whole roles."""
    if not isinstance(sent, list):
        return sent
    return [row.get("id") if isinstance(row, dict) else row for row in sent]


class User(CloudObject):
    """`roles` (ids) and `settings` are None where the API does not have them: only newer clouds do, for PostgreSQL."""

    name: str
    datastore_id: str
    roles: Annotated[tuple[str, ...], BeforeValidator(_ids)] | None = None
    settings: dict[str, Any] | None = None


class NewUser(RequestModel):
    """`roles` are ids."""

    name: str
    datastore_id: str
    password: Password
    roles: tuple[str, ...] | None = None
    settings: dict[str, bool | int | float | str] | None = None


class UserRoles(RequestModel):
    """All roles of a user, by their ids: roles that are not here are taken away."""

    roles: tuple[str, ...]


class UserSettings(RequestModel):
    """The settings to change; None resets a setting to its default. Settings that are not here stay."""

    settings: dict[str, bool | int | float | str | None]


class UserPassword(RequestModel):
    password: Password


class Grant(CloudObject):
    """Lets a user into a database."""

    datastore_id: str
    database_id: str
    user_id: str


class NewGrant(RequestModel):
    datastore_id: str
    database_id: str
    user_id: str


class Extension(CloudObject):
    """An available extension, installed in a database (PostgreSQL)."""

    available_extension_id: str
    datastore_id: str
    database_id: str


class NewExtension(RequestModel):
    available_extension_id: str
    datastore_id: str
    database_id: str


class LogicalReplicationSlot(CloudObject):
    """A slot keeps WAL until it is consumed. `in_use` is known from the list's filter only."""

    name: str
    datastore_id: str
    database_id: str
    in_use: bool | None = None


class NewLogicalReplicationSlot(RequestModel):
    """`name`: 1 to 255 characters for the API; PostgreSQL itself takes `[a-z0-9_]`, at most 63."""

    name: str
    datastore_id: str
    database_id: str
