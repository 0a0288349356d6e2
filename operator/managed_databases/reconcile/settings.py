"""What can be tuned about the engine. The command line fills it in; the defaults are what a test starts from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineSettings:
    """All durations in seconds of the engine's clock, except `call_limit_seconds`, which is real time.

    `operator_namespace`: where the credentials Secrets and CA ConfigMaps of projects are read.
    `poll_seconds`: between two LISTs of a collection at rest (a project may say its own); `pending_poll_seconds`:
    while something in it is under way, for at most `pending_limit_seconds`: longer is news. `resync_seconds`: after which every resource is looked at again.
    `least_backoff_seconds`: the shortest pause after a failure. `call_limit_seconds`: one call to the cloud, in all.
    `settle_margin_seconds`: how much longer than that an attempt of unknown outcome may still take effect.
    `catalogue_seconds`: between two readings of what the cloud offers. `actions_seconds`: between two readings of a
    pending datastore's actions. `probe_seconds`: between two calls to an API that does not answer, once
    `circuit_threshold` calls in a row have failed. `workers`: passes at a time. `calls_per_second` and `call_burst`:
    of one project. `max_connections`: calls of passes to one project's API at a time; beside them `spare_connections` for
    namespaces that have none, and `own_connections` for what the operator reads for all. `trust_project_addresses`: an
    identity service or endpoint of a project's spec is believed where its Secret says none. `accept_unlabelled_passwords`:
    passwords are taken from Secrets without the label.
    """

    operator_namespace: str = "managed-databases-system"
    poll_seconds: float = 60.0
    pending_poll_seconds: float = 3.0
    pending_limit_seconds: float = 3600.0
    resync_seconds: float = 600.0
    least_backoff_seconds: float = 2.0
    call_limit_seconds: float = 30.0
    settle_margin_seconds: float = 30.0
    catalogue_seconds: float = 600.0
    actions_seconds: float = 10.0
    probe_seconds: float = 30.0
    circuit_threshold: int = 5
    workers: int = 128
    calls_per_second: float = 20.0
    call_burst: int = 40
    max_connections: int = 16
    trust_project_addresses: bool = False
    accept_unlabelled_passwords: bool = False
    spare_connections: int = 4
    own_connections: int = 4

    @property
    def connections(self) -> int:
        """To one project's API in all."""
        return self.max_connections + self.spare_connections + self.own_connections
