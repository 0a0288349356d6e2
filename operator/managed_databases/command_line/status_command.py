"""`managed-databases status`: a project at a glance."""

import os
from datetime import UTC, datetime
from typing import Annotated, Final

import httpx
import typer

from managed_databases.command_line.cloud_options import OperatorNamespace, Project
from managed_databases.command_line.exit_codes import DONE, FAILED, FOUND, SERIOUS
from managed_databases.command_line.glance import Glance, Leader, Spending, as_json, counts, page, spending, troubles
from managed_databases.command_line.options import Context, Form, Kubeconfig, Namespace, Output, say, say_json
from managed_databases.command_line.person import Person, run_as_person
from managed_databases.command_line.problems import BadUsage, MissingRight, NoDefault, NotInstalled, Problem
from managed_databases.command_line.project_choice import USUAL_NAMESPACE, read_project
from managed_databases.command_line.standing import State, standing_of
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.leadership import LEASE_NAME
from managed_databases.reconcile.ports import Resource

TOKEN: Final = "MANAGED_DATABASES_METRICS_TOKEN"
_LIMIT_SECONDS: Final = 10.0
_MAX_BYTES: Final = 16 * 2**20


def status(
    project: Project = None,
    namespace: Namespace = None,
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Resources of all namespaces.")
    ] = False,
    output: Output = Form.TABLE,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The operator's metrics, such as http://127.0.0.1:8443/metrics behind a kubectl port-forward: with them the "
            f"calls that are left and the ages of lists are shown. {TOKEN} may hold a token for them.",
        ),
    ] = None,
    operator_namespace: OperatorNamespace = USUAL_NAMESPACE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show a project at a glance: resources by their states, what is not ready, quotas, and who leads.

    Exit codes: 0 all is ready; 1 it could not be found out, or a right is missing; 2 bad usage, or no such namespace; 3 something
    waits, or is ready and should be mended; 4 something needs a person.
    """
    if metrics is not None and not metrics.startswith(("http://", "https://")):
        raise BadUsage(f"--metrics {metrics}: an address is meant, with http:// or https://")

    async def work(person: Person) -> int:
        found, unknown = await _project(person, project)
        name = found.key.name if found is not None else project
        place = None if all_namespaces else person.namespace
        resources = [
            each
            for kind in cloud_kinds(kinds()).values()
            for each in await _listed(person, kind.name, place)
            if name is None or _is_in(each, name, found)
        ]
        if place is not None and not resources:
            await person.must_have(place)
        glance = Glance(
            name=name or "(all)",
            project=found,
            project_unknown=unknown,
            counts=counts(resources),
            troubles=troubles(resources),
            leader=await _leader(person, operator_namespace),
            spending=Spending(unknown="--metrics is not given") if metrics is None else await _spending(metrics, name),
        )
        if output is Form.JSON:
            say_json(as_json(glance))
        else:
            say(page(glance, datetime.now(UTC)))
        return exit_code(glance)

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


def exit_code(glance: Glance) -> int:
    if glance.project is None and not glance.counts:
        return FAILED  # neither the project nor a resource tells anything
    states = {each.state for each in glance.troubles}
    if glance.project is not None:
        states |= {standing_of(glance.project).state} - {State.READY}
    if State.STALLED in states:
        return SERIOUS
    return FOUND if states else DONE


async def _project(person: Person, name: str | None) -> tuple[Resource | None, str]:
    """Return the DatabaseProject, the named one or the default one; None, and why it is not known, if it may not be read, or if
    there is no default.
    """
    try:
        return await read_project(person, name), ""
    except MissingRight:
        return None, "you may not read DatabaseProjects"
    except NoDefault as none:
        return None, str(none)


async def _listed(person: Person, kind: str, namespace: str | None) -> list[Resource]:
    try:
        return await person.resources(kinds()[kind], namespace)
    except NotInstalled:
        return []


def _is_in(resource: Resource, name: str, project: Resource | None) -> bool:
    """Return whether the resource is in the project, as far as it says so: what says nothing may be in the default one."""
    told = resource.told.project or resource.stated.project
    return told == name or (told is None and (project is None or project.stated.is_default))


async def _leader(person: Person, namespace: str) -> Leader:
    try:
        lease = await person.object("coordination.k8s.io", "v1", "leases", namespace, LEASE_NAME)
    except MissingRight as missing:
        return Leader(unknown=f"you may not {missing.verb} {missing.plural} in {namespace}")
    spec = (lease or {}).get("spec") or {}
    return Leader(spec.get("holderIdentity") or "", spec.get("renewTime"), int(spec.get("leaseDurationSeconds") or 0))


async def _spending(url: str, project: str | None) -> Spending:
    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with httpx.AsyncClient(timeout=_LIMIT_SECONDS, trust_env=False) as http:
            answer = await http.get(url, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Problem(f"the metrics at {url} cannot be read: {type(error).__name__}") from None
    if answer.status_code != httpx.codes.OK or len(answer.content) > _MAX_BYTES:
        raise Problem(f"the metrics at {url} cannot be read: status {answer.status_code}")
    try:
        return spending(answer.text, project or "")
    except ValueError:
        raise Problem(f"what {url} answers are no metrics") from None
