"""The Go program that does to objects what Flux and Argo CD do, with their own libraries: built once, run by tests.

`python tests/gitops/tools.py` builds it, which takes minutes the first time; after that Go's cache has it.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

SOURCES: Final = Path(__file__).parent / "tools"
CACHE: Final = Path(__file__).parents[2] / ".cache" / "gitops-tools"
LIMIT_SECONDS: Final = 120

NO_GO: Final = "NOT TRIED: Flux's and Argo CD's own libraries need `go` on PATH; all else is tested without them"

Objects = Sequence[Mapping[str, Any]]


class Failed(Exception):
    """The program said no; the text is its message, as Flux would show it."""


def build() -> Path:
    """Return the program, which is made if it is not there. Raises RuntimeError with Go's words."""
    sources = sorted(path for path in SOURCES.iterdir() if path.suffix in (".go", ".mod", ".sum"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    made = CACHE / digest[:16] / "gitops-tools"
    made.parent.mkdir(parents=True, exist_ok=True)
    with (made.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_file():
            # The versions that are locked ask for no newer Go; another one is not fetched behind one's back.
            environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
            command = ["go", "build", "-buildvcs=false", "-o", f"{made}.new", "."]
            ended = subprocess.run(command, cwd=SOURCES, env=environment, capture_output=True, text=True, check=False)
            if ended.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} in {SOURCES}: {ended.stderr}")
            Path(f"{made}.new").rename(made)
    return made


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
