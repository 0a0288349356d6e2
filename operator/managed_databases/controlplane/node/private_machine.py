"""Run a program on a private machine: on this kernel, with processes, mounts, network, host name and cgroups of its own.

Nothing of the real machine is changed by what runs there (settings of the kernel, firewall, /run, /var/lib, /var/log);
its files are the same, and it has no way to the network outside. When the program ends, all else there ends with it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from managed_databases.controlplane.node import guard
from managed_databases.controlplane.releases import cache_root

FOLDER_VARIABLE: Final = "MANAGED_DATABASES_PRIVATE_MACHINE"
"""Set on a private machine: its folder, on a real file system, which goes with it."""


def machines_folder() -> Path:
    """Return the folder of all private machines' folders: beside the cache of programs."""
    return cache_root().parent / "nodes"


def folder_here() -> Path | None:
    """Return the private machine's folder, or None when this is not one."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Path(folder) if folder else None


def run(command: Sequence[str]) -> int:
    """Run `command` on a private machine of its own, and return its exit code.

    Needs what `requirements.missing` asks for. Ctrl-C, SIGTERM and SIGHUP are passed on; when this process is gone,
    whatever the reason, the private machine is removed within seconds.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", guard.__name__, str(machines_folder()), *command],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    orders = process.stdin

    def pass_on(number: int, _frame: object) -> None:
        os.write(orders.fileno(), f"{number}\n".encode())

    before = {each: signal.signal(each, pass_on) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        return process.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        orders.close()
