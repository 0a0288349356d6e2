"""A private machine touches nothing of the real one, and goes with whoever wanted it, however that ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from managed_databases.controlplane.node import cgroups, guard, requirements

pytestmark = pytest.mark.skipif(
    bool(reasons := requirements.missing()), reason=f"no private machine can be made here: {'; '.join(reasons)}"
)

DEADLINE_SECONDS = 60
FACTS = """
import json, os, socket
print(json.dumps({
    "pid": os.getppid(), "host": socket.gethostname(), "interfaces": sorted(os.listdir("/sys/class/net")),
    "panic": open("/proc/sys/kernel/panic").read(), "cgroups": open("/proc/self/cgroup").read(),
    "run": sorted(os.listdir("/run")), "folder": os.environ["MANAGED_DATABASES_PRIVATE_MACHINE"],
}))
"""
STAYS = "import subprocess, sys, time; subprocess.Popen(['sleep', '1000']); print('up', flush=True); time.sleep(1000)"


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this test's machines."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "managed-databases" / "nodes"


def command(program: str) -> list[str]:
    return [sys.executable, "-m", "managed_databases.controlplane.node", sys.executable, "-c", program]


def left_of(machines: Path) -> list[str]:
    folders = list(machines.glob("*"))
    groups = [str(root / folder.name) for folder in folders for root in cgroups.here().roots]
    return [str(folder) for folder in folders] + [group for group in groups if Path(group).exists()]


def until(what: str, probe: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not probe():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_what_runs_there_sees_itself_only(machines: Path) -> None:
    host, panic = os.uname().nodename, Path("/proc/sys/kernel/panic").read_text()
    done = subprocess.run(command(FACTS), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["pid"] == 1
    assert facts["host"] == "node1"
    assert {"lo", "eth0"} <= set(facts["interfaces"]) <= {"lo", "eth0", "eth0peer", "tunl0", "sit0", "ip6tnl0"}
    assert facts["panic"].strip() == "10"
    assert set(facts["run"]) <= {"tmp", "mount", "state"}, (
        "of the machine's own nothing; `mount` notes there what it did"
    )
    assert all(line.rsplit(":", 1)[1] in ("/", "/init") for line in facts["cgroups"].splitlines())
    assert facts["folder"].startswith(str(machines))
    assert (os.uname().nodename, Path("/proc/sys/kernel/panic").read_text()) == (host, panic)
    assert left_of(machines) == []


def test_what_is_made_among_the_machines_state_is_made_there_only(machines: Path) -> None:
    program = "import os; os.makedirs('/var/lib/cni/results'); assert sorted(os.listdir('/var/lib')) != ['cni']"
    before = sorted(os.listdir("/var/lib"))
    assert subprocess.run(command(program), check=False).returncode == 0
    assert sorted(os.listdir("/var/lib")) == before
    assert left_of(machines) == []


def test_the_exit_code_is_the_commands(machines: Path) -> None:
    assert subprocess.run(command("raise SystemExit(5)"), check=False).returncode == 5
    assert left_of(machines) == []


def test_it_goes_with_who_wanted_it(machines: Path) -> None:
    with started() as process:
        inside = processes_below(process.pid)
        process.kill()
        process.wait()
        until("the machine is gone", lambda: not left_of(machines) and not [pid for pid in inside if alive(pid)])


def test_killed_together_with_its_guard_it_ends_and_the_next_one_cleans_up(machines: Path) -> None:
    with started() as process:
        guard_pid, *inside = processes_below(process.pid)
        process.send_signal(signal.SIGSTOP)  # so that it cannot notice
        os.kill(guard_pid, signal.SIGKILL)
        process.kill()
        process.wait()
        until("all its processes are gone", lambda: not [pid for pid in inside if alive(pid)])
        assert left_of(machines), "nobody is there who could have removed them"
        guard.remove_left_over(machines)
        assert left_of(machines) == []


def test_a_machine_in_use_is_left_alone(machines: Path) -> None:
    with started() as process:
        guard.remove_left_over(machines)
        assert left_of(machines)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
    until("it is gone", lambda: not left_of(machines))


class started:
    """A machine on which something runs; killed in the end."""

    def __enter__(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(command(STAYS), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "up\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def processes_below(parent: int) -> list[int]:
    """Return the pids of all descendants, the nearest first."""
    found: list[int] = []
    level = [parent]
    while level:
        level = [int(child) for pid in level for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        found += level
    return found


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
