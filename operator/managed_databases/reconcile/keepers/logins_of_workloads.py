"""Which login a workload has: a hash of it, in an annotation of its Pods and in the resource's status."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson
from pydantic import SecretStr

from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.ports import Workload

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""As `kubectl rollout restart` writes it."""
_MARK: Final = f"restarted-for.{GROUP}/"
_PURPOSE: Final = "restarts of workloads"


def login_digest(seals: Seals, namespace: str, secret: str, login: Mapping[str, SecretStr | None]) -> str:
    """Return `KEYID.MAC` of a login. It outlives a restore, after which resources have other uids; without the operator's key
    nothing follows from it.
    """
    assert seals.key is not None
    told = {name: None if value is None else value.get_secret_value() for name, value in login.items()}
    message = orjson.dumps([namespace, secret, told], option=orjson.OPT_SORT_KEYS)
    return f"{seals.key.id}.{seals.key.mac(_PURPOSE, message).hex()[:32]}"


def is_changed(since: str | None, digest: str) -> bool:
    """Return whether the login is another one than the workloads have. What was never noted, or was noted with another key of the
    operator, cannot be compared: what is there now counts as what they have.
    """
    return since is not None and since != digest and since.partition(".")[0] == digest.partition(".")[0]


def mark(secret: str) -> str:
    """Return the annotation of Pods that has the hash of the login in this Secret which they were restarted for."""
    return _MARK + (secret if len(secret) <= 63 else hashlib.sha256(secret.encode()).hexdigest()[:32])


def seconds_since_restart(workload: Workload, now: datetime) -> float:
    """Return how long ago the workload was restarted, by its annotation; 0 if that says no time, or one that is still to come."""
    try:
        at = datetime.fromisoformat(workload.annotations.get(RESTARTED_AT, ""))
    except ValueError:
        return 0
    return 0 if at.tzinfo is None else max(0, (now - at).total_seconds())


def needs_restart(workload: Workload, secret: str, digest: str, restarted: set[tuple[str, str]]) -> bool:
    """Return whether neither the workload nor this process says that it was restarted for this login. A tool that takes the
    annotation away has replaced the Pods itself.
    """
    return workload.annotations.get(mark(secret)) != digest and (workload.kind, workload.name) not in restarted
