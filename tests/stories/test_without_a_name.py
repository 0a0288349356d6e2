"""The operator as the chart's containers run it: its user has no name, and no file can be written.

Kubernetes runs the image under a number that no /etc/passwd knows, on a read-only root, without a folder of its own.
"""

import base64
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

import like_in_a_pod
from managed_databases.controlplane.cluster import ControlPlane
from operator_process import OperatorProcess
from stories.pace import FAST
from stories.world import World

SETTINGS = {**FAST, "leader_election": True, "lease_seconds": 5, "log_format": "json"}

NOTHING = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}

as_in_a_pod = pytest.mark.parametrize("world", [{"settings": SETTINGS}], indirect=True, ids=["in a Pod"])


@cache
def why_not() -> str | None:
    """Say why this machine cannot make a process see what a container sees; None when it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "only root can mount everything read-only for one process, and give it another user"
    tried = subprocess.run(["unshare", "--mount", "--uts", "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"no mounts of its own for a process here: {tried.stderr.strip()}"


@pytest.fixture(autouse=True)
def _possible() -> None:
    if reason := why_not():
        pytest.skip(reason)


def nameless(account: Path, *command: str) -> list[str]:
    unshared = ["unshare", "--mount", "--uts", "--propagation", "private", "--"]
    return [*unshared, sys.executable, like_in_a_pod.__file__, str(account), *command]


class PodProcess(OperatorProcess):
    """The operator with nothing but what a Pod of the chart gets: not even a kubeconfig, unless its Secret is mounted."""

    def __init__(
        self, other: OperatorProcess, kubeconfig: Path, control_plane: ControlPlane, account: Path, *, mounted: bool
    ) -> None:
        super().__init__(kubeconfig, other.log, **other.settings)
        content = yaml.safe_load(kubeconfig.read_text())
        certificate = Path(control_plane.ca_file).read_bytes()
        account.mkdir()
        if mounted:
            cluster = content["clusters"][0]["cluster"]
            cluster.pop("certificate-authority", None)
            cluster["certificate-authority-data"] = base64.b64encode(certificate).decode()
            (account / "kubeconfig").write_text(yaml.safe_dump(content))
        else:
            (account / "token").write_text(content["users"][0]["user"]["token"])
            (account / "ca.crt").write_bytes(certificate)
        self._account = account
        self._server = urlsplit(control_plane.url)
        self._arguments = ["--kubeconfig", str(like_in_a_pod.MOUNTED_ACCOUNT / "kubeconfig")] if mounted else []

    def _command(self) -> list[str]:
        return nameless(self._account, sys.executable, "-m", "managed_databases", "run", *self._arguments)

    def _environment(self) -> dict[str, str]:
        settings = {name: value for name, value in super()._environment().items() if name.startswith("MANAGED_")}
        service = {
            "KUBERNETES_SERVICE_HOST": str(self._server.hostname),
            "KUBERNETES_SERVICE_PORT": str(self._server.port),
        }
        return NOTHING | settings | ({} if self._arguments else service)


def test_nothing_is_known_there_and_nothing_can_be_written(tmp_path: Path) -> None:
    """Else the stories below would show nothing."""
    script = """
import getpass, os, pathlib, socket, tempfile
from contextlib import suppress
for ask in (getpass.getuser, tempfile.mkstemp, pathlib.Path.home, lambda: socket.gethostbyname(socket.gethostname())):
    try:
        print("known:", ask())
    except (OSError, KeyError, RuntimeError) as error:
        print(type(error).__name__)
for folder in ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/proc/self", os.getcwd()):
    with suppress(OSError):
        open(os.path.join(folder, "written"), "w")
        print("written in", folder)
print(os.getuid(), os.getgid(), os.getgroups(), open("/proc/self/status").read().split("CapBnd:")[1].split()[0])
print(sorted(os.listdir("/var/run/secrets/kubernetes.io/serviceaccount")))
"""
    (tmp_path / "token").write_text("t")
    ran = subprocess.run(
        nameless(tmp_path, sys.executable, "-c", script),
        env=NOTHING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines() == [
        "KeyError",
        "FileNotFoundError",
        "RuntimeError",
        "gaierror",
        "65532 65532 [] 0000000000000000",
        "['token']",
    ], ran.stderr


def test_the_sandbox_serves_there_too(tmp_path: Path) -> None:
    """People run it as a Pod of the same image."""
    command = nameless(tmp_path, sys.executable, "-m", "managed_databases", "sandbox", "--port", "0")
    with subprocess.Popen(command, env=NOTHING, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            address = sandbox.stdout.readline().removeprefix("listening on ").strip()
            assert httpx.get(f"{address}/sandbox/openapi.json", trust_env=False).status_code == 200
        finally:
            sandbox.terminate()


@as_in_a_pod
@pytest.mark.parametrize("mounted", [False, True], ids=["its service account", "a kubeconfig from a Secret"])
async def test_it_serves_under_a_user_without_a_name(world: World, tmp_path: Path, mounted: bool) -> None:
    kubeconfig = await world.cluster.service_account(world.system, "operator")
    plane = world.cluster.control_plane
    world.operator = PodProcess(world.operator, kubeconfig, plane, tmp_path / "account", mounted=mounted)
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.database(), world.user())
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()
    assert await world.operator.stop() == 0, world.operator.log_tail()
    assert '"level": "error"' not in world.operator.log.read_text()
