"""`DatabaseUser`: a user of a datastore, and the Secret that applications log in with."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from typing_extensions import override

from managed_databases.api.calls import Call
from managed_databases.api.collections import USERS
from managed_databases.api.models import Database, NewUser, User, UserPassword
from managed_databases.kinds import user_attributes as attributes
from managed_databases.kinds.columns import columns
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_endpoints import DATABASE_KEY, Endpoints, endpoints, secret_content
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, engine_of_parent, family, require_family
from managed_databases.kinds.inline_grants import InlineAccess, owned_by_user
from managed_databases.kinds.kind import Conditions, Credential, NameOrId, Reference
from managed_databases.kinds.names import SQL_NAME_MESSAGE, effective_name, name_rule, name_stays
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.parameter_values import SettingValues
from managed_databases.kinds.protection import KindInDatastore, ProtectedSpec, ProtectedStatus
from managed_databases.kinds.references import (
    DATASTORE,
    PROJECT_ONLY_WITH_ID,
    DatastoreRef,
    ObjectRef,
    datastore_of,
    in_same_datastore,
    referred,
    require_same_datastore,
    stated,
)
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, rules, unchangeable
from managed_databases.kinds.shared_fields import CloudSpec, RoleName, SecretKeyRef, SecretName
from managed_databases.kinds.verdicts import Change, OwnedResource

UNKNOWN_ENGINE = "unknown"


class DatabaseUserSpec(ProtectedSpec):
    """A user of a datastore, and the Secret that applications log in with."""

    model_config = rules(
        unchangeable("projectRef", "a user cannot move to another project"),
        PROJECT_ONLY_WITH_ID,
        unchangeable("secretName", "applications mount this Secret: make another user for another Secret"),
    )

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a user cannot move to another datastore")]
    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", min_length=1, max_length=63)] | None = Field(
        default=None,
        description="The user's name in the datastore; by default metadata.name. The name never changes. The API may "
        "refuse more than 32 characters to a new user; an existing user with a longer name can be adopted.",
    )
    password_secret_ref: SecretKeyRef | None = Field(
        default=None, description="The Secret with a password of your own. Absent: the operator generates a password."
    )
    secret_name: SecretName | None = Field(
        default=None, description="The name of the credentials Secret for applications; by default `<resource>-user`."
    )
    database_ref: ObjectRef | None = Field(
        default=None,
        description="The ManagedDatabase that the credentials Secret leads to. The user may be the owner of that database.",
    )
    databases: Annotated[tuple[ObjectRef, ...], Field(max_length=100)] | None = Field(
        default=None,
        description="Databases that the user may use. For each entry the operator makes a DatabaseGrant that belongs to this "
        "user.",
    )
    access: Annotated[tuple[InlineAccess, ...], Field(max_length=100)] | None = Field(
        default=None,
        description="The access rules of a Kafka user. For each entry the operator makes a KafkaACL that belongs to this user.",
    )
    roles: Annotated[tuple[RoleName, ...], Field(max_length=32)] | None = Field(
        default=None,
        description="The roles of the user, all of them, by their names in the API, such as pg_read_all_data (PostgreSQL, where "
        "the API offers roles). When this field is removed from the spec, the roles that the operator has set are taken away.",
    )
    settings: SettingValues | None = Field(
        default=None,
        description="Settings of the user by name, such as conn_limit and statement_timeout (PostgreSQL, where the API offers "
        "settings); text is accepted for every type. Only settings that stand here are managed. A setting that is removed from "
        "here is reset to its default once, if the operator has set it.",
    )
    on_unknown_password: Literal["Refuse", "Reset"] = Field(
        default="Refuse",
        description="What to do when a user is adopted whose password is not known. Refuse: nothing, with the reason "
        "PasswordUnknown. Reset: set a new password.",
    )

    @property
    @override
    def stated_name(self) -> str | None:
        return self.name

    @property
    @override
    def resets_unknown_password(self) -> bool:
        return self.on_unknown_password == "Reset"


class DatabaseUserStatus(ProtectedStatus):
    """The status of a `DatabaseUser`: no fields of its own."""


def _database_of(spec: DatabaseUserSpec) -> NameOrId | None:
    return stated(spec.database_ref)


DATABASE: Reference[DatabaseUserSpec, CloudSpec, Database] = Reference(
    "databaseRef", "ManagedDatabase", _database_of, waited=False
)
"""The user does not wait for this database, because the database may wait for the user, its owner."""
ObservedUser = Observed[DatabaseUserSpec, User, DatabaseUserStatus]


class DatabaseUserKind(KindInDatastore[DatabaseUserSpec, User, DatabaseUserStatus]):
    def key(self, observed: ObservedUser) -> tuple[str, ...]:
        return (datastore_of(observed).id or "", effective_name(observed))

    def key_of(self, user: User, /) -> tuple[str, ...]:
        return (user.datastore_id, user.name)

    def body(self, observed: ObservedUser, password: SecretStr | None) -> NewUser:
        """Return the body of the POST; without a password it serves only to check the spec, as the API would refuse it.

        Roles and settings that the API does not have are left out: they do not hold up the user. Raises SpecRefused if the
        engine has no users, or for roles and settings that are not on offer.
        """
        _require_fit(observed)
        name, datastore_id = effective_name(observed), datastore_of(observed).id or ""
        more = attributes.for_creation(observed)
        if password is None:
            given = {"name", "datastore_id"}
            return NewUser.model_construct(given, name=name, datastore_id=datastore_id, password=SecretStr(""))
        return NewUser.model_validate({"name": name, "datastore_id": datastore_id, "password": password} | more)

    def expected(self, observed: ObservedUser) -> Mapping[str, str | None]:
        return {"datastore_id": datastore_of(observed).id, "name": effective_name(observed)}

    def expected_of(self, user: User, /) -> Mapping[str, str | None]:
        return {"datastore_id": user.datastore_id, "name": user.name}

    def needs_user_offers(self, observed: ObservedUser) -> bool:
        return attributes.are_asked_for(observed)

    def changes(self, observed: ObservedUser) -> Iterator[Change]:
        """Yield the changes of roles and settings; the controller changes the password. Raises SpecRefused if the spec does not
        fit the datastore, and at the end for roles and settings that cannot be set.
        """
        _require_fit(observed)
        yield from attributes.changes(observed)

    def wanted_values(self, observed: ObservedUser) -> Mapping[str, str]:
        return attributes.wanted_values(observed)

    def actual_values(self, observed: ObservedUser) -> Mapping[str, str]:
        return attributes.actual_values(observed)

    def conditions(self, observed: ObservedUser) -> Conditions:
        return attributes.conditions(observed)

    def owned(self, observed: ObservedUser) -> tuple[OwnedResource, ...]:
        return owned_by_user(observed)


def _require_fit(observed: ObservedUser) -> None:
    require_family(observed, "a user is", POSTGRESQL, MYSQL, KAFKA)
    if observed.spec.database_ref is not None:
        require_family(observed, "databaseRef: a database is", POSTGRESQL, MYSQL)
        require_same_datastore(observed, DATABASE)


def _given(spec: DatabaseUserSpec) -> SecretKeyRef | None:
    return spec.password_secret_ref


def _secret_name(spec: DatabaseUserSpec) -> str | None:
    return spec.secret_name


def _set_password(id_: str, password: SecretStr) -> Call[User]:
    return USERS.update(id_, UserPassword(password=password))


def _type(observed: ObservedUser) -> str:
    engine = engine_of_parent(observed)
    return family(engine[0]) if engine else UNKNOWN_ENGINE


def _content(observed: ObservedUser, password: SecretStr) -> Mapping[str, str]:
    return secret_content(
        _where(observed),
        _type(observed),
        effective_name(observed),
        password,
        database=_database_name(observed),
        ca_certificate=observed.project.ca_certificate if observed.project else None,
    )


def _where(observed: ObservedUser) -> Endpoints:
    ports = observed.project.ports if observed.project else PortNumbers()
    return endpoints(datastore_of(observed).object, engine_of_parent(observed), ports, observed.told_before)


def _lacks(observed: ObservedUser) -> str | None:
    return (
        None if _where(observed).hosts else f"the API does not tell where to connect to {datastore_of(observed).label}"
    )


def _database_name(observed: ObservedUser) -> str | None:
    """Return the name of the database that the Secret leads to, from the cloud or else from the database's spec; None while
    the name is not known.

    A database that is named by its id, and is not shown any more, keeps the name that the Secret has, as long as the spec stays.
    """
    reference = observed.spec.database_ref
    database = referred(observed, DATABASE)
    if reference is None or database is None or not in_same_datastore(database, datastore_of(observed)):
        return None
    if database.object is not None:
        return database.object.name
    if reference.id is not None and observed.status.synced_generation == observed.generation:
        return observed.told_before.get(DATABASE_KEY)
    return (database.spec.stated_name or reference.name) if database.spec is not None and reference.name else None


KIND = DatabaseUserKind(
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
            "^[A-Za-z_][A-Za-z0-9_]{0,62}$",
            f"the user's name (spec.name, or else metadata.name) has 1 to 63 characters, {SQL_NAME_MESSAGE}",
        ),
        name_stays("the API cannot rename a user: make another one"),
    ),
    collection=USERS,
    references=(DATASTORE, DATABASE),
    owned_kinds=("DatabaseGrant", "KafkaACL"),
    holds_data=False,
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
)
