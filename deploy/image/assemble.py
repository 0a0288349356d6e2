"""Makes the image's three layers: `python3 -m image.assemble OUT VERSION EPOCH CREATED`. Runs inside of the build.

The environment in /app, with the operator installed, is trimmed; what Python needs of the base is added, everything is
compiled, tried in a root of its own, given the same time, and split: what seldom changes comes first. Standard library only.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from image import lock, packages, sbom, system

ENVIRONMENT = Path("/app")
REPORT = Path("/wheels/installed.json")
TOOLS = Path(__file__).resolve().parent.parent
BILL = "/usr/share/doc/managed-databases-operator/sbom.cdx.json"
OURS = ("managed_databases", "managed_databases_operator-")
LAYERS = ("system", "packages", "operator")


def main(out: Path, version: str, epoch: int, created: str) -> None:
    """Leave a folder for each of LAYERS in `out`: every file of the time `epoch`, in seconds. `created` is for people."""
    site = next(ENVIRONMENT.glob("lib/python3*/site-packages"))
    removed = packages.trim(ENVIRONMENT, site, packages.imported_of(ENVIRONMENT, site, TOOLS))
    _say(f"left out of the packages: {removed / 1e6:.1f} MB")
    whole = out / "whole"
    whole.mkdir(parents=True)
    root = system.Root(whole)
    system.bring_python(root, _interpreter(), ENVIRONMENT)
    debian = system.packages(root)
    shutil.copytree(ENVIRONMENT, root.at(ENVIRONMENT), symlinks=True)
    packages.compile_all(whole, sysconfig.get_path("stdlib"), str(ENVIRONMENT))
    entries = lock.read(Path("requirements.lock").read_text())
    told = sbom.bill(version, created, json.loads(REPORT.read_text()), entries, debian)
    root.write(BILL, json.dumps(told, indent=1, sort_keys=True) + "\n")
    _try_out(whole)
    _split(whole, out, site.relative_to("/"))
    for layer in LAYERS:
        _same_for_all(out / layer, epoch)
    root_of_tmp = out / "system" / "tmp"
    root_of_tmp.chmod(0o1777)


def _interpreter() -> str:
    """The base's own, that the environment's is a symbolic link to."""
    path = str(ENVIRONMENT / "bin/python3")
    while path.startswith(f"{ENVIRONMENT}/"):
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    return path


def _try_out(root: Path) -> None:
    """Everything that the operator imports is there, and the program says what it is, in this root alone."""
    imports = (TOOLS / "image" / "imported.py").read_text()
    for command in (["/app/bin/python3", "-B", "-c", imports], ["/app/bin/managed-databases", "--help"]):
        environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(["chroot", root, *command], env=environment, stdout=subprocess.DEVNULL, check=True)


def _split(whole: Path, out: Path, site: Path) -> None:
    """Into what is of the base, of the packages, and ours. Folders that several have are made in each."""
    ours = [path for path in (whole / site).iterdir() if path.name.startswith(OURS)]
    ours += [whole / "app/bin/managed-databases", whole / BILL.lstrip("/")]
    _move(ours, whole, out / "operator")
    _move([whole / "app"], whole, out / "packages")
    whole.rename(out / "system")


def _move(paths: list[Path], whole: Path, layer: Path) -> None:
    for path in paths:
        place = layer / path.relative_to(whole)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)


def _same_for_all(folder: Path, epoch: int) -> None:
    """No time but the commit's, and no rights but the usual, so that two builds give the same layer."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the build's own output


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
