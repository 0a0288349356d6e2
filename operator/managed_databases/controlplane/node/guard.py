"""Owns a private machine from outside, and removes all of it however it ends.

Started by `private_machine.py` in a session of its own. The private machine is its child and dies with it (the kernel's
parent-death signal); when the standard input ends, because whoever started this is gone, it ends the private machine.
A line with a number on it is a signal to pass on. What a killed guard left is removed by the next one: each folder has
a lock, which nobody holds then.

    python -m managed_databases.controlplane.node.guard FOLDER COMMAND...
"""

import fcntl
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from managed_databases.controlplane.node import cgroups, inside

PREFIX: Final = "managed-databases-node-"
LOCK: Final = ".lock"


def guard(machines: Path, command: list[str]) -> int:
    """Run `command` in a private machine with a folder below `machines`; return its exit code (128 + a signal's number)."""
    machines.mkdir(parents=True, exist_ok=True)
    remove_left_over(machines)
    folder = machines / f"{PREFIX}{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            groups = cgroups.here()
            groups.make(folder.name)
            return _run([sys.executable, "-m", inside.__name__, str(os.getpid()), str(folder), *command])
        finally:
            _remove(folder)


def remove_left_over(machines: Path) -> None:
    """Remove the machines whose guard was killed."""
    for folder in machines.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)


def _remove(folder: Path) -> None:
    left = cgroups.here().remove(folder.name)
    if left:
        sys.stderr.write(f"cannot be removed, processes are left in them: {', '.join(left)}\n")
        return  # the folder may be mounted in them; the next guard tries again
    shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> int:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ended = os.pidfd_open(process.pid)
    try:
        while True:
            ready, _, _ = select.select([sys.stdin, ended], [], [])
            if ended in ready:
                code = process.wait()
                return code if code >= 0 else 128 - code
            if not _pass_on(sys.stdin, process):
                return 128 + signal.SIGKILL
    finally:
        process.kill()
        process.wait()
        os.close(ended)


def _pass_on(orders: IO[str], process: subprocess.Popen[bytes]) -> bool:
    """Read one order; return False when there will be none any more."""
    order = orders.readline()
    if order:
        process.send_signal(int(order))
    return bool(order)


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(each, _end)
    sys.exit(guard(Path(sys.argv[1]), sys.argv[2:]))
