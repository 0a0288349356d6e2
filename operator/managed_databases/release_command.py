"""`managed-databases release`: with the operator uninstalled, let deleted resources go. The cloud is not touched."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from managed_databases.command_line.options import named_resource
from managed_databases.command_line.problems import BadUsage
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.releasing import Held, held_resources, release, running_operator
from managed_databases.reconcile.ports import KubeError
from managed_databases.visible import visible

FAILED, BAD_USAGE, OPERATOR_RUNS = 1, 2, 3


@dataclass(frozen=True)
class _Wanted:
    """What is to be released. `names` empty: everything in the scope."""

    names: tuple[tuple[Kind, str], ...]
    namespace: str | None
    everything: bool

    def includes(self, held: Held) -> bool:
        return not self.names or (held.kind, held.name) in self.names

    def may_go(self, held: Held) -> bool:
        return held.is_deleting or self.everything


def release_command(
    resources: Annotated[
        list[str] | None, typer.Argument(metavar="[KIND/NAME]...", help="These, in --namespace.", show_default=False)
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Also those that are not being deleted; everywhere, or in --namespace.")
    ] = False,
    namespace: Annotated[str | None, typer.Option(help="Only this namespace.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="A kubeconfig file.")] = None,
    context: Annotated[
        str | None, typer.Option(help="A context of that kubeconfig, or else of $KUBECONFIG or ~/.kube/config.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if an operator runs, or nobody can tell.")] = False,
) -> None:
    """Remove the operator's finalizer from resources that are being deleted, so that they go, without the operator.

    The cloud is not asked: whatever it holds stays there, and is charged for. An operator that runs without leader
    election is not noticed: uninstall it first.

    Exit codes: 0 all that was asked for is released, or nothing had to be; 1 something was not (it is told); 2 bad
    usage, or not confirmed; 3 an operator runs, or nobody can tell.
    """
    wanted = _wanted(resources or [], namespace, everything=all_)
    if kubeconfig is None and context is None:
        raise _refused("name the cluster: --kubeconfig FILE, --context NAME, or both")
    path = kubeconfig or Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    try:
        code = asyncio.run(_release(KubeConnection.from_kubeconfig(path, context), wanted, yes=yes, force=force))
    except KubeError as error:
        _say(f"not all was released: {error}", err=True)
        raise typer.Exit(FAILED) from None
    raise typer.Exit(code)


def _wanted(resources: list[str], namespace: str | None, *, everything: bool) -> _Wanted:
    if resources and everything:
        raise _refused("either --all, or names")
    if not resources and not everything and namespace is None:
        raise _refused("say what to release: --all, --namespace NAMESPACE, or KIND/NAME with --namespace")
    if resources and namespace is None:
        raise _refused("say in which --namespace they are")
    return _Wanted(tuple(_named(each) for each in resources), namespace, everything)


def _named(told: str) -> tuple[Kind, str]:
    try:
        return named_resource(told, tuple(cloud_kinds(kinds()).values()))
    except BadUsage as wrong:
        raise _refused(str(wrong)) from None


def _say(text: str, *, err: bool = False) -> None:
    """Names and errors come from the cluster: whoever reads them has a terminal."""
    typer.echo(visible(text), err=err)


def _refused(text: str) -> typer.Exit:
    _say(text, err=True)
    return typer.Exit(BAD_USAGE)


async def _release(connection: KubeConnection, wanted: _Wanted, *, yes: bool, force: bool) -> int:
    try:
        server = await connection.server()
        found = [
            held
            async for held in held_resources(connection, kinds().values(), wanted.namespace)
            if wanted.includes(held)
        ]
        going = [held for held in found if wanted.may_go(held)]
        for kind, name in sorted(set(wanted.names) - {(held.kind, held.name) for held in found}, key=str):
            _say(f"{kind.name} {wanted.namespace}/{name}: is not there, or has no finalizer of ours")
        staying = [held for held in found if not wanted.may_go(held)] if wanted.names else []
        for held in staying:
            _say(f"{held}: stays as it is, because it is not being deleted: delete it first", err=True)
        if not going:
            _say(f"nothing to release at {server}")
            return FAILED if staying else 0
        if not force and (trouble := await _operator_trouble(connection)) is not None:
            _say(trouble, err=True)
            return OPERATOR_RUNS
        if not yes and not _confirmed(going, server):
            return BAD_USAGE
        for held in going:
            if await release(connection, held):
                _say(f"{held}: released{_left_behind(held)}")
        return FAILED if staying else 0
    finally:
        await connection.close()


async def _operator_trouble(connection: KubeConnection) -> str | None:
    try:
        holder = await running_operator(connection, lambda text: _say(text, err=True))
    except KubeError as error:
        return f"nobody can tell whether an operator runs ({error}): with --force this is not asked"
    if holder is None:
        return None
    return f"an operator runs ({holder}): it lets go by itself what is deleted; uninstall it first, or give --force"


def _confirmed(going: list[Held], server: str) -> bool:
    for held in going:
        _say(f"{held}{'' if held.is_deleting else ' (not being deleted)'}{_left_behind(held)}")
    question = f"release these {len(going)} at {server}? The cloud is not touched"
    if not sys.stdin.isatty():
        _say(f"{question}. Nobody can be asked here: give --yes", err=True)
        return False
    return typer.confirm(question)


def _left_behind(held: Held) -> str:
    return f"; the cloud keeps {held.cloud_id}" if held.cloud_id else ""
