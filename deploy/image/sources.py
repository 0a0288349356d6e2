"""What the image is made of: a change of any of these makes another image, and nothing else does."""

import hashlib
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
MADE_OF = (
    "Dockerfile",
    "deploy/examples",
    "deploy/image",
    "operator",
    "pyproject.toml",
    "requirements.lock",
    "README.md",
    "LICENSE",
)
NOW = 315532800
"""1980-01-01: the time of every file in the image, so that what is the same in two versions is the same layer.

Before that no ZIP file, so no wheel, can be."""


@dataclass(frozen=True)
class Sources:
    version: str
    revision: str
    """The last commit that changed the sources; with `-changed` when they differ from it; `unknown` without git."""
    committed: int
    """When that commit was made, in seconds; NOW without git."""
    fingerprint: str

    @property
    def created(self) -> str:
        return datetime.fromtimestamp(self.committed, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read() -> Sources:
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    told = _git("log", "-1", "--format=%H %ct", "--", *MADE_OF)
    revision, committed = told.split() if told else ("unknown", str(NOW))
    if told and _git("status", "--porcelain", "--", *MADE_OF):
        revision += "-changed"
    return Sources(str(version), revision, int(committed), _fingerprint(revision))


def _fingerprint(revision: str) -> str:
    digest = hashlib.sha256(revision.encode())
    for top in MADE_OF:
        path = TOP / top
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"\0{file.relative_to(TOP)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _git(*arguments: str) -> str:
    """Return what git says; nothing where there is no repository, or no git."""
    try:
        return subprocess.run(
            ["git", "-C", str(TOP), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
