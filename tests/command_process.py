"""The commands for people as people run them: a process of its own, with a kubeconfig, and without a terminal."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEOPLES = ("KUBECONFIG", "OS_", "INFRA_", "PG", "MYSQL", "REDIS", "KUBERNETES_")
"""The beginnings of the variables of the environment that must not come from whoever runs the tests."""


@dataclass
class Ended:
    """How a command has ended: what it wrote to stdout, and to stderr."""

    code: int
    said: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.said)


async def command(kubeconfig: Path | None, *arguments: str, program: str = "", **environment: str) -> Ended:
    """Run `managed-databases ARGUMENTS`, or with `program` that program with these arguments."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PEOPLES)}
    where = {} if kubeconfig is None else {"KUBECONFIG": str(kubeconfig)}
    run = (program,) if program else (sys.executable, "-m", "managed_databases")
    process = await asyncio.create_subprocess_exec(
        *run, *arguments, env=clean | where | {"HOME": "/nonexistent", "COLUMNS": "200"} | environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, errors = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, said.decode(), errors.decode())
