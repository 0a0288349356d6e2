"""`managed-databases import`: manifests for what a cloud project already has."""

import os
from typing import Annotated

import typer
import yaml
from pydantic import SecretStr

from managed_databases.command_line.cloud_options import Env, OperatorNamespace, Project, everything_readable, finder
from managed_databases.command_line.dry_run import applied, namespace_as_applied
from managed_databases.command_line.exit_codes import DONE, FAILED, FOUND
from managed_databases.command_line.importing import PASSWORD_KEY, AskedSecret, Imported, Importer
from managed_databases.command_line.options import (
    Context,
    FormOfManifests,
    Kubeconfig,
    Namespace,
    OutputOfManifests,
    note,
    say,
    say_json,
)
from managed_databases.command_line.person import Person, run_as_person
from managed_databases.command_line.plan import Planner, ResourcePlan, as_json
from managed_databases.command_line.planning import PlannedAction
from managed_databases.command_line.project_choice import USUAL_NAMESPACE, chosen_project
from managed_databases.command_line.survey import Survey, surveying
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.reconcile.observe.ownership_index import ObjectName
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, Resource, ResourceKey, SecretContent
from managed_databases.visible import visible


def import_command(
    project: Project = None,
    env: Env = False,
    namespace: Namespace = None,
    reset_passwords: Annotated[
        bool,
        typer.Option(
            "--reset-passwords", help="Let the operator set new passwords, instead of asking for those that are in use."
        ),
    ] = False,
    output: OutputOfManifests = FormOfManifests.YAML,
    operator_namespace: OperatorNamespace = USUAL_NAMESPACE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Write manifests for what a cloud project already has, and no resource holds: they take it over as it is.

    They say `adoption: Required` (take it over, never create one) and `driftPolicy: Report` (change nothing). A plan is made for
    them, and must have nothing but these adoptions. Passwords are never told by the API: the Secrets that have to be there
    are listed.

    Exit codes: 0 the plan has nothing but adoptions; 1 it could not be found out, or only in part; 2 bad usage; 3 something is
    left out, or would be changed or refused: it is told.
    """

    async def work(person: Person) -> int:
        resources, notes = await everything_readable(person)
        choice = await chosen_project(person, project, dict(os.environ) if env else None, resources=resources)
        notes += choice.notes
        async with surveying(person.connection, choice, resources, operator_namespace) as survey:
            raw = await person.object("", "v1", "namespaces", None, person.namespace)
            survey.know_namespace(namespace_as_applied(person.namespace, raw, None))
            every = cloud_kinds(kinds())
            await survey.list_all(list(every.values()))
            unread = [told for kind in every.values() if (told := _unlisted(survey, kind)) is not None]
            is_default = choice.resource.stated.is_default
            imported = _imported(
                survey, person.namespace, None if is_default else choice.name, resets_passwords=reset_passwords
            )
            entries = await _proof(person, survey, imported)
        notes, odd = [*notes, *unread], [*imported.left_out, *_odd(entries)]
        if output is FormOfManifests.JSON:
            _write_json(imported, entries, notes, odd)
        else:
            _write(imported, person.namespace)
            _tell(entries, notes, odd)
        if odd:
            return FOUND
        return FAILED if unread else DONE

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


def _unlisted(survey: Survey, kind: CloudKind) -> str | None:
    told = survey.session.lists.why_unlisted(kind.collection.name)
    return None if told is None else f"{kind.name}s are left out: {told.message}"


def _imported(survey: Survey, namespace: str, project: str | None, *, resets_passwords: bool) -> Imported:
    view, every = survey.session.view, cloud_kinds(kinds())
    assert view is not None, "the project was opened"
    place = view.place

    def holder(kind: CloudKind, id_: str) -> ResourceKey | None:
        return survey.owners.holder(ObjectName(place, kind.collection.name, id_))

    importer = Importer(
        view,
        every,
        namespace,
        holder,
        [each.key for each in survey.resources()],
        project=project,
        resets_passwords=resets_passwords,
    )
    return importer.run({name: tuple(survey.session.lists.snapshot(kind).all()) for name, kind in every.items()})


async def _proof(person: Person, survey: Survey, imported: Imported) -> list[ResourcePlan]:
    """Return the plan for the manifests, as if the Secrets that they ask for were there."""
    wanted: list[Resource] = []
    for manifest in imported.manifests:
        key = ResourceKey(manifest["kind"], person.namespace, manifest["metadata"]["name"])
        told = await applied(person, kinds()[key.kind], key, manifest)
        if told.refusal is not None or told.resource is None:
            imported.left_out.append(f"{key}: {told.refusal}")
            continue
        wanted.append(told.resource)
        survey.put(told.resource)
    for secret in imported.secrets:
        survey.kube.secrets[person.namespace, secret.name] = _stand_in(person.namespace, secret)
    return await Planner(survey, wanted, finder(person)).plan()


def _stand_in(namespace: str, secret: AskedSecret) -> SecretContent:
    data = {PASSWORD_KEY: SecretStr("stands for the password that is in use")}
    return SecretContent(namespace, secret.name, "new", "1", "Opaque", {MANAGED_LABEL: GIVEN}, {}, data)


def _odd(entries: list[ResourcePlan]) -> list[str]:
    """Return what a plan has besides adoptions. That a given password is sent again changes nothing."""
    return [
        f"{entry.key}: {step.action}: {step.message}"
        for entry in entries
        for step in entry.steps
        if step.action not in (PlannedAction.ADOPT, PlannedAction.PASSWORD)
    ]


def _tell(entries: list[ResourcePlan], notes: list[str], odd: list[str]) -> None:
    """Say beside the manifests what their plan has."""
    for told in notes:
        note(told)
    for told in odd:
        typer.echo(visible(f"not as it is: {told}"), err=True)
    if not odd:
        adopted = sum(any(step.action is PlannedAction.ADOPT for step in entry.steps) for entry in entries)
        typer.echo(f"plan: {adopted} of {len(entries)} are taken over, and nothing is changed", err=True)


def _write_json(imported: Imported, entries: list[ResourcePlan], notes: list[str], odd: list[str]) -> None:
    secrets = [
        {"name": secret.name, "of": secret.of, "key": PASSWORD_KEY, "labels": {MANAGED_LABEL: GIVEN}}
        for secret in imported.secrets
    ]
    told = {"manifests": imported.manifests, "secrets": secrets, "plan": as_json(entries)}
    say_json({**told, "notAsItIs": odd, "notes": notes})


def _write(imported: Imported, namespace: str) -> None:
    for secret in imported.secrets:
        say(
            f"# {secret.of} needs its password, the one that is in use:\n"
            f"#   kubectl -n {namespace} create secret generic {secret.name} --from-literal={PASSWORD_KEY}=...\n"
            f"#   kubectl -n {namespace} label secret {secret.name} {MANAGED_LABEL}={GIVEN}"
        )
    say(
        yaml.safe_dump_all(imported.manifests, sort_keys=False, allow_unicode=False).rstrip("\n")
        or "# nothing to import"
    )
