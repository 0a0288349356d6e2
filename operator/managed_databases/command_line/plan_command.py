"""`managed-databases plan`: what the operator would do for manifests, before they are applied."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from managed_databases.command_line.cloud_options import (
    Env,
    OperatorNamespace,
    Project,
    everything_readable,
    finder,
    readable_projects,
)
from managed_databases.command_line.dry_run import applied, namespace_as_applied
from managed_databases.command_line.exit_codes import DONE, FOUND, IMPOSSIBLE, SERIOUS
from managed_databases.command_line.manifests import Manifests, read_manifests
from managed_databases.command_line.options import Context, Form, Kubeconfig, Namespace, Output, note, say, say_json
from managed_databases.command_line.person import Person, run_as_person
from managed_databases.command_line.plan import Planner, ResourcePlan, as_json, risk_name, rows, worst
from managed_databases.command_line.planning import Planned, PlannedAction
from managed_databases.command_line.problems import BadUsage, MissingRight
from managed_databases.command_line.project_choice import USUAL_NAMESPACE, chosen_project
from managed_databases.command_line.survey import surveying
from managed_databases.command_line.tables import table
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.verdicts import Reason, Risk
from managed_databases.kube.secret_content import secret_content
from managed_databases.reconcile.ports import Resource, SecretContent


def plan(
    files: Annotated[
        list[str],
        typer.Option(
            "--file", "-f", metavar="FILE|DIR|-", help="Manifests; may be given several times. -: standard input."
        ),
    ],
    project: Project = None,
    env: Env = False,
    namespace: Namespace = None,
    output: Output = Form.TABLE,
    operator_namespace: OperatorNamespace = USUAL_NAMESPACE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show what the operator would do for manifests, each step with its risk: none, online, restart, data loss.

    Nothing is changed: the API server checks the manifests by a dry run, if you may write them, and the cloud is only read. The
    operator's own rules decide.

    Exit codes: 0 nothing would be done; 1 it could not be found out; 2 bad usage, or a manifest that cannot be read; 3 something
    would be done, and nobody would notice; 4 something would be done that interrupts users, loses data or needs an approval; 5
    something cannot be carried out as it is, or refers to what there is not.
    """

    async def work(person: Person) -> int:
        read = read_manifests(files, person.namespace)
        if not read.resources:
            raise BadUsage(f"{', '.join(files)}: no manifest of ours")
        entries, notes = await make_plan(
            person, read, project, dict(os.environ) if env else None, operator_namespace=operator_namespace
        )
        if read.others:
            notes.append(f"{read.others} manifests of other kinds are left out")
        show_plan(entries, notes, output)
        return exit_code(entries)

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


@dataclass
class _Wished:
    """The resources as they would be, those that the API server refuses, and the projects among the manifests."""

    resources: list[Resource] = field(default_factory=list)
    refused: list[ResourcePlan] = field(default_factory=list)
    projects: dict[str, Resource] = field(default_factory=dict)
    unchecked: set[str] = field(default_factory=set)


async def make_plan(
    person: Person,
    read: Manifests,
    project: str | None,
    environment: Mapping[str, str] | None,
    *,
    operator_namespace: str,
) -> tuple[list[ResourcePlan], list[str]]:
    """Return the plan for the manifests, and notes on what is not known. Raises Problem."""
    wished = await _wished(person, read)
    resources, notes = await everything_readable(person)
    choice = await chosen_project(person, project, environment, wished.projects, resources)
    notes += choice.notes
    notes += sorted(wished.unchecked)
    async with surveying(person.connection, choice, resources, operator_namespace) as survey:
        survey.kube.secrets.update({place: _secret(raw, place) for place, raw in read.secrets.items()})
        for name in sorted({key.namespace for key in read.resources if key.namespace}):
            try:
                raw = await person.object("", "v1", "namespaces", None, name)
            except MissingRight:
                continue  # a project that lets namespaces in by their labels does not let in this one then
            survey.know_namespace(namespace_as_applied(name, raw, read.namespaces.get(name)))
        for resource in wished.resources:
            survey.put(resource)
        others = await readable_projects(person)
        for each in (*wished.projects.values(), *(others or ())):
            if survey.store.get(each.key) is None:
                survey.put(each)
        planner = Planner(survey, wished.resources, finder(person), knows_projects=others is not None)
        entries = await planner.plan()
    if any(entry.is_password_hidden for entry in entries):
        notes.append("you may not read Secrets: steps of passwords are left out")
    return [*entries, *wished.refused], notes


async def _wished(person: Person, read: Manifests) -> _Wished:
    wished = _Wished()
    for key, manifest in read.resources.items():
        told = await applied(person, kinds()[key.kind], key, manifest)
        if told.unchecked is not None:
            wished.unchecked.add(told.unchecked)
        if told.refusal is not None or told.resource is None:
            step = Planned(PlannedAction.BLOCKED, Risk.NONE, told.refusal or "it cannot be read", Reason.INVALID_SPEC)
            wished.refused.append(ResourcePlan(key, [step]))
        elif key.kind == PROJECT.name:
            wished.projects[key.name] = told.resource
        else:
            wished.resources.append(told.resource)
    return wished


def _secret(raw: Mapping[str, Any], place: tuple[str, str]) -> SecretContent:
    """Return a Secret of a manifest as the API server would have it."""
    metadata = {"uid": "new", "resourceVersion": "1", **(raw.get("metadata") or {})}
    metadata |= {"namespace": place[0], "name": place[1]}
    try:
        content = secret_content({**raw, "metadata": metadata})
    except (ValueError, TypeError, AttributeError, LookupError):
        raise BadUsage(f"the Secret {place[1]} cannot be read: its data are a mapping of base64") from None
    plain = {str(key): SecretStr(str(value)) for key, value in (raw.get("stringData") or {}).items()}
    return SecretContent(
        namespace=content.namespace,
        name=content.name,
        uid=content.uid,
        resource_version=content.resource_version,
        type=content.type,
        labels=content.labels,
        annotations=content.annotations,
        data={**content.data, **plain},
    )


def show_plan(entries: Sequence[ResourcePlan], notes: Sequence[str], output: Form) -> None:
    if output is Form.JSON:
        say_json({"plan": as_json(entries), "risk": risk_name(worst(entries)), "notes": list(notes)})
        return
    for each in notes:
        note(each)
    if any(entry.steps for entry in entries):
        say(table(("ACTION", "RISK", "RESOURCE", "CALL", "WHY"), rows(entries)))
    say(summary(entries))


def summary(entries: Sequence[ResourcePlan]) -> str:
    """Return how many steps of each sort there are, in one line."""
    counted = Counter(step.action for entry in entries for step in entry.steps)
    told = [f"{number} {action}" for action in PlannedAction if (number := counted.get(action))]
    at_rest = sum(entry.is_empty for entry in entries)
    told.append(f"{at_rest} as it is" if at_rest == 1 else f"{at_rest} as they are")
    risk = risk_name(worst(entries))
    return f"plan: {', '.join(told)}; {'no risk is known' if risk is None else f'the worst risk is {risk}'}"


def exit_code(entries: Sequence[ResourcePlan]) -> int:
    actions = {step.action for entry in entries for step in entry.steps}
    if not actions.isdisjoint((PlannedAction.BLOCKED, PlannedAction.MISSING)):
        return IMPOSSIBLE
    if (worst(entries) or Risk.NONE) >= Risk.RESTART or PlannedAction.APPROVE in actions:
        return SERIOUS
    return FOUND if actions else DONE
