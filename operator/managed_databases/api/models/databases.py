"""What stands in a datastore of databases: databases, users, grants, extensions, logical replication slots."""

from managed_databases.api.models.shared_fields import CloudObject, Request
from managed_databases.api.secrets import Password


class Database(CloudObject):
    name: str
    datastore_id: str
    owner_id: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None


class NewDatabase(Request):
    name: str
    datastore_id: str
    owner_id: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None


class DatabaseOwner(Request):
    owner_id: str


class User(CloudObject):
    name: str
    datastore_id: str


class NewUser(Request):
    name: str
    datastore_id: str
    password: Password


class UserPassword(Request):
    password: Password


class Grant(CloudObject):
    """Lets a user into a database."""

    datastore_id: str
    database_id: str
    user_id: str


class NewGrant(Request):
    datastore_id: str
    database_id: str
    user_id: str


class Extension(CloudObject):
    """An available extension, installed in a database (PostgreSQL)."""

    available_extension_id: str
    datastore_id: str
    database_id: str


class NewExtension(Request):
    available_extension_id: str
    datastore_id: str
    database_id: str


class LogicalReplicationSlot(CloudObject):
    """A slot keeps WAL until it is consumed. `in_use` is known from the list's filter only."""

    name: str
    datastore_id: str
    database_id: str
    in_use: bool | None = None


class NewLogicalReplicationSlot(Request):
    """`name`: 1 to 255 characters for the API; PostgreSQL itself takes `[a-z0-9_]`, at most 63."""

    name: str
    datastore_id: str
    database_id: str
