"""The operator as a process of its own."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

END_SECONDS = 180
OF_KOPF = "kopf/_cogs/clients/scanning.py"
"""Where kopf asks for the kinds of the API with tasks that nobody waits for if the operator is stopped meanwhile."""
NOBODY_SAW = ("Task exception was never retrieved", "Future exception was never retrieved", "Exception in callback")


def lost_errors(folder: Path) -> list[str]:
    """What asyncio has written into the operators' logs about errors that no code of ours has seen."""
    return [
        f"{log.name}: {line}"
        for log in sorted(folder.glob("*.log"))
        for line in log.read_text(errors="replace").splitlines()
        if any(told in line for told in NOBODY_SAW) and OF_KOPF not in line
    ]


class OperatorProcess:
    """`async with OperatorProcess(kubeconfig, log) as operator`. Settings are MANAGED_DATABASES_... in lower case.

    Many tests run against one control plane: `watch_namespaces` keeps their operators apart.
    """

    def __init__(self, kubeconfig: Path, log: Path, **settings: object) -> None:
        self.log = log
        self._kubeconfig = kubeconfig
        self._settings = {
            "probe_host": "127.0.0.1",
            "probe_port": 0,
            "metrics_port": 0,
            "pending_poll_seconds": 0.5,
            "call_limit_seconds": 5,
            "settle_margin_seconds": 3,
            "log_format": "text",
        } | settings
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(f"--- the operator's log ---\n{self.log_tail(80)}", file=sys.stderr)  # noqa: T201 - shown on failure
        await self.kill()

    async def start(self, **changes: object) -> None:
        """Start it, with settings changed from now on."""
        self._settings |= changes
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "managed_databases", "run", "--kubeconfig", str(self._kubeconfig)]

    def _environment(self) -> dict[str, str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("MANAGED_DATABASES_", "OS_"))
        }
        return environment | {f"MANAGED_DATABASES_{name.upper()}": str(value) for name, value in self._settings.items()}

    def replica(self, log: Path) -> "OperatorProcess":
        """Another process of the same operator, with the same settings, not started yet."""
        return OperatorProcess(self._kubeconfig, log, **self._settings)

    @property
    def settings(self) -> dict[str, object]:
        return dict(self._settings)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """SIGKILL: nothing is cleaned up."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; return the exit code. Raises TimeoutError after END_SECONDS."""
        assert self._process is not None
        self._process.terminate()
        return await self.ends()

    def pause(self) -> None:
        """SIGSTOP: it does nothing until `resume`, and does not know."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def ends(self) -> int:
        """Wait until it ends by itself; return the exit code. Raises TimeoutError after END_SECONDS."""
        assert self._process is not None
        async with asyncio.timeout(END_SECONDS):
            return await self._process.wait()

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
