"""Shows a password that changes by two users who take turns, while an application writes; also while the operator is killed."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from managed_databases.demo.application import TABLE, connected
from managed_databases.demo.cluster_access import Applied, ClusterAccess
from managed_databases.demo.mount import Mount
from managed_databases.demo.processes import RunningOperator, stop
from managed_databases.demo.progress_table import condition
from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.ports import KubeUnreachable

OWNER: Final = "shop-user"
"""The Secret of the database's owner, who makes the table."""
WRITER: Final = "writer"
_LOOK_SECONDS: Final = 0.2
_TURN_SECONDS: Final = 120.0
_ROWS_BETWEEN: Final = 4
_KILL_AFTER_SECONDS: Final = (0.3, 0.9)

Say = Callable[[str], None]


class RowsMissed(Exception):
    """The application could not write each of its rows."""


@dataclass
class RunningApplication:
    """The process, and what it has told."""

    say: Say
    rows: int = 0
    missed: list[str] = field(default_factory=list)
    by_user: dict[str, int] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            told = json.loads(line)
            self.rows += 1
            if told["user"] not in self.by_user:
                self.say(f"the application writes row {told['number']} as {told['user']}")
            self.by_user[told["user"]] = self.by_user.get(told["user"], 0) + 1
            self.news.set()
            if "missed" in told:
                self.missed.append(f"row {told['number']} as {told['user']}: {told['missed']}")

    async def writes(self, rows: int) -> None:
        """Wait until it has written so many more."""
        until = self.rows + rows
        while self.rows < until:
            self.news.clear()
            await self.news.wait()


async def show_rotation(
    stack: AsyncExitStack,
    access: ClusterAccess,
    writer: Applied,
    folder: Path,
    say: Say,
    operator: RunningOperator,
    start: Callable[[], Awaitable[RunningOperator]],
) -> RunningOperator:
    """Let the application write through two changes of the password, the operator being killed in the second one. Return the
    operator as it runs then.

    Raises RowsMissed, and TimeoutError.
    """
    await _until_synced(access, writer)
    binding = (await access.get(writer))["status"]["binding"]["name"]
    await _make_table(await access.secret_data(writer.namespace, OWNER))
    mount = Mount(access, writer.namespace, binding, folder / "mounted")
    await mount.look()
    _beside(stack, mount.keep())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "managed_databases.demo.application", str(folder / "mounted"),
        stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    stack.push_async_callback(stop, process)
    application = RunningApplication(say)
    _beside(stack, application.listen(process))
    say(
        f"\nan application writes a row a second into {TABLE}, and logs in for each row with the mounted Secret {binding}"
    )
    await application.writes(_ROWS_BETWEEN)
    await _turn(access, writer, "demo-1", say)
    await application.writes(_ROWS_BETWEEN)
    await access.annotate(writer, {f"{GROUP}/rotate-password": "demo-2"})
    for seconds in _KILL_AFTER_SECONDS:
        await asyncio.sleep(seconds)
        say("the operator is killed (SIGKILL), and started again")
        operator.process.kill()
        await operator.process.wait()
        operator = await start()
    await _turn(access, writer, "demo-2", say)
    await application.writes(_ROWS_BETWEEN)
    if application.missed:
        raise RowsMissed(f"{len(application.missed)} rows are missing: {'; '.join(application.missed[:3])}")
    told = ", ".join(f"{count} as {user}" for user, count in application.by_user.items())
    say(f"{application.rows} rows were written ({told}), and none is missing")
    return operator


def _beside(stack: AsyncExitStack, work: Any) -> None:
    task = asyncio.ensure_future(work)

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


async def _until_synced(access: ClusterAccess, writer: Applied) -> None:
    """Wait until both users have all their rights: Ready says only that the login works."""
    async with asyncio.timeout(_TURN_SECONDS):
        while True:
            if condition(await access.get(writer), "Synced").get("status") == "True":
                return
            await asyncio.sleep(_LOOK_SECONDS)


async def _make_table(owner: dict[str, str]) -> None:
    connection = await connected(owner)
    try:
        await connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (number bigint PRIMARY KEY, written_by text)")
    finally:
        await connection.close()


async def _turn(access: ClusterAccess, writer: Applied, request: str, say: Say) -> None:
    """Ask for another password, and show what the status says until the login before is over."""
    await access.annotate(writer, {f"{GROUP}/rotate-password": request})
    shown = ""
    async with asyncio.timeout(_TURN_SECONDS):
        while True:
            try:
                told: dict[str, str] = (await access.get(writer))["status"].get("rotation", {})
            except KubeUnreachable:
                told = {}
            parts = ("active", "turningTo", "lockAt", "handledRequest")
            line = ", ".join(f"{part}: {told[part]}" for part in parts if part in told)
            if line and line != shown:
                shown = line
                say(f"status.rotation of {writer.name}: {line}")
            if told.get("handledRequest") == request and not told.keys() & {"lockAt", "turningTo"}:
                return
            await asyncio.sleep(_LOOK_SECONDS)
