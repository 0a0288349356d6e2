"""What cgroups a machine has, read from its mounts: of version 1, of version 2, or both."""

from pathlib import Path

import pytest

from managed_databases.controlplane.node.cgroups import ROOT, Cgroups, CgroupsUnusable, Hierarchy, here

V1_EACH_ALONE = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V1_JOINED = """\
30 25 0:26 / /sys/fs/cgroup/systemd rw,nosuid shared:9 - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd
33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup rw,cpu,cpuacct
34 25 0:30 / /sys/fs/cgroup/cpuset rw,nosuid shared:12 - cgroup cgroup rw,cpuset,clone_children
"""
V2 = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
29 23 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
"""


@pytest.mark.parametrize(
    ("why", "mounts", "options", "unified"),
    [
        ("each controller alone", V1_EACH_ALONE, ["cpu", "memory", "name=systemd"], ROOT / "unified"),
        ("joined, with options that are no controllers", V1_JOINED, ["name=systemd", "cpu,cpuacct", "cpuset"], None),
        ("version 2 alone", V2, [], ROOT),
        ("none", "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n", [], None),
    ],
)
def test_what_is_mounted(why: str, mounts: str, options: list[str], unified: Path | None) -> None:
    found = here(mounts)
    assert [each.options for each in found.v1] == options, why
    assert found.unified == unified, why


def test_the_same_is_mounted_inside() -> None:
    assert list(here(V1_JOINED).mounts_inside()) == [
        ("cgroup", "none,name=systemd", ROOT / "systemd"),
        ("cgroup", "cpu,cpuacct", ROOT / "cpu,cpuacct"),
        ("cgroup", "cpuset", ROOT / "cpuset"),
    ]
    assert list(here(V2).mounts_inside()) == [("cgroup2", "rw", ROOT)]


def test_no_cgroups_are_a_reason() -> None:
    with pytest.raises(CgroupsUnusable, match="no cgroups are mounted"):
        here("22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n").check()


def test_a_missing_controller_is_named(tmp_path: Path) -> None:
    with pytest.raises(CgroupsUnusable, match="no cgroup controller cpu, cpuacct, cpuset, devices, freezer, pids here"):
        Cgroups((Hierarchy(tmp_path, "memory"),), None).check()


def test_cgroups_that_cannot_be_seen_are_a_reason(tmp_path: Path) -> None:
    with pytest.raises(CgroupsUnusable, match="cannot be written: run it on the machine, or in a privileged container"):
        Cgroups((Hierarchy(tmp_path / "gone", "memory"),), None).check()


def test_removal_goes_from_the_leaves_up_and_thaws(tmp_path: Path) -> None:
    """A frozen process cannot die, and its group could not be removed: `freezer.state` is a file of the kernel's."""
    group = tmp_path / "machine" / "pods" / "one"
    group.mkdir(parents=True)
    assert Cgroups((Hierarchy(tmp_path, "freezer"),), None).remove("machine") == []
    assert not (tmp_path / "machine").exists()
