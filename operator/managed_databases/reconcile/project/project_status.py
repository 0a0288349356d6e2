"""Computes the whole `.status` of a `DatabaseProject` from the state of its session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from managed_databases.api.models import Limit, Quota
from managed_databases.kinds.database_project import (
    KIND,
    DatabaseProjectStatus,
    LimitStatus,
    OddRowsStatus,
    QuotaStatus,
    RangeStatus,
    ReachedStatus,
    UseStatus,
)
from managed_databases.kinds.project_limits import Range, engines_with_limits, quota_lines, ranges, supported
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.shared_fields import Status
from managed_databases.kinds.verdicts import ASKS_BESIDE, Reason, Stall, Wait
from managed_databases.kinds.written import Written, written_as
from managed_databases.reconcile.annotations import sync_request
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.polling import OddRows
from managed_databases.reconcile.project.reaching import Reached
from managed_databases.reconcile.statuses.conditions import Saying, conditions
from managed_databases.reconcile.statuses.reported import Reported
from managed_databases.reconcile.statuses.truncate import truncated_to
from managed_databases.reconcile.told import ToldProject, ToldUse, without_absent
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
_engines = written_as(DatabaseProjectStatus)


@dataclass(frozen=True)
class ObservedProject:
    """Everything that the status of a project depends on.

    `problem` holds back all calls. `note` is why the connection cannot be changed, while the old one is in use. `troubles` are
    the collections that cannot be listed. `unreachable`: the circuit is open; `answered`: the API has answered this process at
    least once. `kinds_in_use` are the kinds of which this installation, named by its namespace, serves resources. `unguarded`
    says why the policy on statuses is not in place; None if it is. `uncatalogued` says why not all DatabaseCatalogues can be
    kept. `warning` says what must be changed before the next release.
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
    uncatalogued: str | None = None
    warning: str | None = None


@dataclass(kw_only=True)
class _ProjectReported(Reported):
    STATUS: ClassVar[type[Status]] = DatabaseProjectStatus

    last_handled_sync_request: str | None
    in_use: list[Mapping[str, object]]


def project_status(resource: Resource, observed: ObservedProject, now: datetime) -> Written:
    """Return the whole new `.status`. It stays the same while nothing happens."""
    old = ToldProject(resource.status)
    shared = _ProjectReported(
        observed_generation=resource.generation,
        conditions=conditions(old.conditions, resource.generation, _says_all(resource, observed), now),
        last_handled_sync_request=sync_request(resource.annotations) or old.handled_sync_request,
        in_use=_uses(observed, old),
    )
    # What this process has found counts: another text there, whoever wrote it, would stop the project at the next start.
    whole = {**old.kept, **_connection(observed), **_offer(observed), **shared.written()}
    return without_absent(truncated_to(KIND.status)(all_visible(whole)))


def _connection(observed: ObservedProject) -> Written:
    """Return the fields about where the project is, as far as that is known, and about rows that cannot be read."""
    found = DatabaseProjectStatus.model_construct(
        project_id=observed.view.project_id if observed.view else None,
        region=observed.view.region if observed.view else None,
        endpoint=observed.endpoint or None,
        reached=ReachedStatus.model_construct(endpoint=observed.reached.endpoint, access=observed.reached.access)
        if observed.reached
        else None,
        odd_rows=tuple(
            OddRowsStatus.model_construct(collection=odd.collection, rows=odd.rows, why=odd.why)
            for odd in observed.odd_rows
            if odd.rows
        ),
    )
    return _written(found)


def _offer(observed: ObservedProject) -> Written:
    """Return the fields about catalogue and quotas; none while these are not read."""
    if observed.view is None or not observed.view.catalogue.known:
        return {}
    catalogue = observed.view.catalogue
    offer = DatabaseProjectStatus.model_construct(
        capabilities=supported(catalogue.capabilities),
        limits=_limits(catalogue.limits),
        quotas=tuple(
            QuotaStatus.model_construct(name=line.name, used=line.used, limit=line.limit)
            for line in quota_lines(observed.quotas)
        ),
    )
    return {**_engines(engines=engines(observed.view)), **_written(offer)}  # that there are no engines counts as well


def _written(found: DatabaseProjectStatus) -> Written:
    """Return the fields that are not empty: for each other field the status keeps its value."""
    return without_absent(found.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True))


def _uses(observed: ObservedProject, old: ToldProject) -> list[Mapping[str, object]]:
    """Return `status.inUse`. Several installations may share a cluster's projects: each changes only its own entry."""
    uses = [use for use in old.uses if use.operator_namespace != observed.operator_namespace]
    if observed.kinds_in_use:
        ours = UseStatus.model_construct(
            operator_namespace=observed.operator_namespace,
            kinds=observed.kinds_in_use,
            seal_key=observed.seal_key or None,
        )
        uses.append(ToldUse(ours.model_dump(mode="json", by_alias=True, exclude_none=True)))
    return [use.raw for use in sorted(uses, key=lambda use: use.operator_namespace)]


def _limits(rows: tuple[Limit, ...]) -> tuple[LimitStatus, ...]:
    return tuple(_limit(engine, ranges(rows, engine)) for engine in engines_with_limits(rows)[:LIMITS_SHOWN])


def _limit(engine: str, found: Mapping[str, Range]) -> LimitStatus:
    def told(name: str) -> RangeStatus | None:
        range_ = found.get(name)
        return None if range_ is None else RangeStatus.model_construct(min=range_.least, max=range_.most)

    return LimitStatus.model_construct(engine=engine, vcpus=told("vcpus"), ram=told("ram"), disk=told("disk"))


def engines(view: ProjectView) -> tuple[str, ...]:
    """Return the engines and versions of the catalogue, such as "postgresql 16"."""
    return tuple(sorted({f"{type_.engine} {type_.version}" for type_ in view.catalogue.types}))


def _says_all(resource: Resource, observed: ObservedProject) -> dict[str, Saying]:
    beside: dict[str, Saying] = {}
    if observed.unguarded is not None:
        beside["StatusUnguarded"] = (True, Reason.STATUS_UNGUARDED, observed.unguarded)
    if observed.uncatalogued is not None:
        beside["CataloguesIncomplete"] = (True, Reason.CATALOGUES_INCOMPLETE, observed.uncatalogued)
    return _says(resource, observed) | beside


def _says(resource: Resource, observed: ObservedProject) -> dict[str, Saying]:
    if observed.problem is not None:
        why: Saying = (False, observed.problem.reason, observed.problem.message)
        stalled = _needs_a_person(observed.problem)
        return _said(why, why, stalled=stalled)
    if observed.unreachable:
        message = (
            f"the API at {observed.endpoint} does not answer: check the network and the provider's status page; it is "
            "asked again now and then, and nothing is changed meanwhile"
        )
        silent: Saying = (False, Reason.UNREACHABLE, message)
        return _said(silent, silent, stalled=False)
    ready = _ready(resource, observed)
    if observed.note is not None:
        return _said(
            ready, (False, observed.note.reason, observed.note.message), stalled=_needs_a_person(observed.note)
        )
    if observed.troubles:
        return _said(ready, (False, *observed.troubles[0]), stalled=observed.troubles[0][0] in NEEDS_A_PERSON)
    if not observed.answered and not _was_in_sync(resource):
        return _said(ready, (False, Reason.LOOKING, "waits for the API's first answer"), stalled=False)
    warned = "" if observed.warning is None else f"; {observed.warning}"
    if observed.unguarded is not None:
        return _said(ready, (False, Reason.STATUS_UNGUARDED, observed.unguarded + warned), stalled=True)
    fine = _said(ready, (True, Reason.IN_SYNC, f"the project's collections are read{warned}"), stalled=False)
    if observed.uncatalogued is not None:
        return fine | {"Synced": (False, Reason.CATALOGUES_INCOMPLETE, observed.uncatalogued + warned)}
    return fine


def _needs_a_person(why: Wait | Stall) -> bool:
    return isinstance(why, Stall) or why.reason in NEEDS_A_PERSON


def _ready(resource: Resource, observed: ObservedProject) -> Saying:
    """Return the condition `Ready`. Before the API's first answer to this process it stays as the last process wrote it."""
    if observed.answered:
        return True, Reason.READY, "the API answers"
    before = resource.told.condition("Ready")
    if before is not None and before.is_true:
        return True, Reason.READY, "the API answers"
    return False, Reason.LOOKING, "waits for the API's first answer"


def _was_in_sync(resource: Resource) -> bool:
    """Return whether an earlier process had read all, which counts until the API has answered this process."""
    synced = resource.told.condition("Synced")
    if synced is None or synced.observed_generation != resource.generation:
        return False
    return synced.is_true or synced.reason in (Reason.STATUS_UNGUARDED, *ASKS_BESIDE)


def _said(ready: Saying, synced: Saying, *, stalled: bool) -> dict[str, Saying]:
    _, reason, message = synced
    under_way = synced[0] is not True and not stalled
    return {
        "Ready": ready,
        "Synced": synced,
        "Reconciling": (under_way, reason, message),
        "Stalled": (stalled, reason, message),
    }
