"""A project at a glance: its resources by their states, what is not ready, its quotas, and what the operator says of itself."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from managed_databases.command_line.standing import Situation, State, standing_of
from managed_databases.command_line.tables import age, duration, moment, table
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.told import ToldProject

WIDTH: Final = 120
"""The most characters of a line, unless names are very long: what is cut, explain and -o json tell in full."""


@dataclass(frozen=True)
class Count:
    """How many resources of a kind are in each state, and how many of their cloud objects in each phase, in the API's words."""

    kind: str
    states: Mapping[State, int]
    phases: Mapping[str, int]


@dataclass(frozen=True)
class RestlessResource:
    """A resource that is not at rest."""

    resource: str
    state: State
    reason: str
    since: str | None
    message: str


@dataclass(frozen=True)
class Leader:
    """Who holds the operator's Lease; `renewed_at` as Kubernetes writes times. `unknown` is why that is not known."""

    holder: str = ""
    renewed_at: str | None = None
    lasts_seconds: int = 0
    unknown: str | None = None

    def told(self, now: datetime) -> str:
        if self.unknown is not None:
            return f"not known: {self.unknown}"
        if not self.holder:
            return "nobody: no operator runs, or it runs alone, without a Lease"
        renewed = moment(self.renewed_at)
        late = renewed is None or (now - renewed).total_seconds() > 2 * self.lasts_seconds
        return f"{self.holder}, renewed {age(self.renewed_at, now)} ago" + (
            " (it does not seem to run)" if late else ""
        )


@dataclass(frozen=True)
class Spending:
    """What the operator's metrics say of one project: calls that may be made at once, by cause; ages of lists, in seconds."""

    left: Mapping[str, float] = field(default_factory=dict)
    list_ages: Mapping[str, float] = field(default_factory=dict)
    unknown: str | None = None


@dataclass(frozen=True)
class Glance:
    """All of it. `project` is None if nothing is known of it, or of which one is meant; `project_unknown` says why."""

    name: str
    project: Resource | None
    counts: Sequence[Count]
    troubles: Sequence[RestlessResource]
    leader: Leader
    spending: Spending
    project_unknown: str = ""


def counts(resources: Iterable[Resource]) -> list[Count]:
    """Return a count for each kind of which there are resources, by name."""
    by_kind: dict[str, list[Resource]] = {}
    for resource in resources:
        by_kind.setdefault(resource.key.kind, []).append(resource)
    return [
        Count(
            kind,
            Counter(standing_of(each).state for each in those),
            Counter(each.told.phase for each in those if each.told.phase),
        )
        for kind, those in sorted(by_kind.items())
    ]


_WORST_FIRST: Final = (State.STALLED, State.UNSEEN, State.WAITING, State.READY)


def troubles(resources: Iterable[Resource]) -> list[RestlessResource]:
    """Return the resources that are not ready, or ask a person to mend something, the worst first."""
    found = [(each, standing_of(each)) for each in resources]
    odd = [_trouble(each, told) for each, told in found if told.state is not State.READY or told.asks_beside]
    return sorted(odd, key=lambda each: (_WORST_FIRST.index(each.state), each.resource))


def _trouble(resource: Resource, told: Situation) -> RestlessResource:
    return RestlessResource(str(resource.key), told.state, told.reason, told.since, told.message)


def spending(text: str, project: str) -> Spending:
    """Read what the operator's metrics say of a project. Raises ValueError if the text is not of metrics."""
    left: dict[str, float] = {}
    ages: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("project") != project:
                continue
            if sample.name == "managed_databases_budget_left_calls":
                left[sample.labels["cause"]] = sample.value
            elif sample.name == "managed_databases_list_age_seconds":
                ages[sample.labels["collection"]] = sample.value
    return Spending(left, ages)


def page(glance: Glance, now: datetime) -> str:
    """Return it for people."""
    parts = [_head(glance, now)]
    if glance.counts:
        head = ("KIND", "ALL", *(state.upper() for state in State), "IN THE CLOUD")
        parts.append(table(head, (_count_row(each) for each in glance.counts), most=WIDTH))
    else:
        parts.append("no resources\n")
    if glance.troubles:
        head = ("NEEDS A LOOK", "STATE", "REASON", "FOR", "MESSAGE")
        parts.append(table(head, (_row(each, now) for each in glance.troubles), most=WIDTH))
    if glance.project is not None and (quotas := glance.project.status.get("quotas")):
        parts.append(table(("QUOTA", "USED", "LIMIT"), ((q["name"], str(q["used"]), str(q["limit"])) for q in quotas)))
    if glance.spending.list_ages:
        rows = sorted(glance.spending.list_ages.items())
        parts.append(table(("LIST OF", "AGE"), ((name, duration(seconds)) for name, seconds in rows)))
    return "\n".join(parts)


def _head(glance: Glance, now: datetime) -> str:
    rows = [("project", glance.name), *_project_rows(glance, now), ("leader", glance.leader.told(now))]
    spent = glance.spending
    if spent.unknown is not None:
        rows.append(("calls left", f"not known: {spent.unknown}"))
    elif spent.left:
        told = ", ".join(f"{calls:.0f} for {cause}" for cause, calls in sorted(spent.left.items()))
        rows.append(("calls left", told))
    return table(*((rows[0], rows[1:])))


def _project_rows(glance: Glance, now: datetime) -> list[tuple[str, str]]:
    project = glance.project
    if project is None:
        return [("state", f"not known: {glance.project_unknown}")]
    told, standing = ToldProject(project.status), standing_of(project)
    since = f", for {age(standing.since, now)}" if standing.since else ""
    rows = [("state", f"{standing.state} ({standing.reason or 'no reason'}){since}")]
    if standing.state is not State.READY:
        rows.append(("why", standing.message))
    rows += [("region", told.region or ""), ("cloud project", told.project_id or "")]
    return rows


def _count_row(count: Count) -> tuple[str, ...]:
    states = [count.states.get(state, 0) for state in State]
    phases = ", ".join(f"{number} {phase}" for phase, number in sorted(count.phases.items()))
    return (count.kind, str(sum(states)), *(str(number) for number in states), phases)


def _row(trouble: RestlessResource, now: datetime) -> tuple[str, ...]:
    return (trouble.resource, trouble.state, trouble.reason, age(trouble.since, now), trouble.message)


def as_json(glance: Glance) -> dict[str, Any]:
    """Return it for programs."""
    project = None
    if glance.project is not None:
        told, standing = ToldProject(glance.project.status), standing_of(glance.project)
        project = {
            "state": standing.state,
            "reason": standing.reason,
            "message": standing.message,
            "since": standing.since,
            "region": told.region,
            "projectID": told.project_id,
            "quotas": list(glance.project.status.get("quotas") or ()),
        }
    return {
        "name": glance.name,
        "project": project,
        "projectUnknown": glance.project_unknown or None,
        "kinds": [
            {"kind": each.kind, "states": {str(s): n for s, n in each.states.items()}, "phases": dict(each.phases)}
            for each in glance.counts
        ],
        "notReady": [asdict(each) for each in glance.troubles],
        "leader": asdict(glance.leader),
        "callsLeft": dict(glance.spending.left) or None,
        "listAgeSeconds": dict(glance.spending.list_ages) or None,
    }
