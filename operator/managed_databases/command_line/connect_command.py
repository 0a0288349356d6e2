"""`managed-databases connect`: a database's own client, with the login that the operator keeps."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from managed_databases.command_line.client_sessions import NO_FORWARD, ClientSession, SecretLogin, is_port, session
from managed_databases.command_line.exit_codes import FAILED
from managed_databases.command_line.options import Context, Kubeconfig, Namespace, named_resource
from managed_databases.command_line.person import Person, run_as_person
from managed_databases.command_line.problems import BadUsage, Problem
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.secret_content import secret_content
from managed_databases.program_name import called
from managed_databases.reconcile.ports import Resource
from managed_databases.visible import visible

_FORWARDING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")
_FORWARD_SECONDS: Final = 30.0
_ENDING: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)


def connect(
    user: Annotated[
        str,
        typer.Argument(metavar="USER", help="A DatabaseUser by its name, or KIND/NAME, such as mds/cache for a Redis."),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- ARGUMENT...]", help="Arguments for the client, such as -- -c 'select 1'.", show_default=False
        ),
    ] = None,
    namespace: Namespace = None,
    port_forward: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET[:PORT]",
            help="Connect through `kubectl port-forward` to this Pod, svc/NAME or deploy/NAME, which leads to the database. PORT "
            "is its port; else the database's.",
        ),
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Open psql, mysql, redis-cli, or for Kafka a shell, with the login of a credentials Secret.

    You need the right to read that Secret, and the client in PATH. The password is in no argument of a process, and files with
    it are removed at the end.

    Exit codes: those of the client; 1 it could not be started, or a right is missing; 2 bad usage.
    """
    kind, name = _wanted(user)
    further = tuple(arguments or ())

    async def work(person: Person) -> int:
        with passing_signals_on() as client:
            return await opened(person, client)

    async def opened(person: Person, client: "ClientProcess") -> int:
        found = await person.resource(kind, person.namespace, name)
        if found is None:
            raise BadUsage(
                f"there is no {kind.name} {name} in the namespace {person.namespace}{await _meant(person, kind, name)}"
            )
        data = await _data(person, found)
        if port_forward is None:
            return run_client(data, further, None, client)
        if data.get("type") == "kafka":
            raise BadUsage(NO_FORWARD)
        target, _, port = port_forward.partition(":")
        if port and not is_port(port):
            raise BadUsage(f"{port_forward}: a port is a number from 1 to 65535")
        async with _forwarded(person, target, port or data.get("port", ""), kubeconfig, context) as local:
            return run_client(data, further, local, client)

    run_as_person(work, kubeconfig=kubeconfig, context=context, namespace=namespace)


def _wanted(told: str) -> tuple[Kind, str]:
    with_login = tuple(each for each in cloud_kinds(kinds()).values() if each.credential is not None)
    if "/" not in told:
        return kinds()["DatabaseUser"], told
    return named_resource(told, with_login)


async def _meant(person: Person, kind: Kind, name: str) -> str:
    """Return what may have been meant by a name that no resource of the kind has."""
    other = kinds()["ManagedDatastore" if kind.name == "DatabaseUser" else "DatabaseUser"]
    found = await person.resource(other, person.namespace, name)
    if found is None:
        return ""
    return f". There is a {other.name} {name}: " + (
        _of_its_users(name) if _has_users(found) else f"{_short(other)}/{name}"
    )


def _has_users(resource: Resource) -> bool:
    """Return whether it is a datastore without a login of its own: only Redis has one."""
    engine = (resource.spec.get("engine") or {}).get("type")
    return resource.key.kind == "ManagedDatastore" and engine is not None and engine != "redis"


def _of_its_users(datastore: str) -> str:
    return f"{datastore} has no login of its own, so name a DatabaseUser in it (kubectl get databaseusers lists them)"


def _short(kind: Kind) -> str:
    return (*kind.short_names, kind.singular)[0]


async def _data(person: Person, resource: Resource) -> dict[str, str]:
    """Return the content of the credentials Secret of a resource."""
    name = resource.told.binding_name
    if name is None:
        if _has_users(resource):
            raise BadUsage(_of_its_users(str(resource.key)))
        kind = f"{resource.key.kind.lower()}/{resource.key.name}"
        raise Problem(f"{resource.key} has no credentials Secret yet: {called()} explain {kind} tells why")
    raw = await person.object("", "v1", "secrets", resource.key.namespace, name)
    if raw is None:
        raise Problem(f"the Secret {name} does not exist: the operator makes it again")
    return {key: value.get_secret_value() for key, value in secret_content(raw).data.items()}


class ClientProcess:
    """The client's process, for the signals that end a process: they are passed on to it, and before it runs they end the
    command. Either way the files with the password go.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = self._ends = False
        self._waiting: list[int] = []

    def pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._process is not None:
            self._process.send_signal(number)
        elif self._starts:
            self._waiting.append(number)
        elif not self._ends:
            self._ends = True
            raise SystemExit(128 + number)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run it until it ends; return its exit code."""
        self._starts = True
        self._process = subprocess.Popen(arguments, env=environment)
        for number in self._waiting:
            self._process.send_signal(number)
        return self._process.wait()


@contextmanager
def passing_signals_on() -> Iterator[ClientProcess]:
    """Have the signals that would end this process passed on to the client. One that is ignored (nohup) stays so."""
    client = ClientProcess()
    before = {each: signal.getsignal(each) for each in _ENDING}
    before = {each: handler for each, handler in before.items() if handler is not signal.SIG_IGN}
    try:
        for each in before:
            signal.signal(each, client.pass_on)
        yield client
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run_client(data: dict[str, str], further: tuple[str, ...], local_port: int | None, client: ClientProcess) -> int:
    """Run the client until it ends; return its exit code. Its files are gone then."""
    with tempfile.TemporaryDirectory(prefix="managed-databases-") as folder:
        login = SecretLogin(data, folder, local_port)
        shell, is_mariadb = os.environ.get("SHELL") or "/bin/sh", data.get("type") == "mysql" and _is_mariadb()
        wanted = session(login, further, shell=shell, is_mariadb=is_mariadb)
        if shutil.which(wanted.program) is None:
            raise Problem(f"{wanted.program} is not in PATH: install it")
        for name, content in wanted.files.items():
            path = Path(folder) / name
            path.touch(0o600)
            path.write_text(content, encoding="utf-8")
        if wanted.hint:
            typer.echo(visible(wanted.hint), err=True)
        return _until_it_ends(wanted, client)


def _until_it_ends(wanted: ClientSession, client: ClientProcess) -> int:
    """Run the client. An interrupt is for the client, which has the terminal, and not for whoever has started it."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)  # the client begins without a handler
    try:
        code = client.run(wanted.arguments, wanted.environment_in(os.environ))
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else FAILED


def _is_mariadb() -> bool:
    program = shutil.which("mysql")
    if program is None:
        return False
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return "MariaDB" in told.stdout


@asynccontextmanager
async def _forwarded(
    person: Person, target: str, port: str, kubeconfig: Path | None, context: str | None
) -> AsyncIterator[int]:
    """Run kubectl port-forward, and yield the local port. Raises Problem."""
    program = shutil.which("kubectl")
    if program is None:
        raise Problem("kubectl is not in PATH: a port-forward needs it")
    command = [program, "port-forward", "--namespace", person.namespace, "--address", "127.0.0.1", target, f":{port}"]
    command += [] if kubeconfig is None else ["--kubeconfig", str(kubeconfig)]
    command += [] if context is None else ["--context", context]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # an interrupt is for the client alone
    )
    try:
        yield await _local_port(process, target)
    finally:
        if process.returncode is None:
            # Not `terminate`, which collects a child that has just ended, and asyncio then warns of an unknown one.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        await process.wait()


async def _local_port(process: asyncio.subprocess.Process, target: str) -> int:
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_FORWARD_SECONDS):
            line = (await process.stdout.readline()).decode(errors="replace")
            if (found := _FORWARDING.match(line)) is not None:
                return int(found[1])
            why = (await process.stderr.read()).decode(errors="replace").strip()
    except TimeoutError:
        why = f"not within {_FORWARD_SECONDS:.0f} s"
    raise Problem(f"the port-forward to {target} does not work: {why or line.strip()}")
