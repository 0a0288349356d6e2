"""The cgroups of a private machine: one group in each hierarchy (v1), or in the only one (v2), and its removal.

v2 has not been tried as often as v1: where both are mounted, v1 is taken if the memory controller is there.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
LEAF: Final = "init"
"""v2 only: a group that hands controllers on may hold no processes of its own, so they live in a child."""
NEEDED: Final = frozenset({"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "pids"})
NEEDED_V2: Final = frozenset({"cpu", "cpuset", "memory", "pids"})
SHARE: Final = 10
"""A group gets as much of a busy processor as so many single processes: there is a whole cluster in it."""
REMOVAL_SECONDS: Final = 15.0
RETRY_SECONDS: Final = 0.1


class CgroupsUnusable(Exception):
    """The text says what is missing, and who could give it."""


@dataclass(frozen=True)
class Hierarchy:
    """A mounted v1 hierarchy, by the options that mount it again: `memory`, `cpu,cpuacct`, `name=systemd`."""

    mounted_at: Path
    options: str

    @property
    def folder(self) -> str:
        return self.options.removeprefix("name=")


@dataclass(frozen=True)
class Cgroups:
    """The cgroups of this machine: v1 hierarchies, or (when there are none) the unified one at ROOT."""

    v1: tuple[Hierarchy, ...]
    unified: Path | None
    """Where cgroup v2 is mounted; beside v1 it has no controllers."""

    @property
    def roots(self) -> tuple[Path, ...]:
        return (*(each.mounted_at for each in self.v1), *((self.unified,) if self.unified else ()))

    def check(self) -> None:
        """Raise CgroupsUnusable when a kubelet could not work with them."""
        if not self.roots:
            raise CgroupsUnusable(f"no cgroups are mounted at {ROOT}")
        for root in self.roots:
            if not os.access(root, os.W_OK) or os.statvfs(root).f_flag & os.ST_RDONLY:
                raise CgroupsUnusable(f"{root} cannot be written: run it on the machine, or in a privileged container")
        lacking = NEEDED - self._controllers_v1() if self.v1 else NEEDED_V2 - self._controllers_v2()
        if lacking:
            raise CgroupsUnusable(f"the kernel offers no cgroup controller {', '.join(sorted(lacking))} here")

    def make(self, name: str) -> None:
        """Make the group `name` everywhere. Raises CgroupsUnusable."""
        try:
            for root in self.roots:
                (root / name).mkdir()
            for hierarchy in self.v1:
                if "cpuset" in hierarchy.options.split(","):
                    _fill_cpuset(hierarchy.mounted_at, hierarchy.mounted_at / name)
                if "cpu" in hierarchy.options.split(","):
                    (hierarchy.mounted_at / name / "cpu.shares").write_text(str(1024 * SHARE))
            if not self.v1:
                _hand_on(ROOT)
                (ROOT / name / LEAF).mkdir()
                (ROOT / name / "cpu.weight").write_text(str(100 * SHARE))
        except OSError as error:
            raise CgroupsUnusable(f"no group could be made: {error}") from error

    def join(self, name: str) -> None:
        """Move this process into the group. A cgroup namespace made after that has the group as its root."""
        for root in self.roots:
            (root / name / "cgroup.procs").write_text(str(os.getpid()))

    def join_leaf(self, name: str) -> None:
        """v2: leave the group itself free of processes. Call it after the cgroup namespace was made."""
        if not self.v1:
            (ROOT / name / LEAF / "cgroup.procs").write_text(str(os.getpid()))

    def mounts_inside(self) -> Iterator[tuple[str, str, Path]]:
        """Yield file system type, options and mount point of each hierarchy, for a machine that shows its group only."""
        for hierarchy in self.v1:
            options = f"none,{hierarchy.options}" if hierarchy.options.startswith("name=") else hierarchy.options
            yield "cgroup", options, ROOT / hierarchy.folder
        if not self.v1:
            yield "cgroup2", "rw", ROOT

    def make_inside(self, group: str) -> None:
        """Make a group of a node, seen from inside the private machine."""
        for hierarchy in self.v1:
            (ROOT / hierarchy.folder / group).mkdir(exist_ok=True)
        if not self.v1:
            _hand_on(ROOT)
            (ROOT / group).mkdir(exist_ok=True)

    def remove(self, name: str) -> list[str]:
        """Remove the group and all below it once its processes are gone; return what is still there after a while."""
        deadline = time.monotonic() + REMOVAL_SECONDS
        while True:
            left = [str(root / name) for root in self.roots if not _remove_tree(root / name)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(RETRY_SECONDS)

    def _controllers_v1(self) -> set[str]:
        return {controller for each in self.v1 for controller in each.options.split(",")}

    @staticmethod
    def _controllers_v2() -> set[str]:
        return set((ROOT / "cgroup.controllers").read_text().split())


def here(mountinfo: str | None = None) -> Cgroups:
    """Return what is mounted, from the text of /proc/self/mountinfo."""
    v1: list[Hierarchy] = []
    unified: Path | None = None
    for line in (mountinfo or Path("/proc/self/mountinfo").read_text()).splitlines():
        before, _, after = line.partition(" - ")
        mount_point = Path(before.split()[4])
        kind, _, super_options = after.split(maxsplit=2)
        if kind == "cgroup2":
            unified = unified or mount_point
        elif kind == "cgroup":
            named = [option for option in super_options.split(",") if option not in _NOT_CONTROLLERS]
            v1.append(
                Hierarchy(mount_point, ",".join(option for option in named if "=" not in option or _name(option)))
            )
    return Cgroups(tuple(v1), unified)


_NOT_CONTROLLERS: Final = frozenset({"rw", "ro", "xattr", "clone_children", "noprefix"})


def _name(option: str) -> bool:
    return option.startswith("name=")


def _fill_cpuset(parent: Path, group: Path) -> None:
    """A cpuset group is born without processors and memory, and takes no process like that; its children copy it."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        (group / file).write_text((parent / file).read_text())
    (group / "cgroup.clone_children").write_text("1")


def _hand_on(group: Path) -> None:
    """v2: let children of this group have the controllers that it has."""
    for controller in (group / "cgroup.controllers").read_text().split():
        if controller not in (group / "cgroup.subtree_control").read_text().split():
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _remove_tree(top: Path) -> bool:
    """Remove groups from the leaves up; return whether all are gone. What is frozen is thawed: else it cannot die."""
    for folder, _, _ in os.walk(top, topdown=False):
        for file, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with suppress(OSError):
                if Path(folder, file).exists():
                    Path(folder, file).write_text(thawed)
        with suppress(OSError):
            Path(folder).rmdir()
    return not top.exists()
