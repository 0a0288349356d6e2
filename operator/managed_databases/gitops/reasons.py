"""All reasons with the ways in which they come about, and what conditions, tools and the alert say then.

Only the ways are written by hand: the conditions are made by the functions that write them in the operator.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from managed_databases.api.collections import set_protection
from managed_databases.api.models import Database, Datastore, Instance, ProtectionChange
from managed_databases.gitops.argo_cd import Health, health
from managed_databases.gitops.kstatus import Word, kstatus
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.keeper_views import CopiesView, KeptViews, ProbeView, RestartView, ServicesView
from managed_databases.kinds.managed_database import KIND as DATABASE
from managed_databases.kinds.managed_database import ManagedDatabaseSpec
from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.managed_datastore_status import FloatingIPsStatus, ManagedDatastoreStatus
from managed_databases.kinds.observed import Observed, Presence, Referred
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.protection import ProtectedStatus
from managed_databases.kinds.verdicts import (
    Change,
    Create,
    Credentials,
    Done,
    LetGo,
    PasswordStep,
    Reason,
    Record,
    Stall,
    Step,
    Verdict,
    Wait,
)
from managed_databases.kube.metrics import state
from managed_databases.probe import Login, ProbeAnswer
from managed_databases.reconcile.annotations import PAUSED
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.project.project_status import ObservedProject, project_status
from managed_databases.reconcile.report.probed import REASONS
from managed_databases.reconcile.report.status import status
from managed_databases.reconcile.told import Told


class Way(Enum):
    """How a reason comes about, in words for people."""

    STEP = "a step is under way"
    WAIT = "it is waited for"
    STALL = "nothing goes on"
    DONE = "at rest"
    CLOUD = "the cloud says so"
    PARENT = "the cloud says so of what it needs"
    SIDE = "told besides"
    PROBE = "the operator cannot log in"
    PROBE_AT_FIRST = "the operator has not logged in yet"
    GOING_STEP = "deletion: a step is under way"
    GOING_WAIT = "deletion: it is waited for"
    GOING_STALL = "deletion: nothing goes on"
    PROJECT_FINE = "project: at rest"
    PROJECT_WAITS = "project: it is waited for"
    PROJECT_STALLS = "project: nothing goes on"
    PROJECT_CHANGE = "project: while the connection before still serves"
    PROJECT_LISTS = "project: a collection cannot be listed"
    PROJECT_SIDE = "project: told besides"


_S, _W, _X, _D = Way.STEP, Way.WAIT, Way.STALL, Way.DONE

WAYS: Final[Mapping[Reason, tuple[Way, ...]]] = {
    Reason.READY: (_S, _D, Way.PROJECT_FINE),
    Reason.IN_SYNC: (_D, Way.PROJECT_FINE),
    Reason.ABSENT: (_S,),
    Reason.CREATING: (_S,),
    Reason.FOUND: (_S, Way.GOING_STEP),
    Reason.ADOPTED: (_S,),
    Reason.LOOKING: (_W, Way.GOING_WAIT, Way.PROJECT_WAITS),
    Reason.NOT_TOLD: (_W, Way.SIDE),
    Reason.PENDING: (_W,),
    Reason.PENDING_TOO_LONG: (_X, Way.GOING_STALL),
    Reason.DRIFT: (_S, _D),
    Reason.RENAMING: (_S,),
    Reason.RESETTING: (_S,),
    Reason.ROTATING: (_S, _W),
    Reason.DELETING: (Way.GOING_STEP, Way.GOING_WAIT),
    Reason.RELEASED: (Way.GOING_STEP,),
    Reason.PAUSED: (_X, _D),
    Reason.PARENT_NOT_READY: (_W, Way.PARENT),
    Reason.PARENT_MISSING: (_W, _X),
    Reason.PROJECT_MISSING: (_W, _X, Way.GOING_WAIT),
    Reason.PROJECT_NOT_READY: (_W, Way.PROJECT_WAITS),
    Reason.SECRET_MISSING: (_W, _X, Way.PROJECT_STALLS, Way.PROJECT_CHANGE),
    Reason.BUSY: (_W,),
    Reason.RATE_LIMITED: (_W, Way.PROJECT_LISTS),
    Reason.UNREACHABLE: (_W, Way.PROJECT_WAITS, Way.PROJECT_CHANGE, Way.PROJECT_LISTS),
    Reason.IN_USE: (Way.GOING_WAIT,),
    Reason.INVALID: (_X,),
    Reason.INVALID_SPEC: (_X, Way.PROJECT_STALLS, Way.PROJECT_CHANGE),
    Reason.NOT_REVERSIBLE: (_X,),
    Reason.FORBIDDEN: (_X, Way.PROJECT_STALLS),
    Reason.NAME_NOT_ALLOWED: (_X,),
    Reason.ALREADY_EXISTS: (_X,),
    Reason.CONFLICT: (_X, Way.GOING_STALL),
    Reason.OWNERSHIP_NOT_PROVEN: (_X, Way.GOING_STALL),
    Reason.RESOURCE_CONFLICT: (_X,),
    Reason.NOT_ADOPTABLE: (_X,),
    Reason.NOTHING_TO_ADOPT: (_X,),
    Reason.AMBIGUOUS: (_X, Way.GOING_STALL),
    Reason.DUPLICATE_SUSPECTED: (_X,),
    Reason.GONE: (_S, _X),
    Reason.PROTECTED: (Way.GOING_STALL,),
    Reason.PROJECT_CHANGED: (_X, Way.PROJECT_STALLS),
    Reason.PARENT_CHANGED: (_X,),
    Reason.SECRET_CONFLICT: (_X,),
    Reason.PASSWORD_UNKNOWN: (_X,),
    Reason.PASSWORD_RESET: (_S,),
    Reason.APPROVAL_NEEDED: (_X,),
    Reason.DRIFT_FIGHT: (_X,),
    Reason.QUOTA_EXCEEDED: (_X,),
    Reason.GUARD_NEEDED: (_X,),
    Reason.NOT_SUPPORTED: (_X,),
    Reason.REFUSED: (_X, Way.PROJECT_LISTS),
    Reason.KUBERNETES_REFUSES: (_X, Way.GOING_STALL, Way.PROJECT_STALLS, Way.PROJECT_CHANGE),
    Reason.OPERATOR_DEFECT: (_X, Way.GOING_STALL, Way.PROJECT_STALLS),
    Reason.ERROR: (_X, Way.PARENT),
    Reason.DEGRADED: (Way.CLOUD,),
    Reason.DISK_FULL: (Way.CLOUD, Way.PARENT),
    Reason.DOWN: (Way.CLOUD, Way.PARENT),
    Reason.MAINTENANCE: (Way.SIDE,),
    Reason.FLOATING_IP_ON_OTHER_ROLE: (Way.SIDE,),
    Reason.CREDENTIALS_INCOMPLETE: (Way.SIDE,),
    Reason.RESTARTING: (Way.SIDE,),
    Reason.RESTART_INCOMPLETE: (Way.SIDE,),
    Reason.SERVICE_INCOMPLETE: (Way.SIDE,),
    Reason.COPY_REFUSED: (Way.SIDE,),
    Reason.COPY_INCOMPLETE: (Way.SIDE,),
    Reason.ODD_ANNOTATION: (Way.SIDE,),
    Reason.PROBING: (_W, Way.PROBE_AT_FIRST),
    Reason.NO_CONNECTION: (Way.PROBE_AT_FIRST, Way.PROBE),
    Reason.TLS_UNTRUSTED: (Way.PROBE_AT_FIRST, Way.PROBE),
    Reason.LOGIN_REFUSED: (Way.PROBE_AT_FIRST, Way.PROBE),
    Reason.CREDENTIALS_INVALID: (Way.PROJECT_STALLS, Way.PROJECT_CHANGE),
    Reason.ADDRESS_REFUSED: (_X, Way.PROJECT_STALLS),
    Reason.SNAPSHOT_TOO_LARGE: (Way.PROJECT_LISTS,),
    Reason.STATUS_UNGUARDED: (Way.PROJECT_SIDE,),
    Reason.CATALOGUES_INCOMPLETE: (Way.PROJECT_SIDE,),
}
"""One line for each reason. A new reason needs a line: take the ways of a reason that is decided in the same way."""

_PHASES: Final = {
    Reason.DISK_FULL: "DISK_FULL",
    Reason.DOWN: "DOWN",
    Reason.DEGRADED: "DEGRADED",
    Reason.ERROR: "ERROR",
    Reason.PENDING: "PENDING_UPDATE",
}
_PHASES_OF_WHAT_IT_NEEDS: Final = _PHASES | {Reason.PARENT_NOT_READY: "PENDING_DELETE"}
_ID: Final = "00000000-0000-4000-8000-00000000000a"
_SPEC: Final = {
    "engine": {"type": "postgresql", "version": "16"},
    "flavor": {"vcpus": 2},
    "subnetID": _ID,
    "floatingIPs": {"master": True},
}
_RESTARTS: Final = (Reason.RESTARTING, Reason.RESTART_INCOMPLETE)
_COPIES: Final = (Reason.COPY_REFUSED, Reason.COPY_INCOMPLETE)
_RESTARTED: Final = {"rolloutRestart": [{"kind": "Deployment", "name": "shop"}]}
_GENERATION: Final = 2
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
EXAMPLE_MESSAGE: Final = "what happened, and what to do"
_WAS_READY: Final = [{"type": "Ready", "status": "True", "reason": "Ready", "message": "usable"}]


@dataclass(frozen=True)
class Row:
    """One way in which a reason comes about. `resource` is an object as Kubernetes shows it, which was usable before if
    possible.
    """

    reason: Reason
    way: Way
    resource: Mapping[str, Any]
    before_it_was_usable: Mapping[str, Any] | None
    """The same for an object that was never usable; None if that is impossible."""

    def says(self, type_: str) -> str:
        """Return a condition's status; for `Ready` "stays" if it is as it was before."""
        now = _condition(self.resource, type_)
        if self.before_it_was_usable is None or type_ != "Ready":
            return now
        return now if now == _condition(self.before_it_was_usable, type_) else "stays"

    @property
    def kstatus(self) -> Word:
        return kstatus(self.resource)

    @property
    def argo_cd(self) -> Health:
        return health(self.resource)

    @property
    def alerts(self) -> bool:
        """Return whether the alert `ManagedDatabasesStalled` fires (docs/operating.md)."""
        return state(self.resource["status"]) == "stalled"


def rows() -> Iterator[Row]:
    """Yield the table. Raises KeyError for a reason without a line in WAYS."""
    for reason in Reason:
        for way in WAYS[reason]:
            if way.value.startswith("project"):
                yield Row(reason, way, _project(reason, way), None)
            elif way is Way.PARENT:
                yield Row(reason, way, _database(reason), None)
            else:
                may_be_young = way in (Way.STEP, Way.WAIT, Way.STALL)
                fresh = _datastore(reason, way, is_there=False) if may_be_young else None
                yield Row(reason, way, _datastore(reason, way, is_there=True), fresh)


def _condition(resource: Mapping[str, Any], type_: str) -> str:
    found: list[str] = [each["status"] for each in resource["status"]["conditions"] if each["type"] == type_]
    return found[0]


def _datastore(reason: Reason, way: Way, *, is_there: bool) -> dict[str, Any]:
    gone = reason is Reason.GONE
    going = way in (Way.GOING_STEP, Way.GOING_WAIT, Way.GOING_STALL)
    phase = _PHASES.get(reason, "ACTIVE")
    moved = reason is Reason.FLOATING_IP_ON_OTHER_ROLE
    master = Instance(id=_ID, role="MASTER", floating_ip=None)
    maintained = reason is Reason.MAINTENANCE
    external = Datastore(id=_ID, name="main", status=phase, instances=(master,), is_maintenance=maintained)
    annotations = {PAUSED: "true"} if reason is Reason.PAUSED else {}
    observed = Observed(
        namespace="default",
        name="main",
        uid="uid",
        generation=_GENERATION,
        annotations=annotations,
        deleting=going,
        spec=ManagedDatastoreSpec.model_validate(_SPEC | (_RESTARTED if reason in _RESTARTS else {})),
        status=ManagedDatastoreStatus(
            id=_ID if is_there else None, floating_ips=FloatingIPsStatus(master=True) if moved else None
        ),
        external=external if is_there and not gone else None,
        presence=Presence(is_gone=gone),
        held_secret=HeldSecret(left_out=("",)) if reason is Reason.CREDENTIALS_INCOMPLETE else HeldSecret(),
        kept=_kept(reason, way),
        odd_annotations=EXAMPLE_MESSAGE if reason is Reason.ODD_ANNOTATION else None,
    )
    conditions = [] if way is Way.PROBE_AT_FIRST else _WAS_READY
    old = {"id": _ID, "conditions": conditions} if is_there else {}
    metadata: dict[str, Any] = {"name": "main", "namespace": "default", "generation": _GENERATION}
    metadata |= {"annotations": annotations} if annotations else {}
    metadata |= {"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {}
    return {
        "apiVersion": "manageddatabases.io/v1alpha1",
        "kind": "ManagedDatastore",
        "metadata": metadata,
        "status": status(DATASTORE, observed, _verdict(reason, way), Told(old), _NOW),
    }


def _kept(reason: Reason, way: Way) -> KeptViews:
    return KeptViews(
        probe=_probe(reason, way),
        restart=RestartView(is_known=True, told=(reason, EXAMPLE_MESSAGE)) if reason in _RESTARTS else None,
        services=ServicesView(is_known=True, told=EXAMPLE_MESSAGE) if reason is Reason.SERVICE_INCOMPLETE else None,
        copies=CopiesView(is_known=True, told=(reason, EXAMPLE_MESSAGE)) if reason in _COPIES else None,
    )


def _probe(reason: Reason, way: Way) -> ProbeView | None:
    if way not in (Way.PROBE, Way.PROBE_AT_FIRST):
        return None
    outcome = next((each for each, told in REASONS.items() if told is reason), None)
    login = Login("postgresql", "db.example", 5432, "app")
    return ProbeView(login, None if outcome is None else ProbeAnswer(outcome), is_settled=way is Way.PROBE)


def _database(reason: Reason) -> dict[str, Any]:
    """Return a database in a datastore of which the cloud says this."""
    datastore = Datastore(id=_ID, name="main", status=_PHASES_OF_WHAT_IT_NEEDS[reason])
    observed = Observed(
        namespace="default",
        name="shop",
        uid="uid",
        generation=_GENERATION,
        annotations={},
        deleting=False,
        spec=ManagedDatabaseSpec.model_validate({"datastoreRef": {"name": "main"}}),
        status=ProtectedStatus(id=_ID),
        refs={"datastoreRef": Referred("ManagedDatastore default/main", _ID, datastore)},
        external=Database(id=_ID, name="shop", status="ACTIVE", datastore_id=_ID),
    )
    return {
        "apiVersion": "manageddatabases.io/v1alpha1",
        "kind": "ManagedDatabase",
        "metadata": {"name": "shop", "namespace": "default", "generation": _GENERATION},
        "status": status(DATABASE, observed, Done(), Told({"id": _ID, "conditions": _WAS_READY}), _NOW),
    }


def _verdict(reason: Reason, way: Way) -> Verdict:
    match way:
        case Way.STEP | Way.GOING_STEP:
            return _step(reason)
        case Way.WAIT | Way.GOING_WAIT:
            return Wait(reason, EXAMPLE_MESSAGE)
        case Way.STALL | Way.GOING_STALL:
            return Stall(reason, EXAMPLE_MESSAGE)
        case Way.DONE if reason is not Reason.READY:
            return Done(reason, EXAMPLE_MESSAGE)
        case _:
            return Done()


def _step(reason: Reason) -> Step:
    match reason:
        case Reason.ABSENT:
            return Create(reason, EXAMPLE_MESSAGE)
        case Reason.CREATING | Reason.FOUND | Reason.ADOPTED | Reason.GONE:
            return Record(reason, EXAMPLE_MESSAGE)
        case Reason.READY | Reason.ROTATING | Reason.PASSWORD_RESET:
            return Credentials(PasswordStep.WRITE, reason, EXAMPLE_MESSAGE)
        case Reason.RELEASED:
            return LetGo(reason, EXAMPLE_MESSAGE)
        case _:
            return Change(reason, EXAMPLE_MESSAGE, set_protection(_ID, ProtectionChange(protection=True)))


def _project(reason: Reason, way: Way) -> dict[str, Any]:
    view = ProjectView("team", "0" * 32, "region-1", Catalogue(known=True))
    fine = ObservedProject(view=view, endpoint="https://api.example/v1", answered=True)
    match way:
        case Way.PROJECT_WAITS if reason is Reason.UNREACHABLE:
            observed = replace(fine, unreachable=True)
        case Way.PROJECT_WAITS if reason is Reason.LOOKING:
            observed = replace(fine, answered=False)
        case Way.PROJECT_CHANGE:
            observed = replace(fine, note=Wait(reason, EXAMPLE_MESSAGE))
        case Way.PROJECT_SIDE if reason is Reason.CATALOGUES_INCOMPLETE:
            observed = replace(fine, uncatalogued=EXAMPLE_MESSAGE)
        case Way.PROJECT_SIDE:
            observed = replace(fine, unguarded=EXAMPLE_MESSAGE)
        case Way.PROJECT_LISTS:
            observed = replace(fine, troubles=((reason, EXAMPLE_MESSAGE),))
        case Way.PROJECT_WAITS | Way.PROJECT_STALLS:
            stalls = reason in (Reason.INVALID_SPEC, Reason.PROJECT_CHANGED)
            observed = ObservedProject(
                problem=Stall(reason, EXAMPLE_MESSAGE) if stalls else Wait(reason, EXAMPLE_MESSAGE)
            )
        case _:
            observed = fine
    resource = Resource(ResourceKey("DatabaseProject", "", "team"), "uid", "1", _GENERATION, "", None, (), {}, {}, {})
    return {
        "apiVersion": "manageddatabases.io/v1alpha1",
        "kind": "DatabaseProject",
        "metadata": {"name": "team", "generation": _GENERATION},
        "status": project_status(resource, observed, _NOW),
    }
