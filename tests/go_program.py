"""Go programs that tests use: built once from a module beside the tests, and kept until its files change."""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).parents[1] / ".cache"


def kept(module: Path, name: str) -> Path:
    """Return where the program is once it is built; `module` is a folder with go.mod, `name` the program's."""
    sources = sorted(path for path in module.iterdir() if path.suffix in (".go", ".mod", ".sum"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return CACHE / name / digest[:16] / name


def build(module: Path, name: str, package: str = ".", *flags: str) -> Path:
    """Return the program, which is made if it is not there. Raises RuntimeError with Go's words."""
    made = kept(module, name)
    made.parent.mkdir(parents=True, exist_ok=True)
    with (made.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_file():
            # The versions that are locked ask for no newer Go; another one is not fetched behind one's back.
            environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
            command = ["go", "build", "-buildvcs=false", *flags, "-o", f"{made}.new", package]
            ended = subprocess.run(command, cwd=module, env=environment, capture_output=True, text=True, check=False)
            if ended.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} in {module}: {ended.stderr}")
            Path(f"{made}.new").rename(made)
    return made
