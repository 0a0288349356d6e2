"""What a resource waits for, what that waits for, and so on: a tree, made from specs and statuses."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from managed_databases.command_line.standing import Situation, State, standing_of
from managed_databases.command_line.tables import age
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.shared_fields import CloudSpec
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.observe.reading import Specs, UnreadableSpec
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.visible import visible

SECRET = "Secret"
_OF_PROJECTS = (Reason.PROJECT_MISSING, Reason.PROJECT_NOT_READY, Reason.PROJECT_CHANGED, Reason.UNREACHABLE)


@dataclass(frozen=True)
class Need:
    """Something that a resource refers to. `id` stands for a cloud object that the spec names by its id."""

    field: str
    key: ResourceKey | None
    id: str | None = None


@dataclass(frozen=True)
class Sight:
    """What could be read of one name. `hidden` is why it could not be read; with neither of the two there is no such object."""

    resource: Resource | None = None
    hidden: str | None = None
    exists: bool = False
    """Whether there is such an object of a kind that has no status, as a Secret."""


Look = Callable[[ResourceKey], Awaitable[Sight]]
Others = Callable[[Resource], Awaitable[tuple[Resource, ...]]]


@dataclass(frozen=True)
class Link:
    """One resource of the chain, and those that it waits for. `field` is the field by which the one above refers to it."""

    name: str
    field: str
    state: str
    standing: Situation | None = None
    deleting_since: str | None = None
    waits_for: tuple["Link", ...] = ()

    @property
    def is_fine(self) -> bool:
        return self.state in (State.READY, "there") and self.deleting_since is None


@dataclass
class Chain:
    """Follows the chain from one resource on. `look` reads what a name stands for; `inside` returns the resources that refer to
    a datastore that is being deleted, `owned` those that a resource asks for inline.
    """

    look: Look
    inside: Others
    owned: Others
    kind_of: Callable[[str], CloudKind | None]
    specs: Specs = field(default_factory=Specs)

    async def link(self, resource: Resource, field_: str = "", above: Collection[ResourceKey] = ()) -> Link:
        """Return the resource with all that it waits for. What is at rest is shown, but not followed any further."""
        standing = standing_of(resource)
        is_fine = standing.state is State.READY and resource.deleting_since is None
        waits_for: list[Link] = []
        if not is_fine or not above:
            seen = (*above, resource.key)
            for need in needs(self.kind_of(resource.key.kind), resource, standing, self.specs):
                waits_for.append(await self._follow(need, seen))
            if standing.state is not State.READY:
                children = [child for child in await self.owned(resource) if child.key not in seen]
                waits_for += [await self.link(child, "asked for inline", seen) for child in children]
            if resource.deleting_since is not None:
                waits_for += [
                    await self._within(child, resource, seen)
                    for child in await self.inside(resource)
                    if child.key not in seen
                ]
        return Link(str(resource.key), field_, standing.state, standing, resource.deleting_since, tuple(waits_for))

    async def _within(self, child: Resource, parent: Resource, seen: Collection[ResourceKey]) -> Link:
        if child.deleting_since is not None:
            return await self.link(child, "in it", (*seen, parent.key))
        standing = standing_of(child)
        return Link(str(child.key), "in it", "not being deleted", standing)

    async def _follow(self, need: Need, seen: Collection[ResourceKey]) -> Link:
        if need.key is None:
            return Link(f"the cloud object {need.id}", need.field, "named by its id")
        if need.key in seen:
            return Link(str(need.key), need.field, "see above")
        sight = await self.look(need.key)
        if sight.resource is not None:
            return await self.link(sight.resource, need.field, seen)
        if sight.hidden is not None:
            return Link(str(need.key), need.field, sight.hidden)
        return Link(str(need.key), need.field, "there" if sight.exists else "does not exist")


def needs(kind: CloudKind | None, resource: Resource, standing: Situation, specs: Specs) -> Iterable[Need]:
    """Return what the resource refers to: its project, where that is not its datastore's, other resources, and a Secret that is
    missing.
    """
    if kind is None:  # a DatabaseProject: its message names its Secret, which is in the operator's namespace
        return
    try:
        spec = specs.of(kind, resource)
    except UnreadableSpec:
        return
    if (project := _project(kind, resource, spec, standing)) is not None:
        yield Need("projectRef", ResourceKey(PROJECT.name, "", project))
    for reference in kind.references:
        stated = reference.of(spec)
        if stated is None or (reference.at_creation_only and resource.told.id is not None):
            continue
        form, name, namespace = stated
        if form == "id":
            yield Need(reference.field, None, name)
        else:
            yield Need(reference.field, ResourceKey(reference.kind, namespace or resource.key.namespace, name))
    given = None if kind.credential is None else kind.credential.given(spec)
    if given is not None and standing.reason == Reason.SECRET_MISSING:
        yield Need("passwordSecretRef", ResourceKey(SECRET, resource.key.namespace, given.name))


def _project(kind: CloudKind, resource: Resource, spec: CloudSpec, standing: Situation) -> str | None:
    if standing.reason not in _OF_PROJECTS and kind.is_inside:
        return None  # its datastore says so
    if resource.told.project is not None:
        return str(resource.told.project)
    return None if spec.project_ref is None else spec.project_ref.name


def lines(link: Link, now: datetime, depth: int = 0) -> Iterable[str]:
    """Yield the tree for people: a resource, why it stands there, and below it what it waits for."""
    indent = "  " * depth
    told = link.standing
    head = f"{indent}{link.field + ': ' if link.field else ''}{link.name}: {link.state}"
    if told is not None and told.reason:
        head += f" ({told.reason})"
    if told is not None and told.since:
        head += f", for {age(told.since, now)}"
    if link.deleting_since is not None:
        head += f"; being deleted for {age(link.deleting_since, now)}"
    yield visible(head)
    if told is not None and (not link.is_fine or told.asks_beside) and link.state != "not being deleted":
        yield visible(f"{indent}    {told.message}")
        yield visible(f"{indent}    next try: {told.next_try}")
        if told.page is not None:
            yield visible(f"{indent}    more: {told.page}")
    for each in link.waits_for:
        yield from lines(each, now, depth + 1)


def as_json(link: Link) -> dict[str, Any]:
    """Return the tree for programs."""
    told = link.standing
    return {
        "resource": link.name,
        "field": link.field or None,
        "state": str(link.state),
        "reason": (told.reason or None) if told else None,
        "message": told.message if told else None,
        "since": told.since if told else None,
        "nextTry": told.next_try if told else None,
        "page": str(told.page) if told and told.page else None,
        "deletingSince": link.deleting_since,
        "waitsFor": [as_json(each) for each in link.waits_for],
    }
