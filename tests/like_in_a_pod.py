"""Becomes a program that finds what a container of the chart finds.

`unshare --mount --uts python like_in_a_pod.py ACCOUNT COMMAND...`

No user has a name, nothing can be written anywhere, the host's name cannot be looked up, no home or user stands in the
environment, no capability is left; `ACCOUNT`, a folder, is where a Pod has its service account. Only root can make it so;
the mounts go with the process, and nobody else sees them.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

USER = 65532
MOUNTED_ACCOUNT = Path("/run/secrets/kubernetes.io/serviceaccount")
NEEDED = (Path(sys.base_prefix), Path(sys.prefix), Path(__file__).resolve().parent.parent)
"""Python, the environment and the sources."""


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def keep_account(account: Path) -> None:
    """A read-only root may not have the folder: /run becomes a file system of its own."""
    files = {file.name: file.read_bytes() for file in account.iterdir()}
    mount("-t", "tmpfs", "-o", "mode=755", "none", "/run")
    MOUNTED_ACCOUNT.mkdir(parents=True)
    for name, content in files.items():
        (MOUNTED_ACCOUNT / name).write_bytes(content)
    if not Path("/var/run").is_symlink():
        mount("--rbind", "/run", "/var/run")


def open_the_way_to(needed: Iterable[Path]) -> None:
    """Put a folder that is closed to others (`/root`, say) out of sight, but for what is needed from it."""
    needed = tuple(needed)
    closed = {above for path in needed for above in path.parents if not above.stat().st_mode & 0o001}
    for number, above in enumerate(sorted(closed, key=lambda path: len(path.parts))):
        if not above.exists() or above.stat().st_mode & 0o001:  # the one above it was closed, too
            continue
        whole = Path(f"/run/whole-{number}")
        whole.mkdir()
        mount("--rbind", above, whole)
        mount("-t", "tmpfs", "-o", "mode=755", "none", above)
        for path in needed:
            if path.is_relative_to(above):
                path.mkdir(parents=True, exist_ok=True)
                mount("--rbind", whole / path.relative_to(above), path)


def forget_all_names() -> None:
    for file in ("/etc/passwd", "/etc/group"):
        mount("--bind", "/dev/null", file)
    socket.sethostname("nobody-knows-this-host")


def forbid_all_writing() -> None:
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in dict.fromkeys(re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), each) for each in places):
        if Path(place).exists():
            mount("-o", "remount,bind,ro", place)


def main(account: str, *command: str) -> None:
    keep_account(Path(account))
    open_the_way_to(NEEDED)
    forget_all_names()
    os.chdir("/")
    forbid_all_writing()
    as_nobody = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"]
    without_rights = ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    os.execvp(as_nobody[0], [*as_nobody, *without_rights, "--", *command])


if __name__ == "__main__":
    main(*sys.argv[1:])
