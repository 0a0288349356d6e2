"""What the controller is told when it is made. What people can set has the same name in `settings.py`, and its default from here;
the rest is for tests.
"""

from dataclasses import dataclass

from managed_databases.reconcile.scheduling.work_queue import GROUP_LIMIT


@dataclass(frozen=True)
class ControllerSettings:
    """Durations are seconds of the controller's clock, except `call_limit_seconds`, which is real time."""

    operator_namespace: str = "managed-databases-system"
    """Where projects' credentials Secrets and CA ConfigMaps are read."""
    poll_seconds: float = 60.0
    """Between two LISTs of a collection at rest; a project may say its own."""
    pending_poll_seconds: float = 3.0
    """Between two LISTs of a collection in which something is pending."""
    pending_limit_seconds: float = 3600.0
    """How long something may be pending before its resource says PendingTooLong."""
    resync_seconds: float = 600.0
    """Until a resource is looked at without a cause."""
    min_backoff_seconds: float = 2.0
    """The shortest pause after a failure."""
    call_limit_seconds: float = 30.0
    """How long one call to the API may take in all."""
    settle_margin_seconds: float = 30.0
    """How much longer than `call_limit_seconds` a call of unknown outcome may still take effect."""
    catalogue_seconds: float = 600.0
    """Between two readings of what the cloud offers."""
    actions_seconds: float = 10.0
    """Between two readings of a pending datastore's actions."""
    probe_seconds: float = 30.0
    """Between two calls to an API that does not answer."""
    circuit_threshold: int = 5
    """After so many calls in a row without a clear answer the API counts as not answering."""
    workers: int = 128
    """Passes at a time. A quarter more is kept for projects and namespaces that have none running."""
    datastore_workers: int = GROUP_LIMIT
    """Passes at a time for resources of one datastore."""
    calls_per_second: float = 20.0
    """Calls to one project's API, on average."""
    call_burst: int = 40
    """Calls to one project's API that may follow one another at once after a rest."""
    max_connections: int = 16
    """Calls of passes to one project's API at a time."""
    spare_connections: int = 4
    """Calls at a time, beside those, that are kept for namespaces that have none under way."""
    own_connections: int = 4
    """Calls at a time, beside those, for what the operator reads for all resources."""
    trust_project_addresses: bool = False
    """Believe the identity service and endpoint of a project's spec where its Secret names none."""
    accept_unlabelled_passwords: bool = False
    """Take passwords that are given from Secrets without the label as well."""

    @property
    def connections(self) -> int:
        """Calls to one project's API at a time, in all."""
        return self.max_connections + self.spare_connections + self.own_connections
