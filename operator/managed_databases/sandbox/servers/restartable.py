"""What MariaDB, Redis and Kafka have in common: one process that takes its configuration when it starts."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.servers.processes import Process
from managed_databases.sandbox.servers.programs import Program
from managed_databases.sandbox.store import Row


class Restartable(ABC):
    """A server that is started anew for what it does not change at work. `title` is its name for people."""

    port: ClassVar[int]

    def __init__(self, process: Process, program: Program, title: str) -> None:
        self._process = process
        self._program = program
        self._title = title
        self._config: Row = {}

    async def stop(self) -> None:
        await self._process.stop()

    def told(self) -> dict[str, Any]:
        program, version = str(self._program.path), f"{self._title} {self._program.version}"
        return {"program": program, "version": version, "port": self.port, "pid": self._process.pid}

    @abstractmethod
    async def _start(self, config: Row) -> None:
        """Start with this configuration, and note it. Raises ChangeRefused."""

    async def _start_with(self, config: Row) -> None:
        """Start, or start again. Raises ChangeRefused; then it runs as before, if it ran."""
        before, ran = self._config, self._process.runs
        await self._process.stop()
        try:
            await self._start(config)
        except ChangeRefused:
            if ran:
                await self._start(before)
            raise
