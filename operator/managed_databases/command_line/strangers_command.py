"""`managed-databases strangers`: what in the cloud belongs to no resource, and the other way round."""

import os
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer

from managed_databases.command_line.cloud_options import Env, OperatorNamespace, Project, everything_readable
from managed_databases.command_line.exit_codes import DONE, FAILED, FOUND
from managed_databases.command_line.options import Context, Form, Kubeconfig, Namespace, Output, note, say, say_json
from managed_databases.command_line.person import Person, run_as_person
from managed_databases.command_line.project_choice import USUAL_NAMESPACE, chosen_project
from managed_databases.command_line.strangers import Listed, Stranger, rows, strangers
from managed_databases.command_line.survey import Survey, surveying
from managed_databases.command_line.tables import table
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.observe.ownership_index import ObjectName
from managed_databases.reconcile.observe.reading import UnreadableSpec
from managed_databases.reconcile.ports import ResourceKey


def strangers_command(
    project: Project = None,
    env: Env = False,
    namespace: Namespace = None,
    output: Output = Form.TABLE,
    operator_namespace: OperatorNamespace = USUAL_NAMESPACE,
    exclude: Annotated[
        list[str] | None, typer.Option(help="An id to leave out, because it is known; may be given several times.")
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """List cloud objects without a resource, resources without a cloud object, and duplicates, of one project.

    It reads the cloud with the project's Secret, if you may read that, or with the OS_... variables of the environment (--env).

    Exit codes: 0 all fits together; 1 it could not be found out, or only in part; 2 bad usage; 3 something does not fit.
    """

    async def work(person: Person) -> int:
        resources, notes = await everything_readable(person)
        choice = await chosen_project(person, project, dict(os.environ) if env else None, resources=resources)
        async with surveying(person.connection, choice, resources, operator_namespace) as survey:
            kinds_asked = list(cloud_kinds(kinds()).values())
            await survey.list_all(kinds_asked)
            unread = [told for kind in kinds_asked if (told := _why_unlisted(survey, kind)) is not None]
            listed = [await _listed(survey, kind) for kind in kinds_asked if _why_unlisted(survey, kind) is None]
            found = strangers(listed, lambda kind, id_: _holder(survey, kind, id_))
        shown = [each for each in found if each.id not in (exclude or ())]
        _show(shown, [*choice.notes, *notes, *unread], output)
        if shown:
            return FOUND
        return FAILED if unread else DONE

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


def _why_unlisted(survey: Survey, kind: CloudKind) -> str | None:
    told = survey.session.lists.why_unlisted(kind.collection.name)
    return None if told is None else f"{kind.name}s are left out: {told.message}"


async def _listed(survey: Survey, kind: CloudKind) -> Listed:
    """Return what the cloud has of a kind. What no list shows is asked for by its id."""
    view, snapshot = survey.session.view, survey.session.lists.snapshot(kind)
    assert view is not None, "the project was opened"
    held = tuple(
        resource
        for resource in survey.store.of_kind(kind.name)
        if resource.told.id and resource.told.identity is not None and resource.told.identity.place == view.place
    )
    for resource in held:
        if snapshot.get(resource.told.id or "") is None:
            with suppress(UnreadableSpec):  # then no list shows it, and nobody asks further
                await survey.see(resource)
    gone = frozenset(id_ for resource in held if (id_ := resource.told.id) and snapshot.is_gone(id_))
    return Listed(kind, tuple(snapshot.all()), held, gone)


def _holder(survey: Survey, kind: CloudKind, id_: str) -> ResourceKey | None:
    view = survey.session.view
    assert view is not None, "the project was opened"
    return survey.owners.holder(ObjectName(view.place, kind.collection.name, id_))


def _show(found: list[Stranger], notes: list[str], output: Form) -> None:
    if output is Form.JSON:
        say_json({"strangers": [asdict(each) for each in found], "notes": notes})
        return
    for each in notes:
        note(each)
    if found:
        say(table(("WHAT", "KIND", "NAME", "ID", "DATASTORE", "PHASE", "TOLD"), rows(found)))
    else:
        say("every cloud object has a resource, and every resource its object")
