"""`DatabaseProject`: a cloud project - its endpoint, its credentials, and which namespaces may use it."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from managed_databases.kinds.kind import Kind
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
Power = Literal["adopt", "metrics"]
Port = Annotated[int, Field(ge=1, le=65535)]
NAMESPACE_PREFIX = r"^([A-Za-z0-9_-]|\{namespace\})+$"


class LabelSelector(Spec):
    """Namespaces by their labels; all of `matchLabels` must match."""

    match_labels: Annotated[dict[LabelText, LabelText], Field(min_length=1, max_length=64)] = Field(
        description="Labels and the values that a namespace must have."
    )


class AllowedNamespace(Spec):
    """Namespaces that may use the project, by name or by labels, and what more they may do."""

    model_config = rules(Rule("has(self.name) != has(self.selector)", "say exactly one of name and selector"))

    name: NamespaceOrAll | None = Field(default=None, description="A namespace's name; `*` means every namespace.")
    selector: LabelSelector | None = Field(
        default=None,
        description="Every namespace with these labels. Who may label a namespace of theirs can so let it in: prefer `name`.",
    )
    powers: Annotated[tuple[Power, ...], Field(max_length=2)] = Field(
        default=(),
        description="adopt: take over cloud objects that nobody holds, and refer to them by id. "
        "metrics: create Prometheus metrics tokens, which are valid for the whole project.",
    )
    name_prefix: Annotated[str, Field(pattern=NAMESPACE_PREFIX, max_length=64)] | None = Field(
        default=None,
        description="How the names of new datastores and metrics tokens of these namespaces begin, as these names are the "
        "whole project's: `shop-`, or `{namespace}_` with the namespace's own name. Absent: any name.",
    )


class ConfigMapKeyRef(Spec):
    """One key of a ConfigMap in the operator's namespace."""

    name: ObjectName = Field(description="The ConfigMap's name.")
    key: Annotated[DataKey, Field(description="The key in the ConfigMap's data.")] = "ca.crt"


class PollSecondsOf(Spec):
    """Intervals by the API's collections."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, PollSeconds]

    def of(self, collection: str) -> int | None:
        """`collection` as the API's path names it; None when nothing is said of it."""
        return self.__pydantic_extra__.get(_field_of(collection))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A field for each collection that a kind has."""
        schema = dict(handler(core))
        seconds = schema.pop("additionalProperties")
        names = {kind.collection.name: kind.name for kind in cloud_kinds(kinds()).values()}
        in_order = sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
        fields = {_field_of(name): seconds | {"description": f"Of {names[name]}s."} for name in in_order}
        return schema | {"properties": fields}


def _field_of(collection: str) -> str:
    return to_camel(collection.replace("-", "_"))


_FIRST: Final = (
    *("datastores", "databases", "users", "grants", "extensions", "logical-replication-slots", "topics", "acls"),
    "prometheus-metrics-tokens",
)
"""In this order the CustomResourceDefinition has shown these from the beginning; those of newer kinds follow by name."""


class Ports(Spec):
    """The ports that credentials Secrets name. The API does not tell them; these are the provider's usual ones."""

    postgresql: Port = Field(default=5432, description="PostgreSQL.")
    postgresql_pooler: Port = Field(default=5433, description="PostgreSQL's connection pooler.")
    mysql: Port = Field(default=3306, description="MySQL.")
    redis: Port = Field(default=6380, description="Redis (TLS).")
    kafka: Port = Field(default=9093, description="Kafka (SASL).")


class DatabaseProjectSpec(Spec):
    """A cloud project."""

    model_config = rules(
        unchangeable("namePrefix", "the prefix is part of every cloud name: make another DatabaseProject"),
        unchangeable("projectID", "resources are pinned to this project: make another DatabaseProject"),
    )

    identity_url: Url | None = Field(
        default=None,
        alias="identityURL",
        description="The identity service (Keystone v3), as the Secret says it (OS_AUTH_URL): another one is refused. "
        "It need not be said here.",
    )
    endpoint: Url | None = Field(
        default=None,
        description="The Managed Databases API, if it shall not be looked up in the identity service's catalogue: one that "
        "is in it, or the one that the Secret says (INFRA_DATABASES_ENDPOINT). Others are refused.",
    )
    region: Annotated[str, one_word(64), Rule(IMMUTABLE, "resources are pinned to this region")] = Field(
        description="The region of the cloud, such as region-1."
    )
    project_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$", max_length=32)] | None = Field(
        default=None, alias="projectID", description="Compared with the token's project: nothing is done if it differs."
    )
    credentials_secret_ref: NameReference = Field(
        description="The Secret in the operator's namespace: OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME (or "
        "OS_DOMAIN_NAME), INFRA_PROJECT_ID and OS_AUTH_URL; or OS_TOKEN for a static token, with OS_AUTH_URL or "
        "INFRA_DATABASES_ENDPOINT. Its annotation manageddatabases.io/projects may name the projects that may use it."
    )
    default: bool | None = Field(
        default=None, description="Used by resources without projectRef when exactly one project says so."
    )
    allowed_namespaces: Annotated[tuple[AllowedNamespace, ...], Field(max_length=256)] = Field(
        default=(), description="Namespaces that may use the project; with none of them nobody may."
    )
    name_prefix: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_-]*$", max_length=32)] | None = Field(
        default=None,
        description="Put before the name of every datastore and metrics token; keeps two Kubernetes clusters apart.",
    )
    ca_certificate: ConfigMapKeyRef | None = Field(
        default=None,
        alias="caCertificate",
        description="The provider's root certificate (PEM); copied into every credentials Secret as ca.crt.",
    )
    ports: Ports | None = None
    poll_seconds: PollSeconds | None = Field(
        default=None, description="Seconds between two LISTs of a collection at rest (default 60)."
    )
    poll_seconds_of: PollSecondsOf | None = Field(
        default=None, description="The same for single collections, in place of pollSeconds."
    )


class QuotaStatus(Spec):
    """One quota of the project: `ram` in MB, `disk` in GB."""

    name: Annotated[str, Field(max_length=128, description="What is counted, as the API names it.")]
    used: int = Field(description="How much of it the project has.")
    limit: int = Field(description="How much of it the project may have.")


class RangeStatus(Spec):
    """What one node may have."""

    min: int | None = Field(default=None, description="The least.")
    max: int | None = Field(default=None, description="The most.")


class LimitStatus(Spec):
    """An engine's limits for one node: `ram` in MB, `disk` in GB."""

    engine: Annotated[str, Field(max_length=128, description="The engine's type.")]
    vcpus: RangeStatus | None = None
    ram: RangeStatus | None = None
    disk: RangeStatus | None = None


class UseStatus(Spec):
    """What one installation of the operator has to look after."""

    operator_namespace: Annotated[str, Field(max_length=63, description="The installation's namespace.")]
    kinds: Annotated[tuple[Annotated[str, Field(max_length=63)], ...], Field(max_length=64)] = Field(
        description="The kinds of which there are resources that it serves."
    )
    seal_key: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="The id of the key that it proves ownership with: a key that is lost is noticed by it.",
    )


class OddRowsStatus(Spec):
    """Rows of one collection that the operator cannot read whole."""

    collection: Annotated[str, Field(max_length=64, description="The API's name of it.")]
    rows: int = Field(description="How many rows of the last list.")
    why: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=5)] = Field(
        default=(), description="What is wrong with them: a field, and how it differs from what is expected."
    )


class ReachedStatus(Spec):
    """The API that the project's objects were last seen at."""

    endpoint: Annotated[str, Field(max_length=2048, description="Its address.")]
    access: Annotated[str, Field(max_length=128, description="The version of what says how to get there.")]


class DatabaseProjectStatus(Status):
    project_id: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, alias="projectID", description="The cloud project's id."
    )
    region: Annotated[str | None, Field(max_length=64)] = Field(
        default=None, description="The region whose API answers."
    )
    endpoint: Annotated[str | None, Field(max_length=2048)] = Field(
        default=None, description="The Managed Databases API that is used."
    )
    reached: ReachedStatus | None = Field(
        default=None,
        description="Where an object of the project has answered last. After a change of the endpoint, the identity "
        "service or the Secret nothing is done until one answers again.",
    )
    odd_rows: Annotated[tuple[OddRowsStatus, ...], Field(max_length=16)] = Field(
        default=(),
        description="What cannot be read whole of what the API lists; what cannot be read counts as not told.",
    )
    engines: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=200)] = Field(
        default=(), description="Engines and versions on offer, such as postgresql 16."
    )
    capabilities: Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=64)] = Field(
        default=(), description="What the region supports."
    )
    limits: Annotated[tuple[LimitStatus, ...], Field(max_length=64)] = Field(
        default=(), description="What a node of each engine may have."
    )
    quotas: Annotated[tuple[QuotaStatus, ...], Field(max_length=64)] = Field(
        default=(), description="What is used of the project and how much may be; up to ten minutes old."
    )
    in_use: Annotated[tuple[UseStatus, ...], Field(max_length=64)] = Field(
        default=(),
        description="The kinds of which there are resources, whatever their project. The policy that keeps "
        "CustomResourceDefinitions from being deleted reads it.",
    )


KIND = Kind(
    name="DatabaseProject",
    plural="databaseprojects",
    short_names=("dbproject",),
    namespaced=False,
    spec=DatabaseProjectSpec,
    status=DatabaseProjectStatus,
    columns=(
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
        Column("Region", ".spec.region"),
        Column("Default", ".spec.default", "boolean"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Message", ".status.conditions[?(@.type=='Ready')].message", wide=True),
        Column("Project", ".status.projectID", wide=True),
    ),
)
