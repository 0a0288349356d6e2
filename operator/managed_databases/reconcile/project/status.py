"""Computes the whole `.status` of a `DatabaseProject` from the state of its session."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from managed_databases.api.models import Limit, Quota
from managed_databases.kinds.database_project import KIND
from managed_databases.kinds.project_limits import engines_with_limits, quota_lines, ranges, supported
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.polling import OddRows
from managed_databases.reconcile.project.reaching import Reached
from managed_databases.reconcile.report.conditions import Saying, conditions
from managed_databases.reconcile.report.truncate import fitting
from managed_databases.reconcile.told import without_absent
from managed_databases.visible import all_visible

NEEDS_A_PERSON = frozenset(
    {
        Reason.CREDENTIALS_INVALID,
        Reason.PROJECT_CHANGED,
        Reason.SECRET_MISSING,
        Reason.SNAPSHOT_TOO_LARGE,
        Reason.REFUSED,
        Reason.KUBERNETES_REFUSES,
        Reason.OPERATOR_DEFECT,
    }
)
LIMITS_SHOWN = 64
"""The most engines whose limits the status shows: its schema allows no more."""
_LIMITED = ("vcpus", "ram", "disk")


@dataclass(frozen=True)
class ObservedProject:
    """Everything that the status of a project depends on.

    `problem` holds back all calls. `note` is why the connection cannot be changed, while the old one is in use. `troubles` are
    the collections that cannot be listed. `unreachable`: the circuit is open; `answered`: the API has answered this process at
    least once. `kinds_in_use` are the kinds of which this installation, named by its namespace, serves resources. `unguarded`
    says why the policy on statuses is not in place; None if it is. `warning` says what must be changed before the next release.
    """

    view: ProjectView | None = None
    endpoint: str | None = None
    problem: Wait | Stall | None = None
    note: Wait | Stall | None = None
    troubles: tuple[tuple[Reason, str], ...] = ()
    unreachable: bool = False
    answered: bool = False
    quotas: tuple[Quota, ...] = ()
    operator_namespace: str = ""
    kinds_in_use: tuple[str, ...] = ()
    odd_rows: tuple[OddRows, ...] = ()
    reached: Reached | None = None
    unguarded: str | None = None
    seal_key: str | None = None
    warning: str | None = None


def project_status(resource: Resource, observed: ObservedProject, now: datetime) -> dict[str, Any]:
    """Return the whole new `.status`. It stays the same while nothing happens."""
    old, view = resource.status, observed.view
    whole: dict[str, Any] = {
        # What this process has found counts: another text there, whoever wrote it, would stop the project at the next start.
        "projectID": view.project_id if view else old.get("projectID"),
        "region": view.region if view else old.get("region"),
        "endpoint": observed.endpoint or old.get("endpoint"),
        "reached": asdict(observed.reached) if observed.reached else old.get("reached"),
        "oddRows": [
            {"collection": odd.collection, "rows": odd.rows, "why": list(odd.why)}
            for odd in observed.odd_rows
            if odd.rows
        ],
        **_offer(view, observed.quotas, old),
        "inUse": _uses(observed, old),
        "observedGeneration": resource.generation,
        "lastHandledSyncRequest": sync_request(resource.annotations) or old.get("lastHandledSyncRequest"),
        "conditions": conditions(old.get("conditions", ()), resource.generation, _says_all(resource, observed), now),
    }
    return without_absent(fitting(KIND.status)(all_visible(whole)))


def _offer(view: ProjectView | None, quotas: tuple[Quota, ...], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields about catalogue and quotas; as they were before while these are not read."""
    if view is None or not view.catalogue.known:
        return {field: old.get(field) for field in ("engines", "capabilities", "limits", "quotas")}
    return {
        "engines": engines(view),
        "capabilities": list(supported(view.catalogue.capabilities)) or old.get("capabilities"),
        "limits": _limits(view.catalogue.limits) or old.get("limits"),
        "quotas": [asdict(line) for line in quota_lines(quotas)] or old.get("quotas"),
    }


def _uses(observed: ObservedProject, old: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return `status.inUse`. Several installations may share a cluster's projects: each changes only its own entry."""
    others = [use for use in old.get("inUse") or () if use["operatorNamespace"] != observed.operator_namespace]
    key = {"sealKey": observed.seal_key} if observed.seal_key else {}
    ours = [{"operatorNamespace": observed.operator_namespace, "kinds": list(observed.kinds_in_use)} | key]
    return (
        sorted([*others, *(ours if observed.kinds_in_use else ())], key=lambda use: str(use["operatorNamespace"]))
        or None
    )


def _limits(rows: tuple[Limit, ...]) -> list[dict[str, Any]]:
    return [
        {"engine": engine}
        | {
            name: without_absent({"min": found.least, "max": found.most})
            for name, found in sorted(ranges(rows, engine).items())
            if name in _LIMITED
        }
        for engine in engines_with_limits(rows)[:LIMITS_SHOWN]
    ]


def engines(view: ProjectView) -> list[str]:
    """Return the engines and versions of the catalogue, such as "postgresql 16"."""
    return sorted({f"{type_.engine} {type_.version}" for type_ in view.catalogue.types})


def _says_all(resource: Resource, observed: ObservedProject) -> dict[str, Saying]:
    beside: dict[str, Saying] = {}
    if observed.unguarded is not None:
        beside["StatusUnguarded"] = (True, Reason.STATUS_UNGUARDED, observed.unguarded)
    return _says(resource, observed) | beside


def _says(resource: Resource, observed: ObservedProject) -> dict[str, Saying]:
    if observed.problem is not None:
        why: Saying = (False, observed.problem.reason, observed.problem.message)
        stalled = _needs_a_person(observed.problem)
        return _frame(why, why, stalled=stalled)
    if observed.unreachable:
        message = (
            f"the API at {observed.endpoint} does not answer: check the network and the provider's status page; it is "
            "asked again now and then, and nothing is changed meanwhile"
        )
        silent: Saying = (False, Reason.UNREACHABLE, message)
        return _frame(silent, silent, stalled=False)
    ready = _ready(resource, observed)
    if observed.note is not None:
        return _frame(
            ready, (False, observed.note.reason, observed.note.message), stalled=_needs_a_person(observed.note)
        )
    if observed.troubles:
        return _frame(ready, (False, *observed.troubles[0]), stalled=observed.troubles[0][0] in NEEDS_A_PERSON)
    if not observed.answered and not _was_in_sync(resource):
        return _frame(ready, (False, Reason.LOOKING, "waits for the API's first answer"), stalled=False)
    read = "the project's collections are read" + ("" if observed.warning is None else f"; {observed.warning}")
    return _frame(ready, (True, Reason.IN_SYNC, read), stalled=False)


def _needs_a_person(why: Wait | Stall) -> bool:
    return isinstance(why, Stall) or why.reason in NEEDS_A_PERSON


def _ready(resource: Resource, observed: ObservedProject) -> Saying:
    """Return the condition `Ready`. Before the API's first answer to this process it stays as the last process wrote it."""
    if observed.answered:
        return True, Reason.READY, "the API answers"
    before = next((c for c in resource.status.get("conditions", ()) if c.get("type") == "Ready"), None)
    if before is not None and before.get("status") == "True":
        return True, Reason.READY, "the API answers"
    return False, Reason.LOOKING, "waits for the API's first answer"


def _was_in_sync(resource: Resource) -> bool:
    """Return whether an earlier process wrote `Synced` True, which counts until the API has answered this process."""
    return any(
        (condition.get("type"), condition.get("status"), condition.get("observedGeneration"))
        == ("Synced", "True", resource.generation)
        for condition in resource.status.get("conditions", ())
    )


def _frame(ready: Saying, synced: Saying, *, stalled: bool) -> dict[str, Saying]:
    _, reason, message = synced
    under_way = synced[0] is not True and not stalled
    return {
        "Ready": ready,
        "Synced": synced,
        "Reconciling": (under_way, reason, message),
        "Stalled": (stalled, reason, message),
    }
