"""The base where no registry can be reached: Debian's own Python, from the distribution's packages, by debootstrap.

It is made once and kept in the cache. Only the build sees it whole: the image takes from it what Python needs.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from image import archive
from image.engines import Say

SUITE: Final = "trixie"
"""Debian 13, whose Python is 3.13 as well."""
PACKAGES: Final = ("python3", "python3-pip", "ca-certificates")
TAG: Final = f"localhost/managed-databases-base:{SUITE}"
OLD_DAYS: Final = 30
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
HOST_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
BUILD_CERTIFICATES: Final = "/etc/build-certificates.crt"
"""Those of this machine, for the build only: its proxy may sign with its own. The image gets Debian's."""


class NoBase(Exception):
    """The base cannot be made here; the text says why."""


def cache_folder() -> Path:
    """$MANAGED_DATABASES_CACHE/image, else in the user's cache."""
    root = os.environ.get("MANAGED_DATABASES_CACHE")
    cache = (
        Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "managed-databases"
    )
    return cache / "image"


def find(say: Say, *, make: bool = True) -> tuple[Path, str]:
    """Return the base's archive, made now if there is none and it may be, and its digest. Raises NoBase."""
    machine = platform.machine()
    architecture = ARCHITECTURES.get(machine, machine)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"base-{SUITE}-{architecture}-{_recipe()}.tar"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists() and not make:
            raise NoBase("no base of Debian's packages is in the cache: `make image` makes it, in some minutes")
        if not kept.exists():
            _make(kept, architecture, say)
    days = (time.time() - kept.stat().st_mtime) / 86400
    if days > OLD_DAYS:
        say(f"the base is {days:.0f} days old: remove {kept} to have it made of the newest packages")
    return kept, _digest(kept)


def _recipe() -> str:
    return hashlib.sha256(" ".join((SUITE, *PACKAGES, "1")).encode()).hexdigest()[:12]


def _digest(kept: Path) -> str:
    """The config's digest, by which the layer is known as well; kept beside the archive."""
    beside = kept.with_suffix(".digest")
    return beside.read_text().strip()


def _make(kept: Path, architecture: str, say: Say) -> None:
    if shutil.which("debootstrap") is None:
        raise NoBase("debootstrap is not installed")
    if os.geteuid() != 0:
        raise NoBase("debootstrap needs root")
    say(f"making the base from Debian's packages ({SUITE}: {', '.join(PACKAGES)}): a few minutes, once")
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".making-") as making:
        root = Path(making) / "root"
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if made.returncode != 0:
            raise NoBase(f"debootstrap ended with {made.returncode}: {' '.join(made.stdout.split())[-300:]}")
        for folder in ("var/cache/apt/archives", "var/lib/apt/lists", "var/log"):
            shutil.rmtree(root / folder, ignore_errors=True)
        environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        if HOST_CERTIFICATES.exists():
            shutil.copyfile(HOST_CERTIFICATES, root / BUILD_CERTIFICATES.lstrip("/"))
            environment += [f"PIP_CERT={BUILD_CERTIFICATES}"]
        written = Path(making) / "base.tar"
        config = {"Env": environment, "Cmd": ["python3"]}
        digest = archive.write(written, TAG, root, config, architecture)
        kept.with_suffix(".digest").write_text(digest)
        written.rename(kept)
