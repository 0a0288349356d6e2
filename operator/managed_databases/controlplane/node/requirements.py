"""What a node needs of the machine it runs on, and what to do where something is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from managed_databases.controlplane.node import cgroups

PACKAGES: Final = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    "ip": "iproute2",
    "iptables": "iptables",
}
"""The programs of a node that are not built here, and the Debian package that has each."""
CNI_PACKAGE: Final = "containernetworking-plugins"
CNI_FOLDERS: Final = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
CNI_PLUGINS: Final = ("ptp", "host-local", "loopback")

_SYSTEM_FOLDERS: Final = "/usr/local/sbin:/usr/sbin:/sbin"


def find_program(name: str) -> str | None:
    """Return the path of a program; root's own folders are searched as well as PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_FOLDERS}")


def cni_folder() -> Path | None:
    """Return the folder with the CNI plugins that a node uses; None when there is none."""
    for folder in CNI_FOLDERS:
        if all(os.access(folder / plugin, os.X_OK) for plugin in CNI_PLUGINS):
            return folder
    return None


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not here."""
    packages = {package for program, package in PACKAGES.items() if find_program(program) is None}
    if cni_folder() is None:
        packages.add(CNI_PACKAGE)
    return sorted(packages)


def missing() -> list[str]:
    """Return why no node can run on this machine, a sentence each; empty when one can."""
    return list(_reasons())


def _reasons() -> Iterator[str]:
    if sys.platform != "linux":
        yield f"a node needs Linux, and this is {sys.platform}"
        return
    if os.geteuid() != 0:
        yield "it needs root, to make namespaces, mounts and cgroups: run it with sudo"
    if packages := missing_packages():
        absent = sorted(name for name in PACKAGES if find_program(name) is None)
        plugins = [] if cni_folder() else [f"the CNI plugins {', '.join(CNI_PLUGINS)}"]
        install = f"apt-get install --no-install-recommends {' '.join(packages)}"
        yield f"not installed: {', '.join([*absent, *plugins])}; on Debian: {install}"
    try:
        cgroups.here().check()
    except cgroups.CgroupsUnusable as error:
        yield str(error)
    if "overlay" not in Path("/proc/filesystems").read_text():
        yield "the kernel has no overlay file system (modprobe overlay)"
    if os.geteuid() == 0 and find_program("unshare") and find_program("ip") and (failed := _no_namespaces()):
        yield failed


def _no_namespaces() -> str:
    """Return why there are no private namespaces with a network of their own; empty when there are."""
    probe = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "--"]
    pair = ["ip", "link", "add", "one", "type", "veth", "peer", "name", "two"]
    done = subprocess.run([*probe, *pair], capture_output=True, text=True, check=False)
    return f"no private namespaces with a network: {done.stderr.strip()}" if done.returncode else ""
