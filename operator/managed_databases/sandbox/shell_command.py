"""`managed-databases sandbox shell`: a shell in which the names of a sandbox's servers resolve."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import httpx
import typer

HOSTS: Final = Path("/etc/hosts")
_MOUNT: Final = f'mount --bind "$1" {HOSTS} && shift && exec "$@"'
_LOOK_SECONDS: Final = 1.0
_ENDING: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)


class NoShell(Exception):
    """The text says why, and what else can be done."""


def shell(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="What to run; without it your shell.", show_default=False),
    ] = None,
    url: Annotated[str, typer.Option(help="Where the sandbox listens.")] = "http://127.0.0.1:8080",
) -> None:
    """Open a shell in which the names of the servers of `sandbox --engines --names` resolve.

    It has an /etc/hosts of its own, in a user and a mount namespace; nothing outside of it changes. Datastores that are made
    later get in within some seconds. This needs Linux and the program unshare, and no root.

    Exit codes: those of the command; 1 the sandbox does not answer, or such a shell cannot be had here.
    """
    try:
        code = _run(url.rstrip("/"), tuple(command or (os.environ.get("SHELL") or "/bin/sh",)))
    except (NoShell, httpx.HTTPError, OSError) as error:
        typer.echo(f"no shell with the names of {url}: {error}", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(code)


def _run(url: str, command: tuple[str, ...]) -> int:
    with tempfile.TemporaryDirectory(prefix="managed-databases-shell-") as folder:
        hosts = Hosts(Path(folder) / "hosts", url)
        hosts.look()
        way = _way(hosts.path, url)
        before = [(number, signal.getsignal(number)) for number in (*_ENDING, signal.SIGINT)]
        process = subprocess.Popen([*way, *command])

        def pass_on(number: int, _frame: FrameType | None) -> None:
            if number != signal.SIGINT:  # an interrupt comes from the terminal, which the command has
                process.send_signal(number)

        ended = threading.Event()
        looking = threading.Thread(target=hosts.keep, args=(ended,), daemon=True)
        try:
            for number, _ in before:
                signal.signal(number, pass_on)
            looking.start()
            code = process.wait()
        finally:
            ended.set()
            for number, handler in before:
                signal.signal(number, handler)
        return code if code >= 0 else 128 - code


class Hosts:
    """The /etc/hosts of the shell: a file that is changed in place, because it is mounted."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self._url = url
        self._written = ""

    def look(self) -> None:
        """Write what is there now. Raises httpx.HTTPError and NoShell."""
        answer = httpx.get(f"{self._url}/sandbox/hosts", trust_env=False, timeout=10)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NoShell("no sandbox of this version answers there")
        text = f"{HOSTS.read_text().rstrip()}\n{answer.raise_for_status().text}"
        if text != self._written:
            with self.path.open("r+b" if self._written else "wb") as file:
                file.write(text.encode())
                file.truncate()
            self._written = text

    def keep(self, ended: threading.Event) -> None:
        while not ended.wait(_LOOK_SECONDS):
            try:
                self.look()
            except (NoShell, httpx.HTTPError, OSError):
                continue  # the sandbox may come back


def _way(hosts: Path, url: str) -> tuple[str, ...]:
    """Return the beginning of a command line that runs the rest of it with these hosts. Raises NoShell."""
    said = ""
    for way in _ways(hosts):
        try:
            tried = subprocess.run([*way, "true"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise NoShell(f"the program unshare (of util-linux) is not here. {_otherwise(url)}") from None
        if tried.returncode == 0:
            return way
        said = tried.stderr.strip()
    raise NoShell(
        f"this machine lets nobody without root have an /etc/hosts of his own ({said}); it may forbid user namespaces, as Ubuntu "
        f"does by kernel.apparmor_restrict_unprivileged_userns. {_otherwise(url)}"
    )


def _ways(hosts: Path) -> Iterator[tuple[str, ...]]:
    inside = ("sh", "-c", _MOUNT, "sh", str(hosts))
    if os.geteuid() == 0:
        yield ("unshare", "--mount", *inside)
    root = ("unshare", "--user", "--map-root-user", "--mount", *inside)
    yield (*root, "unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}")
    yield root


def _otherwise(url: str) -> str:
    return (
        "Start the sandbox without --names: then datastores have addresses. Or add the names to the machine's own /etc/hosts: "
        f"curl -s {url}/sandbox/hosts | sudo tee -a {HOSTS}"
    )
