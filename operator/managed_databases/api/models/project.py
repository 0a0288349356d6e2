"""What is the project's: actions, metrics tokens, capabilities, limits and quotas."""

from managed_databases.api.models.base_models import CloudObject, RequestModel, Time, Undocumented
from managed_databases.api.secrets import Secret


class Action(CloudObject):
    """One change of a datastore, as the API reports it. The fields are assumed from the reference's filters."""

    name: str | None = None
    datastore_id: str | None = None
    request_id: str | None = None
    started_at: Time | None = None
    finished_at: Time | None = None


class MetricsToken(CloudObject):
    """A token for Prometheus. `value` is returned on every read; it is shown as asterisks everywhere."""

    NEVER_EMPTY = frozenset({"value"})
    NEVER_NULL = CloudObject.NEVER_NULL | NEVER_EMPTY

    name: str
    value: Secret | None = None


class NewMetricsToken(RequestModel):
    """`name`: 1 to 255 characters."""

    name: str


class MetricsTokenName(RequestModel):
    name: str


class Capability(Undocumented):
    """A feature, and whether the region has it."""


class Limit(Undocumented):
    """The limits of a datastore type: least and most vCPUs, RAM and local disk, and the rules of their multipliers."""


class Quota(Undocumented):
    """The quotas of the project: datastores, vCPUs, RAM and storage, each with what is used and the limit."""
