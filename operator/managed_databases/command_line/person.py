"""Reads a cluster with the rights of whoever has typed the command, and with no others."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NoReturn

import aiohttp
import typer
import yaml

from managed_databases.command_line.problems import BadUsage, MissingRight, NotInstalled, Problem
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.cache import resource_of
from managed_databases.kube.connection import KubeConnection, NotConfigured
from managed_databases.kube.refusals import error_for
from managed_databases.kube.watched_collections import collection_path, object_path
from managed_databases.reconcile.ports import KubeError, KubeForbidden, KubeNotLoggedIn, NotThere, Resource, ResourceKey

Raw = dict[str, Any]
PAGE: Final = 500
TEXT_SECONDS: Final = 60.0
_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Person:
    """What one person sees of a cluster. Each method raises Problem, and nothing else."""

    def __init__(self, connection: KubeConnection, namespace: str) -> None:
        self.connection = connection
        self.namespace = namespace

    async def resources(self, kind: Kind, namespace: str | None) -> list[Resource]:
        """List the resources of a kind, in a namespace or in all. Raises NotInstalled."""
        place = namespace if kind.namespaced else None
        found = await self.objects(GROUP, VERSION, kind.plural, place)
        return [resource_of(raw, _key(kind, raw)) for raw in found]

    async def resource(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """Return one resource; None if there is none. Raises NotInstalled."""
        place, named = namespace if kind.namespaced else None, f"{kind.plural}.{GROUP}"
        path = object_path(GROUP, VERSION, kind.plural, place, name)
        try:
            raw = await self.connection.request("GET", path)
        except NotThere as error:
            if f'"{name}" not found' not in str(
                error
            ):  # not the API server's word on an object of a kind that it knows
                raise NotInstalled(named) from None
            return None
        except KubeError as error:
            raise await self._problem(error, "get", named, namespace) from error
        return resource_of(raw, _key(kind, raw))

    async def objects(self, group: str, version: str, plural: str, namespace: str | None, **query: str) -> list[Raw]:
        """List objects of any kind, page by page. Raises NotInstalled if the cluster does not know the kind."""
        path, found = collection_path(group, version, plural, namespace), []
        asked: dict[str, str] = {"limit": str(PAGE), **query}
        named = f"{plural}.{group}" if group else plural
        while True:
            try:
                page = await self.connection.request("GET", path, query=asked)
            except NotThere:
                raise NotInstalled(named) from None
            except KubeError as error:
                raise await self._problem(error, "list", named, namespace) from error
            found += page["items"]
            if not (more := page["metadata"].get("continue")):
                return found
            asked["continue"] = more

    async def object(self, group: str, version: str, plural: str, namespace: str | None, name: str) -> Raw | None:
        """Return one object of any kind; None if there is none."""
        path = object_path(group, version, plural, namespace, name)
        try:
            return dict(await self.connection.request("GET", path))
        except NotThere:
            return None
        except KubeError as error:
            raise await self._problem(error, "get", f"{plural}.{group}" if group else plural, namespace) from error

    async def must_have(self, namespace: str) -> None:
        """Raise BadUsage if there is no such namespace; whoever may not see it may still use it."""
        with suppress(MissingRight):
            if await self.object("", "v1", "namespaces", None, namespace) is None:
                raise BadUsage(f"there is no namespace {namespace}: -n names another one, -A means all")

    async def ask(self, path: str, verb: str, plural: str, namespace: str | None, query: Mapping[str, str]) -> Any:
        """Send one more reading request."""
        try:
            return await self.connection.request("GET", path, query=query)
        except KubeError as error:
            raise await self._problem(error, verb, plural, namespace) from error

    async def text(self, path: str, plural: str, namespace: str | None, query: Mapping[str, str]) -> str:
        """Read something that is no JSON, such as a log."""
        server, authorization = await self._way()
        headers = {"Authorization": authorization} if authorization else {}
        try:
            async with (
                asyncio.timeout(TEXT_SECONDS),
                await self.connection.open_session() as session,
                session.get(f"{server}{path}", params=query, headers=headers) as answer,
            ):
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Problem(f"Kubernetes does not answer: GET {path}: {type(error).__name__}") from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise await self._problem(error_for(f"GET {path}", answer.status, content), "get", plural, namespace)
        return content.decode(errors="replace")

    async def _way(self) -> tuple[str, str | None]:
        try:
            return await self.connection.server(), await self.connection.authorization()
        except KubeError as error:
            raise await self._problem(error, "reach", "the cluster", None) from error

    async def _problem(self, error: KubeError, verb: str, plural: str, namespace: str | None) -> Problem:
        if isinstance(error, KubeForbidden):
            return MissingRight(verb, plural, namespace)
        return await unanswered(self.connection, error)


def _key(kind: Kind, raw: Raw) -> ResourceKey:
    return ResourceKey(kind.name, raw["metadata"].get("namespace") or "", raw["metadata"]["name"])


async def unanswered(connection: KubeConnection, error: KubeError) -> Problem:
    """Return why Kubernetes does not answer as it should, and what to do about it."""
    if isinstance(error, NotConfigured):
        return BadUsage(str(error))
    try:
        server = f"the API server {await connection.server()} of {connection.source}"
    except KubeError as unusable:
        return BadUsage(str(unusable))
    if isinstance(error, KubeNotLoggedIn):
        return Problem(
            f"{server} does not take your login, which may have expired: log in again, or name another context"
        )
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError | TimeoutError | OSError):
        told = "no answer in time" if isinstance(cause, TimeoutError) else str(cause) or type(cause).__name__
        return Problem(f"{server} cannot be reached ({told}): is this the right cluster, and is there a way to it?")
    return Problem(f"Kubernetes does not answer as it should: {server}: {error}")


def run_as_person(
    work: Callable[[Person], Awaitable[int]], *, kubeconfig: Path | None, context: str | None, namespace: str | None
) -> NoReturn:
    """Do the work as the person whom the kubeconfig names, and end the process with the exit code that it returns."""

    async def go() -> int:
        person = person_of(kubeconfig, context, namespace)
        try:
            return await work(person)
        finally:
            await person.connection.close()

    raise typer.Exit(asyncio.run(go()))


def person_of(kubeconfig: Path | None, context: str | None, namespace: str | None) -> Person:
    """Return the person of a kubeconfig, which is found as kubectl does; in a Pod without one, its service account.

    Raises BadUsage.
    """
    paths = [kubeconfig] if kubeconfig is not None else usual_kubeconfigs(os.environ)
    there = [path for path in paths if path.is_file()]
    if not there and kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        here = _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.is_file() else "default"
        return Person(KubeConnection.in_cluster(), namespace or here)
    if not there:
        raise BadUsage(f"there is no kubeconfig file {paths[0]}: name one with --kubeconfig")
    path, its_namespace = chosen_kubeconfig(there, context)
    return Person(KubeConnection.from_kubeconfig(path, context), namespace or its_namespace or "default")


def usual_kubeconfigs(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that $KUBECONFIG names, or else ~/.kube/config."""
    named = [Path(each) for each in environment.get("KUBECONFIG", "").split(os.pathsep) if each]
    return named or [Path.home() / ".kube" / "config"]


def chosen_kubeconfig(paths: list[Path], context: str | None) -> tuple[Path, str | None]:
    """Return the first file that has the context (None: a current one), and the namespace of that context.

    Raises BadUsage.
    """
    for path in paths:
        try:
            content = yaml.safe_load(path.read_text())
        except (OSError, ValueError, yaml.YAMLError):
            raise BadUsage(f"{path} cannot be read as a kubeconfig") from None
        told = content if isinstance(content, dict) else {}
        wanted = context or told.get("current-context")
        for each in told.get("contexts") or ():
            if wanted and isinstance(each, dict) and each.get("name") == wanted:
                return path, (each.get("context") or {}).get("namespace")
    if context is not None:
        raise BadUsage(f"no context {context} in {', '.join(map(str, paths))}")
    raise BadUsage(f"no current context in {', '.join(map(str, paths))}: name one with --context")
