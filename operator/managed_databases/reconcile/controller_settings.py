"""The controller's settings. Those that people can set have the same names in `settings.py`, which takes the defaults from here;
the others are for tests.
"""

from dataclasses import dataclass

from managed_databases.reconcile.scheduling.work_queue import GROUP_LIMIT


@dataclass(frozen=True)
class ControllerSettings:
    """The settings of the controller. Durations are seconds of the controller's clock; only `call_limit_seconds` is real time."""

    operator_namespace: str = "managed-databases-system"
    """The namespace from which the credentials Secrets and the CA ConfigMaps of projects are read."""
    poll_seconds: float = 60.0
    """Seconds between two LISTs of a collection at rest; a DatabaseProject may set its own."""
    pending_poll_seconds: float = 3.0
    """Seconds between two LISTs of a collection in which something is pending."""
    pending_limit_seconds: float = 3600.0
    """Seconds that a cloud object may be pending before its resource says PendingTooLong."""
    resync_seconds: float = 600.0
    """Seconds after which a resource gets a pass again, although nothing has woken it."""
    min_backoff_seconds: float = 2.0
    """Seconds of the shortest pause after a failure."""
    call_limit_seconds: float = 30.0
    """Real seconds that one call to the API may take in all."""
    settle_margin_seconds: float = 30.0
    """Seconds for which a call of unknown outcome may still take effect after `call_limit_seconds` have passed."""
    catalogue_seconds: float = 600.0
    """Seconds between two readings of what the cloud offers."""
    actions_seconds: float = 10.0
    """Seconds between two readings of the actions of a datastore that is pending."""
    probe_seconds: float = 30.0
    """Seconds between two calls to an API that does not answer."""
    circuit_threshold: int = 5
    """The number of calls in a row without a clear answer after which the API counts as not answering."""
    workers: int = 128
    """Passes at a time. A quarter more is kept for projects and namespaces that have no pass under way."""
    datastore_workers: int = GROUP_LIMIT
    """Passes at a time over resources of one datastore."""
    calls_per_second: float = 20.0
    """Calls to one project's API in each second, on average."""
    call_burst: int = 40
    """Calls to one project's API that may follow one another without a pause after a time without calls."""
    max_connections: int = 16
    """Calls that passes may have under way at a time to one project's API."""
    max_readings: int = 3
    """Readings of single objects that passes may have under way at a time to one project's API. The API has answered 5xx to some
    ten readings at a time (docs/api-facts.md); with one in spare for other namespaces and those for all resources they stay
    below that.
    """
    spare_connections: int = 4
    """Further calls at a time to one project's API, kept for namespaces that have no call under way."""
    own_connections: int = 4
    """Further calls at a time to one project's API, for what the operator reads for all resources (lists, catalogue)."""
    trust_project_addresses: bool = False
    """Believe the identity service and the endpoint in the spec of a project whose Secret names no address."""
    accept_unlabelled_passwords: bool = False
    """Take a password that a resource refers to also from a Secret that has no label saying that it may be given."""

    @property
    def connections(self) -> int:
        """Return how many calls to one project's API may be under way at a time, in all."""
        return self.max_connections + self.spare_connections + self.own_connections
