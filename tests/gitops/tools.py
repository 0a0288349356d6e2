"""The Go program that does to objects what Flux and Argo CD do, with their own libraries: built once, run by tests.

`PYTHONPATH=tests python -m gitops.tools` builds it, which takes minutes the first time; after that Go's cache has it.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import go_program

SOURCES: Final = Path(__file__).parent / "tools"
LIMIT_SECONDS: Final = 120

NO_GO: Final = "NOT TRIED: Flux's and Argo CD's own libraries need `go` on PATH; all else is tested without them"

Objects = Sequence[Mapping[str, Any]]


class Failed(Exception):
    """The program said no; the text is its message, as Flux would show it."""


def build() -> Path:
    """Return the program, which is made if it is not there. Raises RuntimeError with Go's words."""
    return go_program.build(SOURCES, "gitops-tools")


async def run(program: Path, *arguments: str | Path, given: object) -> Any:
    """Give it `given` as JSON and return what it answers. Raises Failed."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            answer, errors = await process.communicate(json.dumps(given).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise Failed(errors.decode().strip())
    return json.loads(answer)


async def verdicts(program: Path, script: Path, objects: Objects) -> list[dict[str, str]]:
    """What kstatus (`kstatus`) and Argo CD (`status`, `message`) say of each object."""
    found: list[dict[str, str]] = await run(program, "verdicts", script, given=list(objects))
    return found


def main() -> None:
    if shutil.which("go") is None:
        sys.exit(NO_GO)
    sys.stdout.write(f"{build()}\n")


if __name__ == "__main__":
    main()
