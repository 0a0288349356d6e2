"""What the status of a `ManagedDatastore` tells beyond the frame."""

from typing import Annotated

from pydantic import Field

from managed_databases.kinds.schema import Spec
from managed_databases.kinds.shared_fields import CloudStatus

Text = Annotated[str, Field(max_length=256)]
Moment = Annotated[str, Field(max_length=40)]


class DatastoreEndpoints(Spec):
    """Where to connect."""

    read_write: Text | None = Field(default=None, description="The host to write to.")
    read_only: Text | None = Field(default=None, description="The host to read from.")
    port: int | None = Field(default=None, description="The port of both hosts.")
    pooler: Text | None = Field(default=None, description="Host and port of the connection pooler.")
    pooler_port: int | None = Field(default=None, description="The connection pooler's port.")
    public_read_write: Text | None = Field(default=None, description="The master's public address.")
    public_read_only: Annotated[tuple[Text, ...], Field(max_length=64)] | None = Field(
        default=None, description="The replicas' public addresses."
    )


class InstanceStatus(Spec):
    """One node."""

    role: Text | None = Field(default=None, description="What the node is in the cluster, such as MASTER.")
    zone: Text | None = Field(default=None, description="The availability zone.")
    status: Text | None = Field(default=None, description="The node's status, as the API tells it.")
    ip: Text | None = Field(default=None, description="The address in the subnet.")
    floating_ip: Text | None = Field(default=None, alias="floatingIP", description="The public address.")


class FloatingIPsStatus(Spec):
    """The wish that was fulfilled last. As long as the spec says the same, no address is changed."""

    master: bool | None = Field(default=None, description="Whether the master was to have one.")
    replicas: int | None = Field(default=None, description="How many replicas were to have one.")


class ActionStatus(Spec):
    """One thing that the cloud did, or is doing."""

    name: Text | None = Field(default=None, description="What is done, such as create_datastore.")
    status: Text | None = Field(default=None, description="How far it is, such as PENDING or DONE.")
    started_at: Moment | None = Field(default=None, description="When it began, as the API tells it.")
    finished_at: Moment | None = Field(default=None, description="When it ended, as the API tells it.")
    request_id: Text | None = Field(
        default=None,
        alias="requestID",
        description="The request that it follows from; the provider's support asks for it.",
    )


class ManagedDatastoreStatus(CloudStatus):
    engine: Text | None = Field(default=None, description="The engine and its version, such as postgresql 16.")
    node_count: int | None = Field(default=None, description="How many nodes there are.")
    flavor: Text | None = Field(default=None, description="The size of each node.")
    endpoints: DatastoreEndpoints | None = None
    floating_ips: FloatingIPsStatus | None = Field(
        default=None, alias="floatingIPs", description="What the spec asked for when addresses were last as asked."
    )
    guard: Annotated[str | None, Field(max_length=64)] = Field(
        default=None,
        description="Which firewall was last seen or set as the spec says. While the API tells of none it is not set again.",
    )
    instances: Annotated[tuple[InstanceStatus, ...], Field(max_length=64)] = Field(default=(), description="The nodes.")
    disk_used_percent: int | None = Field(
        default=None, description="In steps of 5, and slow to move back; a metric has the exact value."
    )
    actions: Annotated[tuple[ActionStatus, ...], Field(max_length=5)] = Field(
        default=(), description="The latest five, newest first."
    )
