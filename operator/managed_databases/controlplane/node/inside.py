"""Makes a private machine and runs a command there; its parent is the guard, and they die together.

python -m managed_databases.controlplane.node.inside GUARD_PID FOLDER COMMAND...
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from managed_databases.controlplane.node import cgroups
from managed_databases.controlplane.node.cgroups import Cgroups

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
PR_SET_PDEATHSIG: Final = 1

ADDRESSES: Final = {"node1": "10.77.0.1", "node2": "10.77.0.2"}
"""The nodes that a private machine can have, and the address of each; the control plane is at the first one."""
GATEWAY: Final = "10.77.0.254"
"""Nobody is there; but programs look for a default route to find their own address."""

KERNEL_SETTINGS: Final = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
"""A kubelet would set these for the whole kernel. It finds them set, in files that hide the real ones."""

PRIVATE_FOLDERS: Final = (Path("/run"), Path("/var/log"))
"""Begin empty."""
STATE: Final = Path("/var/lib")
"""Has what the machine's has, but for these, which kubelet and the CNI plugins make whatever they are told."""
HIDDEN_STATE: Final = frozenset({"cni", "kubelet"})
TEMPORARY: Final = Path("/run/tmp")
"""A short name for a folder in the private machine's own: Unix sockets are made in it."""

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the namespaces of `flags` for new ones. Raises OSError. Children, not this process, enter a new PID one."""
    if _libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no private namespaces: {os.strerror(number)}")


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before that
        os._exit(128 + signal.SIGKILL)


def make_and_run(folder: Path, command: Sequence[str]) -> int:
    """Become the outside of a private machine: return the exit code of the command inside."""
    groups = cgroups.here()
    groups.join(folder.name)
    unshare(CLONE_NEWCGROUP)
    groups.join_leaf(folder.name)
    unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)
    child = os.fork()
    if child == 0:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os._exit(_first_process(groups, folder, command))
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _frame: os.kill(child, number))
    return _exit_code(os.waitpid(child, 0)[1])


def _first_process(groups: Cgroups, folder: Path, command: Sequence[str]) -> int:
    """Set the machine up, start the command, and bury all orphans until it ends; the kernel then kills what is left."""
    try:
        _mount_all(groups, folder)
        _connect()
        environment = os.environ | {"MANAGED_DATABASES_PRIVATE_MACHINE": str(folder), "TMPDIR": str(TEMPORARY)}
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment).pid
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"the private machine could not be made: {error}\n")
        return 1
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _frame: os.kill(child, number))
    while True:
        pid, status = os.wait()
        if pid == child:
            return _exit_code(status)


def _mount_all(groups: Cgroups, folder: Path) -> None:
    _run("mount", "--make-rprivate", "/")  # what follows is seen in here only
    _run("mount", "--make-rshared", "/")  # kubelet and runc pass mounts on among themselves
    _run("mount", "-t", "proc", "proc", "/proc")
    _run("mount", "-t", "sysfs", "sysfs", "/sys")
    _mount_cgroups(groups)
    for private in PRIVATE_FOLDERS:
        _mount_empty(private)
    _privatize_state()
    TEMPORARY.mkdir()
    (folder / "tmp").mkdir()
    _run("mount", "--bind", str(folder / "tmp"), str(TEMPORARY))
    for setting, value in KERNEL_SETTINGS.items():
        _hide(Path("/proc/sys") / setting, folder / setting.replace("/", "-"), f"{value}\n")
    names = "".join(f"{address} {name}\n" for name, address in ADDRESSES.items())
    _hide(Path("/etc/hosts"), folder / "hosts", f"127.0.0.1 localhost\n{names}")
    _hide(Path("/etc/resolv.conf"), folder / "resolv.conf", "")


def _privatize_state() -> None:
    """What is made in STATE from now on is made in here only; nothing has to be made, or removed, on the machine."""
    real = Path("/run/state")
    real.mkdir()
    _run("mount", "--rbind", str(STATE), str(real))
    _run("mount", "--make-rprivate", str(real))  # else the next mount is seen there as well
    _mount_empty(STATE)
    for entry in sorted(real.iterdir()):
        shown = STATE / entry.name
        if entry.name in HIDDEN_STATE:
            continue
        if entry.is_symlink():
            shown.symlink_to(entry.readlink())
            continue
        if entry.is_dir():
            shown.mkdir()
        else:
            shown.touch()
        _run("mount", "--rbind", str(entry), str(shown))


def _mount_empty(folder: Path) -> None:
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))


def _mount_cgroups(groups: Cgroups) -> None:
    if groups.v1:
        _mount_empty(cgroups.ROOT)
    for kind, options, mount_point in groups.mounts_inside():
        mount_point.mkdir(exist_ok=True)
        _run("mount", "-t", kind, "-o", options, kind, str(mount_point))
        for alias in mount_point.name.split(",") if "," in mount_point.name else ():
            (mount_point.parent / alias).symlink_to(mount_point.name)
    for node in ADDRESSES:
        groups.make_inside(node)


def _hide(real: Path, other: Path, text: str) -> None:
    """Show `text` in the place of a file, which may be a link into a folder that is private now."""
    other.write_text(text)
    if real.exists():
        _run("mount", "--bind", str(other), str(real.resolve()))


def _connect() -> None:
    """A network with nobody else in it: an end of a pair is the nodes' interface, since not every kernel has dummies."""
    _run("hostname", "node1")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0peer")
    for address in ADDRESSES.values():
        _run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
    _run("ip", "link", "set", "eth0peer", "up")
    _run("ip", "link", "set", "eth0", "up")
    _run("ip", "route", "add", "default", "via", GATEWAY, "dev", "eth0")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    sys.exit(make_and_run(Path(sys.argv[2]), sys.argv[3:]))
