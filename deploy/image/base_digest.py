"""`make base-digest`: ask the registry for the newest digest of the base, and write it into the Dockerfile."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from image.sources import TOP

PINNED: Final = re.compile(r"^ARG BASE_IMAGE=(?P<name>[\w./-]+:[\w.-]+)@(?P<digest>sha256:[0-9a-f]{64})$", re.MULTILINE)
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
ASK: Final[dict[str, list[str]]] = {
    "skopeo": ["skopeo", "inspect", "--raw", "docker://{}"],
    "crane": ["crane", "digest", "{}"],
    "docker": ["docker", "buildx", "imagetools", "inspect", "{}", "--format", "{{{{json .Manifest}}}}"],
}
"""How each program tells of an image without pulling it."""


class Unknown(Exception):
    """Nobody could tell the digest; the text says why, program by program."""


def pinned(dockerfile: str) -> tuple[str, str]:
    """Return name with tag, and digest, of the base. Raises ValueError when it is not pinned."""
    found = PINNED.search(dockerfile)
    if found is None:
        raise ValueError("the Dockerfile has no line ARG BASE_IMAGE=NAME:TAG@sha256:DIGEST")
    return found["name"], found["digest"]


def newest(name: str, run: Callable[[list[str]], tuple[int, bytes, str]]) -> str:
    """Return the digest of the index of all architectures. Raises Unknown."""
    why = []
    for program, command in ASK.items():
        if shutil.which(program) is None:
            why.append(f"{program} is not installed")
            continue
        code, answer, errors = run([part.format(name) for part in command])
        if code != 0:
            why.append(f"{program}: {' '.join(errors.split())[-200:]}")
        elif digest := _digest(program, answer):
            return digest
        else:
            why.append(f"{program}: its answer has no digest")
    raise Unknown("\n".join(why))


def _digest(program: str, answer: bytes) -> str | None:
    if program == "skopeo":
        return f"sha256:{hashlib.sha256(answer).hexdigest()}"
    text = json.loads(answer).get("digest", "") if program == "docker" else answer.decode().strip()
    return text if DIGEST.fullmatch(text) else None


def _run(command: list[str]) -> tuple[int, bytes, str]:
    ended = subprocess.run(command, capture_output=True, check=False, timeout=120)
    return ended.returncode, ended.stdout, ended.stderr.decode(errors="replace")


def main() -> int:
    """Exit codes: 0 the Dockerfile has the newest digest (now), 1 nobody could tell it; then nothing is changed."""
    dockerfile = TOP / "Dockerfile"
    text = dockerfile.read_text()
    name, old = pinned(text)
    try:
        new = newest(name, _run)
    except Unknown as error:
        print(f"the digest of {name} cannot be looked up, and stays as it is:\n{error}", file=sys.stderr)  # noqa: T201
        return 1
    dockerfile.write_text(text.replace(old, new))
    print(f"{name}: {new}" + (" (as before)" if new == old else f"\n  before: {old}"))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
