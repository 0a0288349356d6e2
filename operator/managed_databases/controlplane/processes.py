"""Processes that never outlive us: each is a child of a keeper, which ends them when our end of its pipe closes."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from managed_databases.controlplane import keeper

LOG_LINES: Final = 20
LOG_BYTES: Final = 16_384


class ProcessFailed(Exception):
    """A process could not be started, or ended by itself; the text has the tail of its log."""


class Processes:
    """Named processes and the private folder (mode 0700) where they run and log. Bound to no event loop.

    `open` first. After `close`, or when this process is gone for any reason, SIGKILL included, the processes are killed
    and the folder is removed.
    """

    folder: Path

    def __init__(self) -> None:
        self._keeper: subprocess.Popen[str] | None = None
        self._talking = threading.Lock()

    async def open(self) -> None:
        """Start the keeper and make the folder. Raises ProcessFailed."""
        await asyncio.to_thread(self._open)

    async def close(self) -> None:
        """End every process and remove the folder; returns when both are gone. May be called twice."""
        closing = asyncio.ensure_future(asyncio.to_thread(self._close))
        await asyncio.shield(closing)

    async def start(self, name: str, command: Sequence[str]) -> int:
        """Start a process in the folder and return its pid. Raises ProcessFailed when there is no such program."""
        answer = await self._ask({"start": name, "command": list(command)})
        if "error" in answer:
            raise ProcessFailed(str(answer["error"]))
        return int(answer["pid"])

    async def kill(self, name: str) -> None:
        """Kill a process, at once and without asking it; nothing happens when there is none of that name."""
        await self._ask({"stop": name})

    async def check_runs(self, name: str) -> None:
        """Raise ProcessFailed, with the tail of its log, when a started process is no longer there."""
        code = (await self._ask({"poll": name}))["code"]
        if code is not None:
            raise ProcessFailed(f"{name} ended with {code}. The end of its log:\n{self.log_tail(name)}")

    def log_tail(self, name: str) -> str:
        """Return the last lines that a process wrote."""
        try:
            with (self.folder / f"{name}.log").open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - LOG_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(lines[-LOG_LINES:])

    def _open(self) -> None:
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.folder = Path(self._answer_of(self._keeper)["folder"])

    def _close(self) -> None:
        with self._talking:
            if self._keeper is not None:
                self._keeper.communicate()
                self._keeper = None

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(self._ask_blocking, request)

    def _ask_blocking(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._talking:
            if self._keeper is None or self._keeper.stdin is None:
                raise ProcessFailed("the control plane is not running")
            try:
                self._keeper.stdin.write(json.dumps(request) + "\n")
                self._keeper.stdin.flush()
            except BrokenPipeError as error:
                raise ProcessFailed("the control plane's keeper is gone") from error
            return self._answer_of(self._keeper)

    @staticmethod
    def _answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise ProcessFailed("the control plane's keeper is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer
