"""The part of the base that Python needs, in a folder of its own: the interpreter, its library, C libraries, certificates.

No shell, no package manager, no pip, no compiler. Runs inside of the build; standard library only.
"""

import os
import re
import shutil
import subprocess
import sysconfig
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

NOT_NEEDED = re.compile(
    r"site-packages|dist-packages|__pycache__|tests?|idlelib|tkinter|turtle\.py|turtledemo|ensurepip|lib2to3|pydoc_data|"
    r"config-3.*|EXTERNALLY-MANAGED|(_tkinter|_curses|_curses_panel|readline|_dbm|_gdbm|_test\w*|_ctypes_test|xx\w+)\..*"
)
"""Names in the standard library: for windows, terminals, tests and the building of packages."""

ALSO = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/lib/ssl/openssl.cnf",
    "/etc/os-release",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d/libc.conf",
)
LOADED_LATE = ("libgcc_s.so.1",)
"""What the C library itself loads, when a thread ends."""


class Root:
    """A folder that becomes the image's root. `brought` are the base's files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.brought: set[str] = set()

    def at(self, path: str | Path) -> Path:
        return self.folder / str(path).lstrip("/")

    def bring(self, path: str) -> None:
        """Copy one file of the base, with every symbolic link on the way to it."""
        parts, here = deque(Path(path).parts[1:]), "/"
        while parts:
            here = os.path.join(here, parts.popleft())
            place = self.at(here)
            if os.path.islink(here):
                target = os.path.normpath(os.path.join(os.path.dirname(here), os.readlink(here)))
                if not place.is_symlink():
                    place.symlink_to(os.readlink(here))
                self.brought.add(here)
                parts, here = deque([*Path(target).parts[1:], *parts]), "/"
            elif os.path.isdir(here):
                place.mkdir(exist_ok=True)
            else:
                shutil.copyfile(here, place)
                shutil.copymode(here, place)
                self.brought.add(here)

    def write(self, path: str, text: str) -> None:
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_text(text)


def bring_python(root: Root, interpreter: str, environment: Path) -> None:
    """Bring the interpreter, and the libraries of everything in the standard library and in `environment`."""
    root.bring(interpreter)
    library = [str(path) for path in _library(Path(sysconfig.get_path("stdlib")))]
    for path in library:
        root.bring(path)
    own = [str(path) for path in sorted(environment.rglob("*.so*")) if path.is_file()]
    for path in _linked([interpreter, *(path for path in library if path.endswith(".so")), *own]):
        if not path.startswith(f"{environment}/"):
            root.bring(path)
    for path in ALSO:
        if os.path.exists(path):
            root.bring(path)
    certificates = root.at("/usr/lib/ssl/cert.pem")
    if not certificates.is_symlink():
        certificates.parent.mkdir(parents=True, exist_ok=True)
        certificates.symlink_to("/etc/ssl/certs/ca-certificates.crt")
    root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    root.at("/tmp").mkdir()
    subprocess.run(["ldconfig", "-X", "-r", str(root.folder)], check=True)
    shutil.rmtree(root.at("/var/cache/ldconfig"), ignore_errors=True)


def packages(root: Root) -> list[str]:
    """Return the names of the Debian packages that the brought files are of, and record them where scanners look."""
    found = {"ca-certificates"}  # its bundle is made when it is installed, and no package's file
    candidates = sorted(root.brought | {path.removeprefix("/usr") for path in root.brought})
    asked = subprocess.run(["dpkg-query", "-S", *candidates], capture_output=True, text=True, check=False)
    for line in asked.stdout.splitlines():
        owners, _, path = line.partition(": ")
        if path in candidates and "diversion by" not in line:
            found |= {owner.strip() for owner in owners.split(",")}
    for name in sorted(found):
        plain = name.partition(":")[0]
        told = subprocess.run(["dpkg-query", "-s", name], capture_output=True, text=True, check=True).stdout
        root.write(f"/var/lib/dpkg/status.d/{plain}", told)
        rights = f"/usr/share/doc/{plain}/copyright"
        if os.path.exists(rights):
            root.bring(rights)
    return sorted(found)


def _library(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if NOT_NEEDED.fullmatch(path.name):
            continue
        if path.is_dir():
            yield from _library(path)
        else:
            yield path


def _linked(files: Iterable[str]) -> set[str]:
    """Return the libraries that these are linked with, at any depth, by the paths that the loader takes."""
    told = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False).stdout
    missing = sorted(set(re.findall(r"^\s+(\S+) => not found", told, re.MULTILINE)))
    if missing:
        raise FileNotFoundError(f"the base lacks libraries: {', '.join(missing)}")
    found = set(re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", told, re.MULTILINE))
    places = {os.path.dirname(path) for path in found}
    late = {os.path.join(place, name) for place in places for name in LOADED_LATE}
    return found | {path for path in late if os.path.exists(path)}
