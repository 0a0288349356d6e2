"""Makes a plan: the operator's rules look at what manifests would make of a cluster, until nothing new follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from managed_databases.command_line.planning import RISKS, Planned, PlannedAction, planned
from managed_databases.command_line.survey import Seen, Survey
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason, Record, Risk, Wait
from managed_databases.reconcile.act.actor import pinned
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.decide.decide import decide
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.told import without_absent

MAX_ROUNDS: Final = 12
"""A datastore that is taken over lets its users be taken over, these a database's owner, and so on: no chain is longer."""
_LACKING: Final = (Reason.PARENT_NOT_READY, Reason.PARENT_MISSING)


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
    """Plans for resources as they would be (`wanted`), in the world of `survey`, which has them already."""

    def __init__(self, survey: Survey, wanted: Iterable[Resource]) -> None:
        self._survey = survey
        self._order = [resource.key for resource in wanted]
        self._owners: dict[ResourceKey, str] = {}
        self._adopted: dict[ResourceKey, Planned] = {}
        self._looked_again: set[ResourceKey] = set()

    async def plan(self) -> list[ResourcePlan]:
        """Return the plan of each resource, those that are asked for inline behind their owner. Raises Problem."""
        for _ in range(MAX_ROUNDS):
            seen = await self._survey.look(self._resources())
            news = {key for key, each in seen.items() if self._follows(key, each)}
            if not news:
                break
        entries = {key: self._entry(key, each) for key, each in seen.items()}
        for key, why in self._survey.unreadable.items():
            entries[key] = ResourcePlan(key, [Planned(PlannedAction.BLOCKED, Risk.NONE, why, Reason.INVALID_SPEC)])
        made = {
            key for key, entry in entries.items() if any(step.action is PlannedAction.CREATE for step in entry.steps)
        }
        while grown := {key for key in seen if key not in made and self._waits_for(entries[key], seen[key], made)}:
            for key in grown:
                entries[key].steps = [self._later(seen[key], made)]
            made |= grown
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
        steps = [step for step in steps if not self._is_of_an_owned(step, seen)]
        return ResourcePlan(key, steps, self._owners.get(key, ""), seen.is_password_hidden)

    def _is_of_an_owned(self, step: Planned, seen: Seen) -> bool:
        """Return whether the owner only waits for what is asked for inline: that has a plan of its own."""
        return step.action is PlannedAction.WAIT and any(
            step.message.startswith(f"waits for {owned.kind} {owned.name}: ") for owned in seen.current.observed.owned
        )

    @staticmethod
    def _waits_for(entry: ResourcePlan, seen: Seen, made: set[ResourceKey]) -> bool:
        is_lacking = [step for step in entry.steps if step.action is PlannedAction.WAIT and step.reason in _LACKING]
        return bool(is_lacking) and seen.current.observed.status.id is None and bool(_first(seen, made))

    @staticmethod
    def _later(seen: Seen, made: set[ResourceKey]) -> Planned:
        collection = seen.current.kind.collection.name
        return Planned(
            PlannedAction.CREATE,
            Risk.NONE,
            "no such object in the cloud yet",
            Reason.ABSENT,
            call=f"POST /{collection}",
            after=_first(seen, made),
        )


def _is_inside(key: ResourceKey) -> bool:
    return cloud_kinds(kinds())[key.kind].is_inside


def _first(seen: Seen, made: set[ResourceKey]) -> str:
    """Return the first resource among `made` that this one refers to; empty if there is none."""
    current = seen.current
    for reference in current.kind.references:
        stated = reference.of(current.observed.spec)
        if stated is None or stated[0] != "name":
            continue
        key = ResourceKey(reference.kind, stated[2] or current.resource.key.namespace, stated[1])
        if key in made:
            return str(key)
    return ""


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


def worst(entries: Iterable[ResourcePlan]) -> Risk:
    """Return the greatest risk of all steps."""
    return max((step.risk for entry in entries for step in entry.steps), default=Risk.NONE)


def rows(entries: Sequence[ResourcePlan]) -> list[tuple[str, ...]]:
    """Return a row of a table for each step."""
    return [
        (step.action, RISKS[step.risk], str(entry.key), step.call or "", _why(step))
        for entry in entries
        for step in entry.steps
    ]


def _why(step: Planned) -> str:
    if step.after:
        return f"after {step.after}"
    return (
        f"{step.reason}: {step.message}" if step.action in (PlannedAction.BLOCKED, PlannedAction.WAIT) else step.message
    )


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
                    "risk": RISKS[step.risk],
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
