"""The options of commands that ask the cloud, and the resources that such a command knows of."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from managed_databases.command_line.person import Person
from managed_databases.command_line.problems import MissingRight, NotInstalled
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.ports import Resource, ResourceKey

Project = Annotated[str | None, typer.Option("--project", help="A DatabaseProject; else the default one.")]
Env = Annotated[
    bool,
    typer.Option("--env", help="Use the credentials of the environment (OS_AUTH_URL, ...), not a Secret's."),
]
OperatorNamespace = Annotated[
    str, typer.Option("--operator-namespace", help="The operator's namespace, where the Secrets of projects are.")
]


async def everything_readable(person: Person) -> tuple[list[Resource], list[str]]:
    """Return the resources of all namespaces, or, where that is not allowed, of the person's; and notes on what is missing.

    Raises Problem.
    """
    found: list[Resource] = []
    notes: list[str] = []
    for kind in cloud_kinds(kinds()).values():
        try:
            found += await person.resources(kind, None)
        except NotInstalled as missing:
            notes.append(f"{missing} Its objects belong to nobody here")
        except MissingRight:
            found += await person.resources(kind, person.namespace)
            if not notes:
                notes.append(
                    f"you may read the resources of the namespace {person.namespace} only: what other namespaces hold looks as "
                    "if nobody did"
                )
    return found, notes


async def readable_projects(person: Person) -> list[Resource] | None:
    """Return all DatabaseProjects; None if the person may not list them. Raises Problem."""
    try:
        return await person.resources(PROJECT, None)
    except MissingRight:
        return None


def finder(person: Person) -> Callable[[ResourceKey], Awaitable[Resource | None]]:
    """Return what looks one resource up; it raises MissingRight, and Problem."""

    async def find(key: ResourceKey) -> Resource | None:
        return await person.resource(kinds()[key.kind], key.namespace, key.name)

    return find
