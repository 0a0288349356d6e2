"""Makes a plan: the operator's rules look at what manifests would make of a cluster, until nothing new follows."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from managed_databases.command_line.planning import RISKS, Planned, PlannedAction, planned
from managed_databases.command_line.problems import MissingRight
from managed_databases.command_line.survey import Seen, Survey
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason, Record, Risk, Wait
from managed_databases.reconcile.act.actor import pinned
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.decide.decide import decide
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.report.missing_grace import MISSING
from managed_databases.reconcile.told import without_absent

MAX_ROUNDS: Final = 12
"""A datastore that is taken over lets its users be taken over, these a database's owner, and so on: no chain is longer."""
_LACKING: Final = (Reason.PARENT_NOT_READY, Reason.PARENT_MISSING)
_AWAITED: Final = MISSING | frozenset(_LACKING)
Finder = Callable[[ResourceKey], Awaitable[Resource | None]]
"""Looks a resource up in the cluster; None if there is none. Raises MissingRight where that cannot be told, and Problem."""


@dataclass
class ResourcePlan:
    """The plan of one resource. `owner` is the resource that asks for it inline."""

    key: ResourceKey
    steps: list[Planned] = field(default_factory=list)
    owner: str = ""
    is_password_hidden: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.steps


class Planner:
    """Plans for resources as they would be (`wanted`), in the world of `survey`, which has them already. What they refer to and
    `survey` does not have is looked up with `find`; with `knows_projects` the survey has all DatabaseProjects of the cluster.
    """

    def __init__(
        self, survey: Survey, wanted: Iterable[Resource], find: Finder, *, knows_projects: bool = True
    ) -> None:
        self._survey = survey
        self._find = find
        self._knows_projects = knows_projects
        self._absent: set[ResourceKey] = set()
        self._hidden: set[ResourceKey] = set()
        self._order = [resource.key for resource in wanted]
        self._owners: dict[ResourceKey, str] = {}
        self._adopted: dict[ResourceKey, Planned] = {}
        self._looked_again: set[ResourceKey] = set()

    async def plan(self) -> list[ResourcePlan]:
        """Return the plan of each resource, those that are asked for inline behind their owner. Raises Problem."""
        for _ in range(MAX_ROUNDS):
            seen = await self._survey.look(self._resources())
            news = {key for key, each in seen.items() if self._follows(key, each)}
            if not await self._finds_more(seen.values()) and not news:
                break
        entries = {key: self._entry(key, each) for key, each in seen.items()}
        for key, why in self._survey.unreadable.items():
            entries[key] = ResourcePlan(key, [Planned(PlannedAction.BLOCKED, Risk.NONE, why, Reason.INVALID_SPEC)])
        made = {
            key for key, entry in entries.items() if any(step.action is PlannedAction.CREATE for step in entry.steps)
        }
        while grown := {key for key in seen if key not in made and self._waits_for(entries[key], key, seen, made)}:
            later = {key: [self._later(key, seen, made)] for key in grown}
            for key, steps in later.items():
                entries[key].steps = steps
            made |= grown
        for key in seen:
            entries[key].steps = await self._told_what_misses(entries[key], seen[key])
        return [entries[key] for key in self._in_order() if key in entries]

    def _resources(self) -> list[Resource]:
        found = (self._survey.store.get(key) for key in self._order)
        return [resource for resource in found if resource is not None]

    def _in_order(self) -> list[ResourceKey]:
        return sorted(self._order, key=lambda key: (_is_inside(key), key))

    # --- what follows from a look ---

    def _follows(self, key: ResourceKey, seen: Seen) -> bool:
        """Write into the world what the operator would find out next, and would make; return whether that is news."""
        current = seen.current
        is_grown = self._arrange(key, seen)
        verdict = decide(current.kind, current.observed)
        if isinstance(verdict, Wait) and verdict.reason is Reason.LOOKING and key not in self._looked_again:
            self._looked_again.add(key)
            return True
        if not isinstance(verdict, Record) or not isinstance(current, PassInProject):
            return is_grown
        facts = verdict.changes
        if verdict.changes.adopted:
            facts |= Facts(identity=pinned(current))
        if verdict.changes.id is not None:
            self._adopted[key] = Planned(PlannedAction.ADOPT, Risk.NONE, verdict.message, verdict.reason)
        self._change_status(current.resource, facts)
        return True

    def _change_status(self, resource: Resource, facts: Facts) -> None:
        status = without_absent({**resource.status, **facts.written()})
        version = str(int(resource.resource_version) + 1)
        self._survey.put(replace(resource, status=status, resource_version=version))

    def _arrange(self, key: ResourceKey, seen: Seen) -> bool:
        """Put the resources that the spec asks for inline into the world, as the operator would make them."""
        current, is_news = seen.current, False
        if current.observed.deleting:
            return False
        for owned in current.kind.owned(current.observed):
            spec = {name: value for name, value in owned.spec.items() if value is not None}
            child = ResourceKey(owned.kind, key.namespace, owned.name)
            there = self._survey.store.get(child)
            if child in self._owners or (there is not None and current.resource.uid not in there.owner_uids):
                continue
            self._owners[child] = str(key)
            if child not in self._order:
                self._order.append(child)
            self._survey.put(_owned(child, spec, current.resource, there))
            is_news = True
        return is_news

    # --- what is told ---

    def _entry(self, key: ResourceKey, seen: Seen) -> ResourcePlan:
        steps = planned(seen.current.kind, seen.current.observed)
        if key in self._adopted:
            steps = [self._adopted[key], *(step for step in steps if step.action is not PlannedAction.ADOPT)]
        steps = [_of_another_project(step, seen) for step in steps if not self._is_of_an_owned(step, seen)]
        return ResourcePlan(key, steps, self._owners.get(key, ""), seen.is_password_hidden)

    def _is_of_an_owned(self, step: Planned, seen: Seen) -> bool:
        """Return whether the owner only waits for what is asked for inline: that has a plan of its own."""
        return step.action is PlannedAction.WAIT and any(
            step.message.startswith(f"waits for {owned.kind} {owned.name}: ") for owned in seen.current.observed.owned
        )

    @staticmethod
    def _waits_for(
        entry: ResourcePlan, key: ResourceKey, seen: Mapping[ResourceKey, Seen], made: set[ResourceKey]
    ) -> bool:
        is_lacking = [step for step in entry.steps if step.action is PlannedAction.WAIT and step.reason in _LACKING]
        return bool(is_lacking) and seen[key].current.observed.status.id is None and bool(_first(key, seen, made))

    @staticmethod
    def _later(key: ResourceKey, seen: Mapping[ResourceKey, Seen], made: set[ResourceKey]) -> Planned:
        return Planned(
            PlannedAction.CREATE,
            Risk.NONE,
            "no such object in the cloud yet",
            Reason.ABSENT,
            call=f"POST /{seen[key].current.kind.collection.name}",
            after=_first(key, seen, made),
        )

    # --- what is missing ---

    async def _finds_more(self, seen: Iterable[Seen]) -> bool:
        """Look up what is referred to and not known yet; return whether something was found."""
        known = self._survey.store
        unknown = {key for each in seen for key in _referred(each) if known.get(key) is None}
        is_news = False
        for key in sorted(unknown - self._absent - self._hidden):
            try:
                found = await self._find(key)
            except MissingRight:
                self._hidden.add(key)
                continue
            if found is None:
                self._absent.add(key)
            else:
                self._survey.put(found)
                is_news = True
        return is_news

    async def _told_what_misses(self, entry: ResourcePlan, seen: Seen) -> list[Planned]:
        """Return the steps with what is missing for certain as such. What only comes after something else misses no less."""
        if not any(
            step.after or (step.action is PlannedAction.WAIT and step.reason in _AWAITED) for step in entry.steps
        ):
            return entry.steps
        referred = _referred(seen)
        absent = [
            Planned(PlannedAction.MISSING, Risk.NONE, f"there is no {key}", _reason_of(key))
            for key in referred
            if key in self._absent
        ]
        if (lack := await self._survey.why_not_given(seen)) is not None:
            action = PlannedAction.MISSING if lack.reason in MISSING else PlannedAction.BLOCKED
            absent.append(Planned(action, Risk.NONE, lack.message, lack.reason))
        if absent:
            rest = (step for step in entry.steps if not step.after and step.action is not PlannedAction.WAIT)
            return [*rest, *absent]
        is_default_meant = referred == [each for each in referred if each.kind != PROJECT.name]
        if any(key in self._hidden for key in referred) or (is_default_meant and not self._knows_projects):
            return entry.steps
        return [
            replace(step, action=PlannedAction.MISSING)
            if step.action is PlannedAction.WAIT and step.reason in MISSING
            else step
            for step in entry.steps
        ]


def _referred(seen: Seen) -> list[ResourceKey]:
    """Return the resources that the spec names: those that it refers to, and its project."""
    spec, namespace = seen.current.observed.spec, seen.current.resource.key.namespace
    stated = [(each.kind, each.of(spec)) for each in seen.current.kind.references]
    keys = [ResourceKey(kind, to[2] or namespace, to[1]) for kind, to in stated if to is not None and to[0] == "name"]
    return keys if spec.project_ref is None else [*keys, ResourceKey(PROJECT.name, "", spec.project_ref.name)]


def _of_another_project(step: Planned, seen: Seen) -> Planned:
    if step.reason != Reason.PROJECT_NOT_READY or isinstance(seen.current, PassInProject):
        return step
    ref = seen.current.observed.spec.project_ref
    where, choice = (
        ("another DatabaseProject", "NAME") if ref is None else (f"the DatabaseProject {ref.name}", ref.name)
    )
    return replace(step, message=f"it is in {where}, and a plan is for one: plan it with --project {choice}")


def _reason_of(key: ResourceKey) -> Reason:
    return Reason.PROJECT_MISSING if key.kind == PROJECT.name else Reason.PARENT_MISSING


def _is_inside(key: ResourceKey) -> bool:
    return cloud_kinds(kinds())[key.kind].is_inside


def _first(key: ResourceKey, seen: Mapping[ResourceKey, Seen], made: set[ResourceKey]) -> str:
    """Return the first resource among `made` that this one refers to, or needs before it; empty if there is none."""
    current = seen[key].current
    for referred in _referred(seen[key]):
        if referred in made:
            return str(referred)
    needed = set(current.kind.needs(current.observed)) - set(current.observed.needed)
    alike = sorted(other for other in made if other.kind == key.kind and other in seen) if needed else []
    return next((str(other) for other in alike if current.kind.key(seen[other].current.observed) in needed), "")


def _owned(key: ResourceKey, spec: dict[str, Any], owner: Resource, there: Resource | None) -> Resource:
    """Return a resource that is asked for inline, as the operator would make it."""
    if there is not None:
        whole = {**there.spec, **spec}
        is_same = whole == dict(there.spec)
        version, generation = int(there.resource_version) + 1, there.generation + (not is_same)
        return replace(there, spec=whole, resource_version=str(version), generation=generation)
    return Resource(
        key=key,
        uid=f"new: {key}",
        resource_version="1",
        generation=1,
        created_at=owner.created_at,
        deleting_since=None,
        finalizers=(),
        annotations={OWNED_BY: owner.uid},
        spec=spec,
        status={},
        owner_uids=(owner.uid,),
    )


def worst(entries: Iterable[ResourcePlan]) -> Risk | None:
    """Return the greatest risk that is known; None if there are steps, and none of them can be done."""
    steps = [step for entry in entries for step in entry.steps]
    known = [step.risk for step in steps if _has_risk(step)]
    return max(known, default=None if steps else Risk.NONE)


def risk_name(risk: Risk | None) -> str | None:
    return None if risk is None else RISKS[risk]


def _has_risk(step: Planned) -> bool:
    """Return whether it is known what the step does to others: not of one that cannot be done."""
    return step.action is not PlannedAction.BLOCKED


def rows(entries: Sequence[ResourcePlan]) -> list[tuple[str, ...]]:
    """Return a row of a table for each step."""
    return [
        (step.action, RISKS[step.risk] if _has_risk(step) else "", str(entry.key), step.call or "", _why(step))
        for entry in entries
        for step in entry.steps
    ]


_NOT_DONE: Final = (PlannedAction.BLOCKED, PlannedAction.MISSING, PlannedAction.WAIT)


def _why(step: Planned) -> str:
    if step.after:
        return f"after {step.after}"
    return f"{step.reason}: {step.message}" if step.action in _NOT_DONE else step.message


def as_json(entries: Sequence[ResourcePlan]) -> list[dict[str, Any]]:
    """Return the steps for programs."""
    return [
        {
            "kind": entry.key.kind,
            "namespace": entry.key.namespace,
            "name": entry.key.name,
            "owner": entry.owner or None,
            "steps": [
                {
                    "action": step.action,
                    "risk": RISKS[step.risk] if _has_risk(step) else None,
                    "reason": step.reason or None,
                    "message": step.message,
                    "call": step.call,
                    "body": step.body,
                    "after": step.after or None,
                }
                for step in entry.steps
            ],
        }
        for entry in entries
    ]
