"""`DatabaseUser`: a user of a datastore, and the Secret that applications log in with."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import SecretStr

from managed_databases.api.calls import Call
from managed_databases.api.collections import USERS
from managed_databases.api.models import Database, NewUser, User, UserPassword
from managed_databases.kinds import user_attributes as attributes
from managed_databases.kinds.application_login import TYPE_KEY
from managed_databases.kinds.columns import columns
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.database_user_spec import DatabaseUserSpec, DatabaseUserStatus
from managed_databases.kinds.datastore_endpoints import DATABASE_KEY, Endpoints, endpoints, has_hosts, login_at
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, engine_of_parent, family, require_family
from managed_databases.kinds.inline_grants import owned_by_user
from managed_databases.kinds.kind import Conditions, Credential, NameOrId, Reference
from managed_databases.kinds.names import SQL_NAME_MESSAGE, effective_name, name_rule, name_stays
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.protection import KindInDatastore
from managed_databases.kinds.references import (
    DATASTORE,
    ObjectRef,
    datastore_of,
    in_same_datastore,
    referred,
    require_same_datastore,
    stated,
)
from managed_databases.kinds.schema import Column
from managed_databases.kinds.secret_copies import as_copy, copies_of
from managed_databases.kinds.secret_data import SecretData, incomplete, login_of, marks_of, secret_data
from managed_databases.kinds.shared_fields import CloudSpec, SecretKeyRef
from managed_databases.kinds.two_users import needs_twin, refusal, twin_name, twin_resources
from managed_databases.kinds.user_rotation import UserRotation
from managed_databases.kinds.verdicts import Change, OwnedResource, Reason, Stall, Wait
from managed_databases.probe import Login

UNKNOWN_ENGINE = "unknown"
SUFFIX = "user"


def _database_of(spec: DatabaseUserSpec) -> NameOrId | None:
    return stated(_wanted_database(spec))


def _wanted_database(spec: DatabaseUserSpec) -> ObjectRef | None:
    """Return the database that the Secret leads to: the one of databaseRef, or else the only one that the user may use."""
    if spec.database_ref is not None:
        return spec.database_ref
    usable = {*(spec.databases or ())}
    return usable.pop() if len(usable) == 1 else None


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
        engine has no users, for roles and settings that are not on offer, or for a schedule without dates.
        """
        _require_fit(observed)
        _require_dates(observed)
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
        fit the datastore, and at the end for roles and settings that cannot be set, and for a schedule without dates.
        """
        _require_fit(observed)
        yield from attributes.changes(observed)
        _require_dates(observed)

    def wanted_values(self, observed: ObservedUser) -> Mapping[str, str]:
        return attributes.wanted_values(observed)

    def actual_values(self, observed: ObservedUser) -> Mapping[str, str]:
        return attributes.actual_values(observed)

    def conditions(self, observed: ObservedUser) -> Conditions:
        return {**attributes.conditions(observed), **incomplete(observed.held_secret.left_out)}

    def login(self, observed: ObservedUser) -> Login | None:
        ports = observed.project.ports if observed.project else PortNumbers()
        engine = engine_of_parent(observed)
        return login_at(
            endpoints(datastore_of(observed).object, engine, ports),  # only where the API says, and never the Secret
            _type(observed),
            user=observed.pair.login_as or effective_name(observed),
            database=_database_name(observed),
            ca_certificate=observed.project.ca_certificate if observed.project else None,
            tls=observed.spec.credentials.tls if observed.spec.credentials else None,
        )

    def owned(self, observed: ObservedUser) -> tuple[OwnedResource, ...]:
        if self.twin(observed) is None:
            return owned_by_user(observed)
        return (
            *owned_by_user(observed),
            *twin_resources(observed, effective_name(observed), _mounted(observed)),
        )

    def twin(self, observed: ObservedUser) -> str | None:
        if observed.status.id is None or observed.deleting:
            return None
        wants_two = KIND.credential is not None and KIND.credential.takes_turns(observed)
        return twin_name(observed.name) if needs_twin(observed.status.rotation, wants_two=wants_two) else None


def _require_fit(observed: ObservedUser) -> None:
    require_family(observed, "a user is", POSTGRESQL, MYSQL, KAFKA)
    if _wanted_database(observed.spec) is not None:
        field = "databases" if observed.spec.database_ref is None else "databaseRef"
        require_family(observed, f"{field}: a database is", POSTGRESQL, MYSQL)
        require_same_datastore(observed, DATABASE)


def _require_dates(observed: ObservedUser) -> None:
    rotation = observed.spec.rotation
    if rotation is None:
        return
    why = rotation.problem() or (_refuses_turns(observed) if rotation.takes_turns else None)
    if why is not None:
        raise SpecRefused(Stall(Reason.INVALID_SPEC, why))


def _rotation(spec: DatabaseUserSpec) -> UserRotation | None:
    return spec.rotation


def _refuses_turns(observed: ObservedUser) -> str | None:
    return refusal(observed, _mounted(observed))


def _mounted(observed: ObservedUser) -> str:
    return _secret_name(observed.spec) or f"{observed.name}-{SUFFIX}"


def _given(spec: DatabaseUserSpec) -> SecretKeyRef | None:
    return spec.password_secret_ref


def _secret_name(spec: DatabaseUserSpec) -> str | None:
    return (spec.credentials.name if spec.credentials is not None else None) or spec.secret_name


def _set_password(id_: str, password: SecretStr) -> Call[User]:
    return USERS.update(id_, UserPassword(password=password))


def _engine(observed: ObservedUser) -> tuple[str, str] | None:
    """Return engine and version of the user's datastore. While the catalogue does not tell them, the Secret tells the engine that
    it was written for.
    """
    told = observed.told_before.get(TYPE_KEY)
    return engine_of_parent(observed) or ((told, "") if told in (POSTGRESQL, MYSQL, KAFKA) else None)


def _awaits_engine(observed: ObservedUser) -> Wait | None:
    """The engine is the type of the Secret, which can never be changed."""
    if _engine(observed) is not None:
        return None
    if observed.catalogue.known:
        why = "does not list its type; a ManagedDatastore that takes the datastore over (spec.adoption) tells the engine, too"
    else:
        why = observed.catalogue.not_read_yet
    return Wait(Reason.LOOKING, f"the project's catalogue, which tells the engine of the datastore, {why}")


def _type(observed: ObservedUser) -> str:
    engine = _engine(observed)
    return family(engine[0]) if engine else UNKNOWN_ENGINE


def _data(observed: ObservedUser, password: SecretStr) -> SecretData:
    login = login_of(
        observed,
        observed.spec.credentials,
        _where(observed),
        _type(observed),
        observed.pair.login_as or effective_name(observed),
        password,
        database=_database_name(observed),
    )
    is_mounted = observed.pair.login_as is not None or not observed.is_paired
    return secret_data(login, observed.spec.credentials if is_mounted else None, observed.held_secret.others)


def _content(observed: ObservedUser, password: SecretStr) -> Mapping[str, str]:
    return _data(observed, password).data


def _left_out(observed: ObservedUser, password: SecretStr) -> tuple[str, ...]:
    left_out, spec = _data(observed, password).left_out, observed.spec
    if spec.databases and _wanted_database(spec) is None:
        told = (
            "the Secret leads to no database, because spec.databases has several: name one of them in spec.databaseRef"
        )
        return (told, *left_out)
    return left_out


def _where(observed: ObservedUser) -> Endpoints:
    ports = observed.project.ports if observed.project else PortNumbers()
    return endpoints(datastore_of(observed).object, _engine(observed), ports, observed.told_before)


def _lacks(observed: ObservedUser) -> Wait | Stall | None:
    if not has_hosts(datastore_of(observed).object, observed.told_before):
        label = datastore_of(observed).label
        return Wait(Reason.NOT_TOLD, f"the API does not tell where to connect to {label}")
    database = referred(observed, DATABASE) if observed.spec.database_ref is not None else None
    if database is None or database.problem is None or _database_name(observed) is not None:
        return None
    problem = database.problem
    return replace(problem, message=f"databaseRef: {problem.message}; until then the Secret names no database")


def _database_name(observed: ObservedUser) -> str | None:
    """Return the name of the database that the Secret leads to, from the cloud or else from the database's spec; None while
    the name is not known.

    A database that is named by its id, and is not shown any more, keeps the name that the Secret has, as long as the spec stays.
    """
    reference = _wanted_database(observed.spec)
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
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
        Column("Secret", ".status.binding.name"),
        Column(
            "Password Age",
            ".status.passwordChangedAt",
            "date",
            wide=True,
            description="The time since the operator last set another password.",
        ),
        Column(
            "Password Due",
            ".status.rotation.dueAt",
            wide=True,
            description="The date of the next change of the password (UTC).",
        ),
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
    owned_kinds=("DatabaseGrant", "KafkaACL", "DatabaseUser"),
    holds_data=False,
    credential=Credential(
        suffix=SUFFIX,
        applies=lambda _: True,
        secret_name=_secret_name,
        given=_given,
        set_password=_set_password,
        type=_type,
        content=_content,
        lacks=_lacks,
        awaits=_awaits_engine,
        left_out=_left_out,
        labels=lambda spec: marks_of(spec.credentials)[0],
        annotations=lambda spec: marks_of(spec.credentials)[1],
        copies=lambda spec: copies_of(spec.credentials),
        as_copy=lambda spec, copy: spec.model_copy(update={"credentials": as_copy(spec.credentials, copy)}),
        rotation=_rotation,
        refuses_turns=_refuses_turns,
    ),
)
