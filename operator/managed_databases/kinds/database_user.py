"""`DatabaseUser`: a user of a datastore, and the Secret that applications log in with."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from managed_databases.api.calls import Call
from managed_databases.api.collections import USERS
from managed_databases.api.models import NewUser, User, UserPassword
from managed_databases.kinds.columns import columns
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_endpoints import Endpoints, endpoints, secret_content
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, engine_of_parent, family, require_family
from managed_databases.kinds.frame import ProjectRef, SecretKeyRef, SecretName
from managed_databases.kinds.inline_grants import InlineAccess, owned_by_user
from managed_databases.kinds.kind import CloudSide, Credential, Kind, NameOrId, Reference
from managed_databases.kinds.names import SQL_NAME_MESSAGE, effective_name, name_of, name_rule, name_stays
from managed_databases.kinds.protection import PROTECTION, ProtectedSpec, ProtectedStatus, protected, protection_report
from managed_databases.kinds.references import (
    DATASTORE,
    PROJECT_ONLY_WITH_ID,
    DatastoreRef,
    ObjectRef,
    datastore_of,
    in_same_datastore,
    require_same_datastore,
    stated,
)
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, rules, unchangeable
from managed_databases.kinds.seen import Seen
from managed_databases.kinds.verdicts import Change

UNKNOWN_ENGINE = "unknown"


class DatabaseUserSpec(ProtectedSpec):
    """A user of a datastore, and the Secret that applications log in with."""

    model_config = rules(
        unchangeable("projectRef", "a user cannot move to another project"),
        PROJECT_ONLY_WITH_ID,
        unchangeable("secretName", "applications mount this Secret: make another user for another Secret"),
    )

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a user cannot move to another datastore")]
    project_ref: ProjectRef | None = None
    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", min_length=1, max_length=32)] | None = Field(
        default=None, description="The name in the datastore; by default metadata.name. It never changes."
    )
    password_secret_ref: SecretKeyRef | None = Field(
        default=None, description="A password of your own; without it one is generated."
    )
    secret_name: SecretName | None = Field(
        default=None, description="The Secret for applications; by default `<resource>-user`."
    )
    database_ref: ObjectRef | None = Field(
        default=None, description="The ManagedDatabase that the Secret is for. The user may be its owner."
    )
    databases: Annotated[tuple[ObjectRef, ...], Field(max_length=100)] | None = Field(
        default=None,
        description="Databases that the user may use; each becomes a DatabaseGrant that belongs to this user.",
    )
    access: Annotated[tuple[InlineAccess, ...], Field(max_length=100)] | None = Field(
        default=None,
        description="What a Kafka user may do; each entry becomes a KafkaACL that belongs to this user.",
    )
    on_unknown_password: Literal["Refuse", "Reset"] = Field(
        default="Refuse", description="Whether adopting a user without knowing its password sets a new one."
    )


class DatabaseUserStatus(ProtectedStatus):
    """Nothing beyond the frame."""


def _database_of(spec: DatabaseUserSpec) -> NameOrId | None:
    return stated(spec.database_ref)


DATABASE = Reference("databaseRef", "ManagedDatabase", _database_of, waited=False)
"""Not waited for: the database may itself wait for this user, its owner."""


def key(seen: Seen) -> tuple[str, ...]:
    return (datastore_of(seen).id or "", effective_name(seen))


def key_of(user: User) -> tuple[str, ...]:
    return (user.datastore_id, user.name)


def body(seen: Seen, password: SecretStr | None) -> NewUser:
    """Return what to POST. Without a password it is good for a check only: the API refuses it.

    Raises Refused when the engine has no users.
    """
    _require_fit(seen)
    fields: dict[str, Any] = {"name": effective_name(seen), "datastore_id": datastore_of(seen).id or ""}
    if password is None:
        return NewUser.model_construct(**fields)
    return NewUser(**fields, password=password)


def expected(seen: Seen) -> Mapping[str, Any]:
    return {"datastore_id": datastore_of(seen).id, "name": effective_name(seen)}


def expected_of(user: User) -> Mapping[str, Any]:
    return {"datastore_id": user.datastore_id, "name": user.name}


def changes(seen: Seen) -> Iterator[Change]:
    """Nothing but the password of a user can change. Raises Refused when the spec does not fit the datastore."""
    _require_fit(seen)
    yield from ()


def _require_fit(seen: Seen) -> None:
    require_family(seen, "a user is", POSTGRESQL, MYSQL, KAFKA)
    if seen.spec.database_ref is not None:
        require_family(seen, "databaseRef: a database is", POSTGRESQL, MYSQL)
        require_same_datastore(seen, DATABASE)


def _given(spec: DatabaseUserSpec) -> SecretKeyRef | None:
    return spec.password_secret_ref


def _secret_name(spec: DatabaseUserSpec) -> str | None:
    return spec.secret_name


def _set_password(id_: str, password: SecretStr) -> Call[User]:
    return USERS.update(id_, UserPassword(password=password))


def _type(seen: Seen) -> str:
    engine = engine_of_parent(seen)
    return family(engine[0]) if engine else UNKNOWN_ENGINE


def _content(seen: Seen, password: SecretStr) -> Mapping[str, str]:
    return secret_content(
        _where(seen),
        _type(seen),
        effective_name(seen),
        password,
        database=_database_name(seen),
        ca_certificate=seen.project.ca_certificate if seen.project else None,
    )


def _where(seen: Seen) -> Endpoints:
    ports = seen.project.ports if seen.project else PortNumbers()
    return endpoints(datastore_of(seen).object, engine_of_parent(seen), ports, seen.told_before)


def _lacks(seen: Seen) -> str | None:
    return None if _where(seen).hosts else f"the API does not tell where to connect to {datastore_of(seen).label}"


def _database_name(seen: Seen) -> str | None:
    """The database's name as the cloud has it, or else as its resource says; None when it is not known."""
    reference: ObjectRef | None = seen.spec.database_ref
    database = seen.refs.get(DATABASE.field)
    if reference is None or database is None or not in_same_datastore(database, datastore_of(seen)):
        return None
    if database.object is not None:
        name: str = database.object.name
        return name
    return name_of(database.spec, reference.name) if database.spec is not None and reference.name else None


KIND = Kind(
    name="DatabaseUser",
    plural="databaseusers",
    short_names=("dbu",),
    spec=DatabaseUserSpec,
    status=DatabaseUserStatus,
    columns=columns(
        Column("Datastore", ".spec.datastoreRef.name"),
        Column("Secret", ".status.binding.name"),
    ),
    rules=(
        name_rule(
            "^[A-Za-z_][A-Za-z0-9_]{0,31}$",
            f"the user's name (spec.name, or else metadata.name) has 1 to 32 characters, {SQL_NAME_MESSAGE}",
        ),
        name_stays("the API cannot rename a user: make another one"),
    ),
    protection=PROTECTION,
    cloud=CloudSide(
        collection=USERS,
        references=(DATASTORE, DATABASE),
        key=key,
        key_of=key_of,
        body=body,
        expected=expected,
        expected_of=expected_of,
        changes=changes,
        report=protection_report,
        owned=owned_by_user,
        owned_kinds=("DatabaseGrant", "KafkaACL"),
        holds_data=False,
        protected=protected,
        credential=Credential(
            suffix="user",
            applies=lambda _: True,
            secret_name=_secret_name,
            given=_given,
            set_password=_set_password,
            type=_type,
            content=_content,
            lacks=_lacks,
        ),
    ),
)
