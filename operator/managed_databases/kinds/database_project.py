"""`DatabaseProject`: a cloud project - its endpoint, its credentials, and which namespaces may use it."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from managed_databases.kinds.columns import MESSAGE, STATE
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.project_view import Power
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, Spec, rules, unchangeable
from managed_databases.kinds.shared_fields import (
    DataKey,
    NameReference,
    NamespaceOrAll,
    ObjectName,
    PollSeconds,
    Status,
    one_word,
)

Url = Annotated[str, Field(pattern="^https?://[^ ]+$", max_length=2048)]
LabelText = Annotated[str, Field(max_length=317)]
Port = Annotated[int, Field(ge=1, le=65535)]
NAMESPACE_PREFIX = r"^([A-Za-z0-9_-]|\{namespace\})+$"


class LabelSelector(Spec):
    """Namespaces by their labels; all of `matchLabels` must match."""

    match_labels: Annotated[dict[LabelText, LabelText], Field(min_length=1, max_length=64)] = Field(
        description="Labels and the values that a namespace must have."
    )


class AllowedNamespace(Spec):
    """Namespaces that may use the project, by name or by labels, and their powers."""

    model_config = rules(Rule("has(self.name) != has(self.selector)", "say exactly one of name and selector"))

    name: NamespaceOrAll | None = Field(default=None, description="A namespace's name; `*` means every namespace.")
    selector: LabelSelector | None = Field(
        default=None,
        description="Every namespace with these labels. Whoever may label a namespace can let that namespace in: prefer `name`.",
    )
    powers: Annotated[tuple[Power, ...], Field(max_length=2)] = Field(
        default=(),
        description="adopt: take over cloud objects that no resource holds, and refer to such objects by id. "
        "metrics: create Prometheus metrics tokens, which are valid for the whole project.",
    )
    name_prefix: Annotated[str, Field(pattern=NAMESPACE_PREFIX, max_length=64)] | None = Field(
        default=None,
        description="The prefix that the names of new datastores and metrics tokens of these namespaces must have, because all "
        "namespaces share these names: `shop-`, or `{namespace}_` with the namespace's own name. Absent: any name.",
    )


class ConfigMapKeyRef(Spec):
    """One key of a ConfigMap in the operator's namespace."""

    name: ObjectName = Field(description="The ConfigMap's name.")
    key: Annotated[DataKey, Field(description="The key in the ConfigMap's data.")] = "ca.crt"


class PollSecondsOf(Spec):
    """Seconds between two LISTs at rest for single collections of the API, instead of `pollSeconds`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, PollSeconds]

    def of(self, collection: str) -> int | None:
        """Return a collection's interval in seconds, None if the spec has none; `collection` is its name in the API's path."""
        return self.__pydantic_extra__.get(_field_of(collection))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema with one field for each collection that a kind uses."""
        schema = dict(handler(core))
        seconds = schema.pop("additionalProperties")
        names = {kind.collection.name: kind.name for kind in cloud_kinds(kinds()).values()}
        in_order = sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
        fields = {_field_of(name): seconds | {"description": f"For {names[name]}s."} for name in in_order}
        return schema | {"properties": fields}


def _field_of(collection: str) -> str:
    return to_camel(collection.replace("-", "_"))


_FIRST: Final = (
    *("datastores", "databases", "users", "grants", "extensions", "logical-replication-slots", "topics", "acls"),
    "prometheus-metrics-tokens",
)
"""The collections that the CustomResourceDefinition showed first, in that order; those of newer kinds follow by name."""


class Ports(Spec):
    """The ports that credentials Secrets name. The API does not tell ports; the defaults are the provider's usual ones."""

    postgresql: Port = Field(default=5432, description="PostgreSQL.")
    postgresql_pooler: Port = Field(default=5433, description="PostgreSQL's connection pooler.")
    mysql: Port = Field(default=3306, description="MySQL.")
    redis: Port = Field(default=6380, description="Redis (TLS).")
    kafka: Port = Field(default=9093, description="Kafka (SASL).")


class DatabaseProjectSpec(Spec):
    """A project of the cloud, its credentials, and the namespaces that may use it."""

    model_config = rules(
        unchangeable("namePrefix", "the prefix is part of every cloud name: make another DatabaseProject"),
        unchangeable("projectID", "resources are pinned to this project: make another DatabaseProject"),
    )

    identity_url: Url | None = Field(
        default=None,
        alias="identityURL",
        description="The address of the identity service (Keystone v3). Not needed, because the Secret has it (OS_AUTH_URL); an "
        "address that differs from the Secret's is refused.",
    )
    endpoint: Url | None = Field(
        default=None,
        description="The address of the Managed Databases API: an endpoint of the identity service's catalogue, or the address "
        "in the Secret (INFRA_DATABASES_ENDPOINT); others are refused. Absent: the operator finds it in the catalogue.",
    )
    region: Annotated[str, one_word(64), Rule(IMMUTABLE, "resources are pinned to this region")] = Field(
        description="The region of the cloud, such as region-1."
    )
    project_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$", max_length=32)] | None = Field(
        default=None,
        alias="projectID",
        description="The id of the cloud project. The operator does nothing if the credentials are for another project.",
    )
    credentials_secret_ref: NameReference = Field(
        description="A Secret in the operator's namespace with the keys OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME (or "
        "OS_DOMAIN_NAME), INFRA_PROJECT_ID and OS_AUTH_URL; or with a static token in OS_TOKEN, and OS_AUTH_URL or "
        "INFRA_DATABASES_ENDPOINT. The Secret's annotation manageddatabases.io/projects limits the DatabaseProjects that may "
        "use it."
    )
    default: bool | None = Field(
        default=None,
        description="Whether resources without projectRef use this project; exactly one project may be the default.",
    )
    allowed_namespaces: Annotated[tuple[AllowedNamespace, ...], Field(max_length=256)] = Field(
        default=(), description="Namespaces that may use the project. With an empty list no namespace may."
    )
    name_prefix: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_-]*$", max_length=32)] | None = Field(
        default=None,
        description="The operator puts this prefix before the name of every datastore and metrics token. It keeps the objects "
        "of two Kubernetes clusters apart.",
    )
    ca_certificate: ConfigMapKeyRef | None = Field(
        default=None,
        alias="caCertificate",
        description="The provider's root certificate (PEM). The operator copies it into every credentials Secret as ca.crt.",
    )
    ports: Ports | None = None
    probe: bool | None = Field(
        default=None,
        description="The value of probe for those DatabaseUsers and ManagedDatastores of the project that do not say it "
        "themselves.",
    )
    poll_seconds: PollSeconds | None = Field(
        default=None, description="Seconds between two LISTs of a collection at rest (default 60)."
    )
    poll_seconds_of: PollSecondsOf | None = Field(
        default=None, description="Seconds between two LISTs at rest for single collections, instead of pollSeconds."
    )


class QuotaStatus(Spec):
    """One quota of the project: `ram` in MB, `disk` in GB."""

    name: Annotated[str, Field(max_length=128, description="The name of the quota in the API.")]
    used: int = Field(description="How much of the quota the project uses.")
    limit: int = Field(description="How much the project may use.")


class RangeStatus(Spec):
    """How much one node may have."""

    min: int | None = Field(default=None, description="The least that a node may have.")
    max: int | None = Field(default=None, description="The most that a node may have.")


class LimitStatus(Spec):
    """An engine's limits for one node: `ram` in MB, `disk` in GB."""

    engine: Annotated[str, Field(max_length=128, description="The engine's type.")]
    vcpus: RangeStatus | None = None
    ram: RangeStatus | None = None
    disk: RangeStatus | None = None


class UseStatus(Spec):
    """The kinds that one installation of the operator serves resources of."""

    operator_namespace: Annotated[str, Field(max_length=63, description="The namespace of the installation.")]
    kinds: Annotated[tuple[Annotated[str, Field(max_length=63)], ...], Field(max_length=64)] = Field(
        description="The kinds of which this installation serves at least one resource."
    )
    seal_key: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="The id of the key with which this installation seals statuses: with it the operator notices a lost key.",
    )


class OddRowsStatus(Spec):
    """Rows of one collection that the operator cannot read whole."""

    collection: Annotated[str, Field(max_length=64, description="The collection's name in the API.")]
    rows: int = Field(description="How many rows of the last list the operator cannot read whole.")
    why: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=5)] = Field(
        default=(), description="The fields that cannot be read, and how each differs from what is expected."
    )


class ReachedStatus(Spec):
    """The API at which the operator has last seen an object of the project."""

    endpoint: Annotated[str, Field(max_length=2048, description="The address of that API.")]
    access: Annotated[
        str, Field(max_length=128, description="The version of the spec and Secret with which the operator got there.")
    ]


class DatabaseProjectStatus(Status):
    project_id: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, alias="projectID", description="The cloud project's id."
    )
    region: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="The region whose API answers."
    )
    endpoint: Annotated[str | None, Field(max_length=2048)] = Field(
        default=None, description="The address of the Managed Databases API that the operator uses."
    )
    reached: ReachedStatus | None = Field(
        default=None,
        description="The API at which the operator has last seen an object of the project. After a change of the endpoint, the "
        "identity service or the Secret the operator does nothing until one of the project's objects answers there.",
    )
    odd_rows: Annotated[tuple[OddRowsStatus, ...], Field(max_length=16)] = Field(
        default=(),
        description="Rows of the API's lists that the operator cannot read whole. A field that it cannot read counts as not "
        "told.",
    )
    engines: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=200)] = Field(
        default=(), description="Engines and versions that the cloud offers, such as postgresql 16."
    )
    capabilities: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=64)] = Field(
        default=(), description="Capabilities of the region, in the API's words."
    )
    limits: Annotated[tuple[LimitStatus, ...], Field(max_length=64)] = Field(
        default=(), description="How much CPU, memory and disk a node of each engine may have."
    )
    quotas: Annotated[tuple[QuotaStatus, ...], Field(max_length=64)] = Field(
        default=(), description="The project's quotas, and how much of them is used; up to ten minutes old."
    )
    in_use: Annotated[tuple[UseStatus, ...], Field(max_length=64)] = Field(
        default=(),
        description="The kinds of which there are resources, in any project. The admission policy that refuses to delete a "
        "CustomResourceDefinition in use reads this field.",
    )


KIND = Kind(
    name="DatabaseProject",
    plural="databaseprojects",
    short_names=("dbproject",),
    namespaced=False,
    begun="has(oldSelf.status) && has(oldSelf.status.region)",  # the API of that region has answered
    spec=DatabaseProjectSpec,
    status=DatabaseProjectStatus,
    columns=(
        *STATE,
        Column("Region", ".spec.region"),
        Column("Default", ".spec.default", "boolean"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        MESSAGE,
        Column("Project", ".status.projectID", wide=True),
    ),
)
