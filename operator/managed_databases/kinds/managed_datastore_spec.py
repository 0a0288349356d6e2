"""The spec of a `ManagedDatastore`: its fields, and the rules that the API server checks."""

from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import override

from managed_databases.kinds.credentials_spec import CredentialsSpec, one_name, secret_name_of
from managed_databases.kinds.datastore_service import ServiceSpec
from managed_databases.kinds.parameter_values import ParameterValues
from managed_databases.kinds.references import DatastoreRef
from managed_databases.kinds.rollout_restart import DESCRIPTION as RESTART_TARGETS
from managed_databases.kinds.rollout_restart import RestartTarget, RestartTargets
from managed_databases.kinds.schema import IMMUTABLE, Rule, Spec, rules, unchangeable
from managed_databases.kinds.shared_fields import (
    CloudSpec,
    NamespaceName,
    ObjectName,
    RoleName,
    SecretKeyRef,
    SecretName,
    Uuid,
    one_line,
    one_word,
)

_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
Address = Annotated[
    str, Field(pattern=rf"^{_OCTET}(\.{_OCTET}){{3}}(/(3[0-2]|[12]?[0-9]))?$", min_length=7, max_length=18)
]
DiskType = Annotated[str, one_word(64)]
SecurityGroups = Annotated[
    tuple[Uuid, ...],
    Field(max_length=32),
    Rule(
        "self.size() > 0",
        "an empty list would mean no security group, and a datastore always has at least one: name those that it shall "
        "have, or leave securityGroups out, and they stay as they are",
    ),
    Rule("self.all(one, self.exists_one(other, other == one))", "each security group stands here once"),
]


class EngineSpec(Spec):
    """An engine and a version, as the project's catalogue names them."""

    type: Annotated[str, one_word(64), Field(description="For example postgresql, mysql, redis, kafka.")]
    version: Annotated[str, one_word(64), Field(description='For example "16".')]


class FlavorSpec(Spec):
    """The size of each node: given by numbers, or as a flavor of the catalogue by its name or its id."""

    model_config = rules(
        Rule(
            "[has(self.vcpus) || has(self.ramMB) || has(self.diskGB) || has(self.diskType), has(self.name), "
            "has(self.id)].exists_one(way, way)",
            "say exactly one of the numbers (vcpus, ramMB, diskGB), name and id",
        ),
        Rule("has(self.vcpus) == has(self.ramMB)", "a size by numbers needs vcpus and ramMB"),
        Rule("has(self.vcpus) || !(has(self.diskGB) || has(self.diskType))", "a disk needs vcpus and ramMB beside it"),
        unchangeable("diskType", "the API can never change a disk's type: make another datastore"),
    )

    vcpus: Annotated[int, Field(ge=1, le=1024)] | None = Field(default=None, description="The number of a node's CPUs.")
    ram_mb: Annotated[int, Field(ge=1, le=16777216)] | None = Field(
        default=None, alias="ramMB", description="A node's memory in MB."
    )
    disk_gb: Annotated[int, Field(ge=1, le=1048576)] | None = Field(
        default=None, alias="diskGB", description="A node's disk in GB."
    )
    disk_type: DiskType | None = Field(default=None, description="The type of a node's disk: local or network-ultra.")
    name: Annotated[str, one_line(255)] | None = Field(
        default=None, description="The name of a flavor of the catalogue."
    )
    id: Uuid | None = Field(default=None, description="The id of a flavor of the catalogue.")


class DiskSpec(Spec):
    """A network disk, for a flavor that has none of its own."""

    type: Annotated[DiskType, Rule(IMMUTABLE, "the API can never change a disk's type: make another datastore")] = (
        Field(description="For example network-ultra.")
    )
    size_gb: Annotated[
        int,
        Field(ge=1, le=1048576, alias="sizeGB", description="The disk's size in GB. It can only grow."),
        Rule("self >= oldSelf", "the API cannot shrink a disk"),
    ]


class PoolerSpec(Spec):
    """The connection pooler of PostgreSQL. When it is removed from the spec, the pooler gets the API's defaults again."""

    model_config = rules(Rule("has(self.mode) || has(self.size)", "say mode or size: an empty pooler says nothing"))

    mode: Literal["session", "transaction", "statement"] | None = Field(
        default=None, description="For how long a client keeps its connection to the database."
    )
    size: Annotated[int, Field(ge=1, le=500)] | None = Field(
        default=None, description="How many connections to the database the pool has."
    )


class FloatingIPsSpec(Spec):
    """Public addresses by role. A role that is absent is not managed; addresses change only when this field changes."""

    model_config = rules(Rule("has(self.master) || has(self.replicas)", "say master or replicas"))

    master: bool | None = Field(default=None, description="Whether the master has a public address.")
    replicas: Annotated[int, Field(ge=0, le=63)] | None = Field(
        default=None, description="How many replicas have a public address."
    )


class LogExportSpec(Spec):
    """Where the datastore's logs go. When this is removed from the spec, the export is turned off."""

    log_group: Annotated[
        str,
        Field(
            pattern=r"^s/dbaas/[A-Za-z0-9_\-/.#]*$",
            max_length=512,
            description="The log group's name; it starts with s/dbaas/.",
        ),
    ]


class RestoreSpec(Spec):
    """The backup that a new datastore begins with. Only the creation reads this field."""

    datastore_ref: DatastoreRef
    target_time: (
        Annotated[
            str,
            Field(
                pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$",
                max_length=40,
                description="The time to restore, with its time zone, for example 2026-01-31T12:00:00Z. Absent: the latest "
                "backup.",
            ),
        ]
        | None
    ) = None


class GuestRights(Spec):
    """What one of the allowed namespaces may do besides having objects of its own in the datastore."""

    namespace: NamespaceName = Field(description="One of allowedNamespaces.")
    restore: bool = Field(
        default=False,
        description="Whether the namespace may restore backups of this datastore into datastores of its own.",
    )
    topic_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]+$", min_length=1, max_length=249)] | None = Field(
        default=None,
        description="The prefix of the names of the namespace's topics. Its access rules may only be for topics with this "
        "prefix; without a prefix the namespace may have no access rules.",
    )
    databases: Annotated[tuple[ObjectName, ...], Field(max_length=16)] = Field(
        default=(),
        description="ManagedDatabases of the datastore's own namespace that resources of the guest's namespace may refer to, by "
        "the database's id in the cloud.",
    )
    roles: Annotated[tuple[RoleName, ...], Field(max_length=16)] = Field(
        default=(),
        description="Roles that users of the namespace may have. A role such as pg_read_all_data reaches every database of the "
        "datastore.",
    )


class RedisSpec(Spec):
    """The password of a Redis datastore, and the Secret for applications."""

    password_secret_ref: SecretKeyRef | None = Field(
        default=None, description="The Secret with a password of your own. Absent: the operator generates a password."
    )
    secret_name: SecretName | None = Field(
        default=None, description="The name of the credentials Secret for applications; by default `<resource>-redis`."
    )
    on_unknown_password: Literal["Refuse", "Reset"] = Field(
        default="Refuse",
        description="What to do when a datastore is adopted whose password is not known. Refuse: nothing, with the reason "
        "PasswordUnknown. Reset: set a new password.",
    )


class ManagedDatastoreSpec(CloudSpec):
    """A cluster of a database engine. Deleting it deletes everything in it."""

    model_config = rules(
        unchangeable("projectRef", "a datastore cannot move to another project"),
        unchangeable("restore", "a backup is restored into a new datastore only: make another one"),
        Rule(
            "has(self.disk) == has(oldSelf.disk)",
            "a disk can be neither added nor removed: the API can never change a disk's type",
        ),
        Rule(
            f"{secret_name_of('self', 'redis.secretName')} == {secret_name_of('oldSelf', 'redis.secretName')}",
            "redis.secretName cannot change: applications mount that Secret",
        ),
        one_name("redis.secretName"),
        Rule(
            "!has(self.rolloutRestart) || self.engine.type == 'redis'",
            "rolloutRestart is for a Redis: with other engines the users have Secrets",
        ),
        Rule(
            "!has(self.flavor.vcpus) || has(self.flavor.diskGB) || has(self.disk)",
            "a size by numbers needs a disk: flavor.diskGB, or disk",
        ),
        Rule(
            "!has(self.nodeCount) || self.engine.type != 'postgresql' || self.nodeCount <= 6",
            "PostgreSQL has 1 to 6 nodes",
        ),
        Rule(
            "!has(self.nodeCount) || !(self.engine.type in ['mysql_native', 'redis']) || self.nodeCount <= 3",
            "semi-synchronous MySQL and Redis have 1 to 3 nodes",
        ),
        Rule(
            "!has(self.nodeCount) || self.engine.type != 'mysql' || self.nodeCount in [1, 3]",
            "synchronous MySQL has 1 or 3 nodes: a majority must exist",
        ),
        Rule("!has(self.nodeCount) || self.engine.type != 'kafka' || self.nodeCount == 1", "Kafka has 1 node"),
        Rule(
            "self.engine.type != 'redis' || has(self.flavor.name) || has(self.flavor.id)",
            "the API takes Redis only with a flavor on offer: say flavor.name or flavor.id",
        ),
        Rule(
            "!has(self.pooler) || (self.engine.type.startsWith('postgresql') && !self.engine.version.endsWith('-1C'))",
            "only PostgreSQL has a pooler, and PostgreSQL for 1C has none",
        ),
        Rule("!has(self.backupRetentionDays) || self.engine.type != 'kafka'", "Kafka has no backups"),
        Rule("!has(self.restore) || self.engine.type != 'kafka'", "Kafka has no backups to restore"),
        Rule("!has(self.floatingIPs) || self.engine.type != 'kafka'", "Kafka has no floating IPs"),
        Rule(
            "!has(self.floatingIPs) || !has(self.floatingIPs.replicas) || !has(self.nodeCount) || "
            "self.floatingIPs.replicas < self.nodeCount",
            "floatingIPs.replicas can be at most nodeCount - 1: one node is the master",
        ),
        Rule("!has(self.redis) || self.engine.type == 'redis'", "redis is for the engine type redis only"),
        Rule(
            "!has(self.credentials) || self.engine.type == 'redis'",
            "credentials is for the engine type redis only: with other engines each DatabaseUser has credentials of its own",
        ),
    )

    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$", min_length=1, max_length=255)] | None = Field(
        default=None,
        description="The datastore's name in the cloud; by default metadata.name. The name can be changed.",
    )
    engine: Annotated[EngineSpec, Rule(IMMUTABLE, "the API can never change an engine: make another datastore")]
    flavor: FlavorSpec
    disk: DiskSpec | None = None
    node_count: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None,
        description="The number of nodes, including the master. Absent: a new datastore gets 1 node, and later the number is "
        "not managed.",
    )
    subnet_id: Annotated[Uuid, Rule(IMMUTABLE, "the API can never change a subnet: make another datastore")] = Field(
        alias="subnetID", description="The id of the subnet that the nodes are in."
    )
    config: ParameterValues | None = Field(
        default=None,
        description="Configuration parameters by name; text is accepted for every type. Only parameters that stand here are "
        "managed. A parameter that is removed from here is reset to its default once, if the operator has set it. Names have at "
        "most 128 characters, and the whole field at most 32 KiB as JSON.",
    )
    pooler: PoolerSpec | None = None
    security_groups: SecurityGroups | None = Field(
        default=None,
        description="Ids of the security groups of the datastore's ports, at least one. When this field is removed from the "
        "spec, the groups stay as they are.",
    )
    firewall: Annotated[tuple[Address, ...], Field(max_length=256)] | None = Field(
        default=None,
        description="IPv4 addresses and networks that may connect. An empty list lets nobody in. When this field is removed "
        "from the spec, the firewall is emptied once, if the operator has set it.",
    )
    floating_ips: FloatingIPsSpec | None = Field(
        default=None,
        alias="floatingIPs",
        description="Public addresses of the nodes. If the spec has a firewall, the nodes get their addresses once the firewall "
        "is applied. When this field is removed from the spec, the addresses stay, because nobody gets an address back that was "
        "given up; to give the addresses up, say master: false and replicas: 0.",
    )
    log_export: LogExportSpec | None = None
    backup_retention_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None,
        description="For how many days backups are kept. When this field is removed from the spec, the number stays as it is.",
    )
    restore: RestoreSpec | None = None
    redis: RedisSpec | None = None
    probe: bool | None = Field(
        default=None,
        description="Whether the datastore counts as Ready only once the operator itself has connected to it over TLS; it "
        "also logs in to a Redis. Absent: as the DatabaseProject says, which by default is no.",
    )
    credentials: CredentialsSpec | None = None
    rollout_restart: RestartTargets | None = Field(default=None, description=f"Of a Redis: {RESTART_TARGETS}")
    service: ServiceSpec | None = Field(
        default=None,
        description="Services in this namespace, by whose names Pods reach the datastore; `{}` is enough to have them. "
        "The operator needs a right for that, which the chart gives it with rbac.services.",
    )
    change_policy: Literal["Auto", "Approve"] = Field(
        default="Auto",
        description="Whether a change that interrupts users or cannot be taken back (fewer nodes, another flavor, a "
        "configuration that needs a restart, a public address given up) waits for the annotation "
        "manageddatabases.io/approve (Approve) or is made at once (Auto).",
    )
    deletion_protection: bool = Field(
        default=True, description="Whether Kubernetes and the cloud refuse to delete the datastore."
    )
    allowed_namespaces: Annotated[tuple[NamespaceName, ...], Field(max_length=256)] = Field(
        default=(),
        description="Other namespaces whose resources may refer to this datastore (guests). Guests may have objects of their own "
        "in the datastore; guestRights says what else they may do.",
    )
    guest_rights: Annotated[tuple[GuestRights, ...], Field(max_length=64)] = Field(
        default=(),
        description="Further rights of single namespaces of allowedNamespaces. A namespace that is not named here has none.",
    )

    def rights_of(self, namespace: str) -> GuestRights:
        """Return the rights of a guest namespace: the sum of its entries in `guest_rights`, and the first prefix of them.

        `allowed_namespaces` decides whether the namespace may use the datastore at all; this function does not look there.
        """
        told = [each for each in self.guest_rights if each.namespace == namespace]
        return GuestRights(
            namespace=namespace,
            restore=any(each.restore for each in told),
            topic_prefix=next((each.topic_prefix for each in told if each.topic_prefix), None),
            databases=tuple(name for each in told for name in each.databases),
        )

    @property
    @override
    def stated_name(self) -> str | None:
        return self.name

    @property
    @override
    def protects_itself(self) -> bool:
        return self.deletion_protection

    @property
    @override
    def asks_for_approval(self) -> bool:
        return self.change_policy == "Approve"

    @property
    @override
    def resets_unknown_password(self) -> bool:
        return self.redis is not None and self.redis.on_unknown_password == "Reset"

    @property
    @override
    def probes(self) -> bool | None:
        return self.probe

    @property
    @override
    def restarts(self) -> tuple[RestartTarget, ...]:
        return self.rollout_restart or ()

    @property
    @override
    def has_service(self) -> bool:
        return self.service is not None
