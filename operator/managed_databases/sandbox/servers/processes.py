"""Server processes: without root's rights, and never longer than the sandbox."""

import asyncio
import ctypes
import os
import pwd
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from managed_databases.sandbox.backing import ChangeRefused

_PR_SET_PDEATHSIG: Final = 1
_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.03
_STOP_SECONDS: Final = 20.0
_RUN_SECONDS: Final = 120.0
_TAIL_BYTES: Final = 4000


@dataclass(frozen=True)
class Account:
    """The user that servers run as."""

    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Give a file or a folder to the account."""
        os.chown(path, self.uid, self.gid)


def unprivileged() -> Account | None:
    """Return the account for servers; None if the sandbox itself has no special rights: then its own. Servers refuse to run as
    root.
    """
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


class Process:
    """One server process. It gets `end` as soon as the sandbox is gone, for whatever reason (Linux)."""

    def __init__(self, name: str, account: Account | None, log: Path, end: signal.Signals = signal.SIGTERM) -> None:
        self.name = name
        self.log = log
        self._account = account
        self._end = end
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.runs else None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(
        self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it, with what it says in `log`. Raises ChangeRefused."""
        self._process = await _started(command, folder, environment, self._account, self.log, self._end)

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self.runs:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """End it, at last by force; returns when it is gone."""
        if self._process is None or not self.runs:
            return
        self._process.send_signal(self._end)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def check_runs(self) -> None:
        """Raise ChangeRefused, with the end of its log, if it has ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise ChangeRefused(f"{self.name} ended with {self._process.returncode}. Its log ends: {tail(self.log)}")


async def until_answers(
    process: Process, answers: Callable[[], Awaitable[bool]], seconds: float = _START_SECONDS
) -> None:
    """Wait until a server that was just started answers. Raises ChangeRefused if it ends, or takes too long; then it is ended."""
    try:
        async with asyncio.timeout(seconds):
            while not await answers():
                process.check_runs()
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError as error:
        await process.stop()
        raise ChangeRefused(f"{process.name} did not answer within {seconds:.0f} s") from error


async def run(
    command: Sequence[str | Path],
    folder: Path,
    log: Path,
    account: Account | None,
    environment: Mapping[str, str] | None = None,
    given: Path | None = None,
) -> None:
    """Run a program to its end; it reads `given`. Raises ChangeRefused, with the log's end, if it fails or takes long."""
    process = await _started(command, folder, environment, account, log, signal.SIGKILL, given)
    name = Path(command[0]).name
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            code = await process.wait()
    except BaseException as error:
        process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise ChangeRefused(f"{name} took more than {_RUN_SECONDS:.0f} s") from error
        raise
    if code:
        raise ChangeRefused(f"{name} ended with {code}. Its log ends: {tail(log)}")


def tail(log: Path) -> str:
    """Return the last words of a log, without Java's lines of where it was."""
    try:
        text = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
    except OSError:
        return "(no log)"
    lines = [line.strip() for line in text.strip().splitlines() if not line.startswith("\tat ")]
    return " | ".join(lines[-5:])


async def _started(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str] | None,
    account: Account | None,
    log: Path,
    end: signal.Signals,
    given: Path | None = None,
) -> asyncio.subprocess.Process:
    rights: dict[str, Any] = {}
    if account is not None:
        rights = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with log.open("ab") as output, (given or Path(os.devnull)).open("rb") as read:
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                stdin=read,
                stdout=output,
                stderr=output,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C", **(environment or {})},
                start_new_session=True,  # Ctrl-C on the terminal is for the sandbox, which ends its servers in order
                preexec_fn=_ends_with_us(end),
                **rights,
            )
        except OSError as error:
            raise ChangeRefused(f"{command[0]} cannot be started: {error.strerror}") from error


def _ends_with_us(end: signal.Signals) -> Callable[[], None]:
    """Return what a child does before it becomes another program. Nothing is imported or looked up in the child."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:  # it has died before we could ask
            os._exit(1)

    return ask
