"""`managed-databases explain`: the chain of what waits for what."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from managed_databases.command_line.exit_codes import DONE, FOUND, SERIOUS
from managed_databases.command_line.explained_catalogue import catalogue_as_json, catalogue_line
from managed_databases.command_line.explaining import SECRET, Chain, Link, Sight, as_json, lines
from managed_databases.command_line.options import (
    Context,
    Form,
    Kubeconfig,
    Namespace,
    Output,
    named_resource,
    say,
    say_json,
)
from managed_databases.command_line.person import Person, run_as_person
from managed_databases.command_line.problems import BadUsage, MissingRight, NotInstalled
from managed_databases.command_line.standing import State
from managed_databases.kinds.database_catalogue import CATALOGUE, WrittenKind
from managed_databases.kinds.kind import CloudKind, Kind, Reference
from managed_databases.kinds.registry import GROUP, VERSION, cloud_kinds, kinds
from managed_databases.reconcile.observe.ownership_index import owner_of
from managed_databases.reconcile.observe.reading import Specs, UnreadableSpec
from managed_databases.reconcile.ports import Resource, ResourceKey


def explain(
    resource: Annotated[str, typer.Argument(metavar="KIND/NAME", help="A resource, such as databaseuser/app.")],
    namespace: Namespace = None,
    output: Output = Form.TABLE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show what a resource waits for, what that waits for, since when, and when the operator tries again.

    Exit codes: 0 it is ready; 1 it could not be found out, or a right is missing; 2 bad usage, or no such resource; 3 it waits;
    4 a person must act.
    """
    known: tuple[Kind | WrittenKind, ...] = (*kinds().values(), CATALOGUE)
    kind, name = named_resource(resource, known)

    async def work(person: Person) -> int:
        if not isinstance(kind, Kind):
            return await _explain_catalogue(person, name, output)
        found = await person.resource(kind, person.namespace, name)
        if found is None:
            where = f" in the namespace {person.namespace}" if kind.namespaced else ""
            raise BadUsage(f"there is no {kind.name} {name}{where}")
        link = await _chain(person).link(found)
        if output is Form.JSON:
            say_json(as_json(link))
        else:
            say("\n".join(lines(link, datetime.now(UTC))))
        return _code(link)

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


async def _explain_catalogue(person: Person, name: str, output: Form) -> int:
    raw = await person.object(GROUP, VERSION, CATALOGUE.plural, person.namespace, name)
    if raw is None:
        raise BadUsage(f"there is no {CATALOGUE.name} {name} in the namespace {person.namespace}")
    now = datetime.now(UTC)
    if output is Form.JSON:
        say_json(catalogue_as_json(raw, now))
    else:
        say(catalogue_line(raw, now))
    return DONE


def _code(link: Link) -> int:
    if link.state == State.STALLED:
        return SERIOUS
    return DONE if link.is_fine else FOUND


def _chain(person: Person) -> Chain:
    by_cloud, specs = cloud_kinds(kinds()), Specs()
    others = _Others(person, specs)
    return Chain(_Looks(person).look, others.inside, others.owned, by_cloud.get, specs)


@dataclass(frozen=True)
class _Looks:
    person: Person

    async def look(self, key: ResourceKey) -> Sight:
        try:
            if key.kind == SECRET:
                raw = await self.person.object("", "v1", "secrets", key.namespace, key.name)
                return Sight(exists=raw is not None)
            return Sight(await self.person.resource(kinds()[key.kind], key.namespace, key.name))
        except MissingRight as missing:
            return Sight(hidden=f"not told: you may not {missing.verb} {missing.plural}")


@dataclass(frozen=True)
class _Others:
    """Finds resources in the namespace of another one. What may not be listed is left out."""

    person: Person
    specs: Specs

    async def owned(self, owner: Resource) -> tuple[Resource, ...]:
        """Return the resources that the owner's spec asks for inline."""
        kind = cloud_kinds(kinds()).get(owner.key.kind)
        names = () if kind is None else kind.owned_kinds
        return tuple(
            [each for name in names for each in await self._listed(name, owner) if owner_of(each) == owner.uid]
        )

    async def inside(self, datastore: Resource) -> tuple[Resource, ...]:
        """Return the resources that are in the datastore."""
        found = []
        for kind in cloud_kinds(kinds()).values():
            parents = [each for each in kind.references if each.parent and each.kind == datastore.key.kind]
            for resource in await self._listed(kind.name, datastore) if parents else ():
                if self._names(kind, parents[0], resource, datastore):
                    found.append(resource)
        return tuple(found)

    async def _listed(self, kind: str, beside: Resource) -> list[Resource]:
        try:
            return await self.person.resources(kinds()[kind], beside.key.namespace)
        except (MissingRight, NotInstalled):
            return []

    def _names(self, kind: CloudKind, reference: Reference, resource: Resource, datastore: Resource) -> bool:
        try:
            stated = reference.of(self.specs.of(kind, resource))
        except UnreadableSpec:
            return False
        here = (None, datastore.key.namespace)
        return stated is not None and stated[:2] == ("name", datastore.key.name) and stated[2] in here
