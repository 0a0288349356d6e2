"""The status of a `ManagedDatastore`: its fields beside those that all kinds share."""

from typing import Annotated

from pydantic import Field

from managed_databases.kinds.schema import Spec
from managed_databases.kinds.shared_fields import CloudStatus

Text = Annotated[str, Field(max_length=256)]
Moment = Annotated[str, Field(max_length=40)]


class DatastoreEndpoints(Spec):
    """Where applications connect."""

    read_write: Text | None = Field(default=None, description="The host for reading and writing.")
    read_only: Text | None = Field(default=None, description="The host for reading.")
    port: int | None = Field(default=None, description="The port of both hosts.")
    pooler: Text | None = Field(default=None, description="Host and port of the connection pooler.")
    pooler_port: int | None = Field(default=None, description="The connection pooler's port.")
    public_read_write: Text | None = Field(default=None, description="The master's public address.")
    public_read_only: Annotated[tuple[Text, ...], Field(max_length=64)] | None = Field(
        default=None, description="The replicas' public addresses."
    )


class InstanceStatus(Spec):
    """One node."""

    role: Text | None = Field(default=None, description="The node's role in the cluster, such as MASTER.")
    zone: Text | None = Field(default=None, description="The node's availability zone.")
    status: Text | None = Field(default=None, description="The node's status, in the API's words.")
    ip: Text | None = Field(default=None, description="The node's address in the subnet.")
    floating_ip: Text | None = Field(default=None, alias="floatingIP", description="The node's public address.")


class FloatingIPsStatus(Spec):
    """The value of `spec.floatingIPs` that was fulfilled last. While the spec has the same value, no address is changed."""

    master: bool | None = Field(default=None, description="Whether the spec asked for a public address of the master.")
    replicas: int | None = Field(
        default=None, description="How many replicas were to have a public address by the spec."
    )


class ActionStatus(Spec):
    """One action of the cloud on the datastore."""

    name: Text | None = Field(default=None, description="The name of the action, such as create_datastore.")
    status: Text | None = Field(default=None, description="The state of the action, such as PENDING or DONE.")
    started_at: Moment | None = Field(default=None, description="When the action began, as the API tells it.")
    finished_at: Moment | None = Field(default=None, description="When the action ended, as the API tells it.")
    request_id: Text | None = Field(
        default=None,
        alias="requestID",
        description="The id of the request that caused the action; the provider's support asks for it.",
    )


class ManagedDatastoreStatus(CloudStatus):
    engine: Text | None = Field(default=None, description="The engine and its version, such as postgresql 16.")
    node_count: int | None = Field(default=None, description="How many nodes the datastore has.")
    flavor: Text | None = Field(default=None, description="The size of each node.")
    endpoints: DatastoreEndpoints | None = None
    floating_ips: FloatingIPsStatus | None = Field(
        default=None,
        alias="floatingIPs",
        description="The value of spec.floatingIPs that was fulfilled last. While the spec has the same value, no address is "
        "changed.",
    )
    guard: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="A digest of the firewall that the operator has last set, or has last seen to be as the spec says. If the "
        "API does not tell the firewall, the operator does not set the same firewall again.",
    )
    instances: Annotated[tuple[InstanceStatus, ...], Field(max_length=64)] = Field(default=(), description="The nodes.")
    disk_used_percent: int | None = Field(
        default=None,
        description="How full the disk is, in percent, in steps of 5; the step changes only when the exact value is more than 4 "
        "away from it. A metric has the exact value.",
    )
    services: Annotated[tuple[Text, ...], Field(max_length=16)] = Field(
        default=(),
        description="The Services that the operator keeps for spec.service, or is about to make or to remove.",
    )
    actions: Annotated[tuple[ActionStatus, ...], Field(max_length=5)] = Field(
        default=(), description="The latest five actions of the cloud on the datastore, newest first."
    )
