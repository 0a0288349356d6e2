"""The fields of a `DatabaseUser`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import override

from managed_databases.kinds.credentials_spec import CredentialsSpec, one_name, secret_name_of
from managed_databases.kinds.inline_grants import InlineAccess
from managed_databases.kinds.parameter_values import SettingValues
from managed_databases.kinds.protection import ProtectedSpec, ProtectedStatus
from managed_databases.kinds.references import (
    PROJECT_ONLY_WITH_ID,
    DatastoreRef,
    ObjectRef,
)
from managed_databases.kinds.rollout_restart import DESCRIPTION as RESTART_TARGETS
from managed_databases.kinds.rollout_restart import RestartTarget, RestartTargets
from managed_databases.kinds.schema import IMMUTABLE, Rule, rules, unchangeable
from managed_databases.kinds.shared_fields import RoleName, SecretKeyRef, SecretName
from managed_databases.kinds.user_rotation import UserRotation


class DatabaseUserSpec(ProtectedSpec):
    """A user of a datastore, and the Secret that applications log in with."""

    model_config = rules(
        unchangeable("projectRef", "a user cannot move to another project"),
        PROJECT_ONLY_WITH_ID,
        Rule(
            "!(has(self.rotation) && has(self.passwordSecretRef))",
            "a password of your own is changed in its Secret: say rotation or passwordSecretRef, not both",
        ),
        Rule(
            f"{secret_name_of('self', 'secretName')} == {secret_name_of('oldSelf', 'secretName')}",
            "secretName cannot change: applications mount this Secret: make another user for another Secret",
        ),
        one_name("secretName"),
        Rule(
            "!(has(self.rotation) && has(self.rotation.strategy) && self.rotation.strategy == 'TwoUsers' && "
            "has(self.adoption) && self.adoption == 'Required')",
            "rotation.strategy: TwoUsers is for users that the operator has made: say InPlace for one that is adopted",
        ),
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
        description="The ManagedDatabase that the credentials Secret leads to; by default the one of databases, if there is only "
        "one. The user may be the owner of that database.",
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
    credentials: CredentialsSpec | None = None
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
    probe: bool | None = Field(
        default=None,
        description="Whether the user counts as Ready only once the operator itself has logged in with the credentials Secret, "
        "over TLS. Absent: as the DatabaseProject says, which by default is no.",
    )
    rotation: UserRotation | None = Field(
        default=None,
        description="When the operator replaces a generated password by a new one. Absent: only when somebody asks for it.",
    )
    rollout_restart: RestartTargets | None = Field(default=None, description=RESTART_TARGETS)
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

    @property
    @override
    def probes(self) -> bool | None:
        return self.probe

    @property
    @override
    def restarts(self) -> tuple[RestartTarget, ...]:
        return self.rollout_restart or ()


class DatabaseUserStatus(ProtectedStatus):
    """The status of a `DatabaseUser`: no fields of its own."""
