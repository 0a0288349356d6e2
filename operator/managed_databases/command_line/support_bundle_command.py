"""`managed-databases support-bundle`: what somebody who helps needs to see, without any secret."""

import os
import platform
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from pydantic import SecretStr

from managed_databases.command_line.bundle import Bundle, bare, deployment_told, only_names, packed
from managed_databases.command_line.bundle_secrets import (
    secrets_of,
    secrets_of_environment,
    secrets_of_kubeconfig,
)
from managed_databases.command_line.cloud_options import OperatorNamespace
from managed_databases.command_line.exit_codes import DONE
from managed_databases.command_line.options import Context, Kubeconfig, Namespace, say
from managed_databases.command_line.person import Person, run_as_person, usual_kubeconfigs
from managed_databases.command_line.problems import BadUsage, MissingRight, NotInstalled, Problem
from managed_databases.command_line.project_choice import USUAL_NAMESPACE
from managed_databases.command_line.versions import program_version
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.kube.leadership import LEASE_NAME
from managed_databases.kube.secret_content import secret_content
from managed_databases.reconcile.ports import MANAGED_LABEL, KubeError

MAX_LOG_LINES: Final = 20_000
MAX_LOG_BYTES: Final = 8 * 2**20
HELM: Final = "helm.sh/release.v1"
"""The type of Secrets that hold whole charts, packed: nobody would find a part of such a value anywhere."""
_OPERATOR: Final = "app.kubernetes.io/name=managed-databases-operator"


def support_bundle(
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="The archive to write; else one of a new name in this folder.")
    ] = None,
    namespace: Namespace = None,
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Resources of all namespaces.")
    ] = False,
    log: Annotated[
        list[Path] | None,
        typer.Option(help="A log of the operator, where it runs outside of the cluster; may be given several times."),
    ] = None,
    operator_namespace: OperatorNamespace = USUAL_NAMESPACE,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Write an archive for whoever helps: resources with statuses, Events, logs, versions, and no secret.

    What you may not read is left out, and the archive says so. Passwords and tokens that you may read are searched for in
    all of it, in every spelling, and masked.

    Exit codes: 0 the archive is written; 1 it could not be made, or you may read nothing of what belongs into it; 2 bad usage, or
    no such namespace.
    """
    at = datetime.now(UTC)
    name = f"managed-databases-support-{at:%Y%m%d-%H%M%S}"
    path = file or Path(f"{name}.tar.gz")
    if path.exists():
        raise BadUsage(f"{path} exists: name another file with --file")
    logs = [(each.name, read_log(each)) for each in log or ()]

    async def work(person: Person) -> int:
        bundle = Bundle()
        bundle.secrets += secrets_of_environment(os.environ)
        for used in [kubeconfig] if kubeconfig is not None else usual_kubeconfigs(os.environ):
            bundle.secrets += secrets_of_kubeconfig(_kubeconfig(used), used.parent)
        with suppress(KubeError):  # whatever asks the API server tells the same
            bundle.secrets += [SecretStr(word) for word in (await person.connection.authorization() or "").split()[1:]]
        for told, text in logs:
            bundle.add_text(f"logs/{told}", text)
        await _gather(person, bundle, None if all_namespaces else person.namespace, operator_namespace)
        if not bundle.has_read and not logs:
            raise Problem(f"nothing could be read, so nothing is written: {bundle.notes[-1]}")
        _write(path, packed(bundle.masked_files(at), name, at))
        for note in bundle.notes:
            typer.echo(f"not had: {note}", err=True)
        say(f"wrote {path} ({len(bundle.files) + 1} files). Look through it before you give it to anybody.")
        return DONE

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


def read_log(path: Path, most: int = MAX_LOG_BYTES) -> str:
    """Return the last lines of a log. A line that is cut is left out: nobody would find the rest of a secret in it."""
    try:
        with path.open("rb") as opened:
            left_out = max(0, path.stat().st_size - most)
            opened.seek(left_out)
            content = opened.read()
            return (content.partition(b"\n")[2] if left_out else content).decode(errors="replace")
    except OSError as error:
        raise BadUsage(f"{path} cannot be read: {error.strerror}") from None


def _kubeconfig(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _write(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from None


async def _gather(person: Person, bundle: Bundle, namespace: str | None, operator_namespace: str) -> None:
    bundle.add_json("versions.json", await _versions(person, bundle))
    if namespace is not None:
        await person.must_have(namespace)
    namespaces: set[str] = set()
    for kind in kinds().values():
        found = await _list(person, bundle, GROUP, VERSION, kind.plural, namespace if kind.namespaced else None)
        if found:
            bundle.add_json(f"resources/{kind.plural}.json", [bare(each) for each in found])
            namespaces |= {place for each in found if (place := each["metadata"].get("namespace"))}
    events = await _list(person, bundle, "", "v1", "events", namespace)
    ours = [each for each in events if each.get("involvedObject", {}).get("kind") in kinds()]
    namespaces |= {person.namespace, *(each["metadata"]["namespace"] for each in ours)}
    bundle.add_json("events.json", [bare(each) for each in ours])
    secrets = await gathered_secrets(person, bundle, namespace, operator_namespace, namespaces)
    for each in secrets:
        bundle.secrets += secrets_of(secret_content(each))
    labelled = [each for each in secrets if MANAGED_LABEL in (each["metadata"].get("labels") or {})]
    bundle.add_json("secrets.json", [only_names(each) for each in labelled])
    await _gather_operator(person, bundle, operator_namespace)


async def gathered_secrets(
    person: Person, bundle: Bundle, namespace: str | None, operator_namespace: str, namespaces: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the Secrets of the namespace (None: of all) and of the operator's own, labelled or not, without those of Helm.

    Who may not list those of all namespaces gets those of the `namespaces` that have resources, as far as they may be read.
    """
    pages: list[Iterable[dict[str, Any]]] = []
    places = [operator_namespace]
    try:
        pages.append(await person.objects("", "v1", "secrets", namespace, fieldSelector=f"type!={HELM}"))
    except (MissingRight, NotInstalled) as missing:
        bundle.notes.append(str(missing))
        if namespace is None:
            places += sorted({*namespaces} - {operator_namespace})
    for place in places:
        pages.append(await _list(person, bundle, "", "v1", "secrets", place, fieldSelector=f"type!={HELM}"))
    return list({each["metadata"]["uid"]: each for page in pages for each in page if each.get("type") != HELM}.values())


async def _gather_operator(person: Person, bundle: Bundle, namespace: str) -> None:
    try:
        lease = await person.object("coordination.k8s.io", "v1", "leases", namespace, LEASE_NAME)
        bundle.add_json("installation/lease.json", None if lease is None else bare(lease))
    except MissingRight as missing:
        bundle.notes.append(str(missing))
    deployments = await _list(person, bundle, "apps", "v1", "deployments", namespace, labelSelector=_OPERATOR)
    bundle.add_json("installation/deployments.json", [deployment_told(each) for each in deployments])
    for pod in await _list(person, bundle, "", "v1", "pods", namespace, labelSelector=_OPERATOR):
        name = pod["metadata"]["name"]
        bundle.add_json(f"installation/pods/{name}.json", pod.get("status"))
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
        for previous in ("false", "true"):
            query = {"tailLines": str(MAX_LOG_LINES), "limitBytes": str(MAX_LOG_BYTES), "previous": previous}
            try:
                text = await person.text(path, "pods/log", namespace, query)
            except Problem as problem:
                if previous == "false":  # mostly there is no previous one
                    bundle.notes.append(f"the log of {name}: {problem}")
                continue
            if len(text.encode(errors="replace")) >= MAX_LOG_BYTES:
                text = text[: text.rfind("\n") + 1]  # the last line is cut
            if text:
                bundle.add_text(f"logs/{name}{'.previous' if previous == 'true' else ''}.log", text)


async def _list(
    person: Person, bundle: Bundle, group: str, version: str, plural: str, namespace: str | None, **query: str
) -> Iterable[dict[str, Any]]:
    try:
        found = await person.objects(group, version, plural, namespace, **query)
        bundle.has_read = True
        return found
    except (MissingRight, NotInstalled) as missing:
        bundle.notes.append(str(missing))
        return ()


async def _versions(person: Person, bundle: Bundle) -> dict[str, Any]:
    told: dict[str, Any] = {
        "program": program_version(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
    }
    for name, path in (("kubernetes", "/version"), ("api", f"/apis/{GROUP}")):
        try:
            told[name] = await person.ask(path, "get", path, None, {})
        except Problem as problem:
            bundle.notes.append(str(problem))
    return told
