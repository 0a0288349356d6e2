"""What the demo does without a cluster: it finds its examples, says what is missing, and proposes what works."""

import asyncio
import io
import json
import os
import re
import signal
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from managed_databases.cli import app, register
from managed_databases.controlplane.binaries import BinariesMissing
from managed_databases.demo import command
from managed_databases.demo.cluster_access import LAST_APPLIED, ClusterAccess
from managed_databases.demo.examples import NAMES, TWO_USERS, example
from managed_databases.demo.processes import RunningSandbox
from managed_databases.demo.setting_up import SettingUp
from managed_databases.demo.suggestions import suggestions

TOP = Path(__file__).parents[2]
FOUR_WAYS = (
    "etcd was not found. There are four ways to have it:\n  1. KUBEBUILDER_ASSETS\n  2. The cache\n  3. x\n  4. y"
)


def test_without_programs_it_says_the_four_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(*_: object) -> Path:
        raise BinariesMissing(FOUR_WAYS)

    monkeypatch.setattr(command, "find_binaries", missing)
    register(["demo"])
    told = CliRunner().invoke(app, ["demo", "--exit"])
    assert told.exit_code == 1
    assert told.exception is None or isinstance(told.exception, SystemExit)
    assert "the demo ends: etcd was not found" in told.output
    assert all(f"{way}. " in told.output for way in range(1, 5))


def test_the_examples_are_found_from_any_folder_and_are_in_the_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    built = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for name in (*NAMES, TWO_USERS):
        assert example(name).is_file()
        assert built["force-include"][f"deploy/examples/{name}"] == f"managed_databases/examples/{name}"


RESOURCES: list[dict[str, Any]] = [
    {
        "kind": "DatabaseUser",
        "metadata": {"name": "shop", "namespace": "web"},
        "status": {"binding": {"name": "shop-user"}},
    },
    {
        "kind": "ManagedDatastore",
        "metadata": {"name": "orders", "namespace": "web"},
        "spec": {"engine": {"type": "postgresql"}, "nodeCount": 2},
    },
]


def test_it_proposes_what_works_one_after_the_other() -> None:
    sandbox = RunningSandbox("http://127.0.0.1:1", "/ca.crt")
    told = suggestions(RESOURCES, Path("/k"), "kind-a", Path("/bin"), sandbox)
    steps = [line.strip().partition("  #")[0].strip() for line in told.splitlines()]
    assert steps == [
        f"export KUBECONFIG=/k PATH=/bin:$PATH:{Path(sys.executable).parent}",
        "kubectl --context kind-a get databases",
        "kubectl --context kind-a delete secret shop-user -n web",
        "managed-databases connect shop -n web --context kind-a",
        """kubectl --context kind-a patch mds orders -n web --type merge -p '{"spec": {"nodeCount": 3}}'""",
        "kubectl --context kind-a get mds orders -n web --watch",
        "kubectl --context kind-a describe mds orders -n web",
        "kubectl --context kind-a delete mds orders -n web",
        "curl -s http://127.0.0.1:1/sandbox/requests?method=POST",
        "curl -s http://127.0.0.1:1/sandbox/engines",
    ]
    by_name = suggestions(RESOURCES, Path("/k"), None, Path("/bin"), RunningSandbox(sandbox.url, "/ca.crt", names=True))
    assert (
        "  managed-databases sandbox shell --url http://127.0.0.1:1 -- managed-databases connect shop -n web" in by_name
    )
    assert "orders" not in suggestions([], Path("/k"), None, Path("/bin"), sandbox), "nothing that was not applied"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_in_order_when_it_is_asked_to(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    operator = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        end = asyncio.create_task(command._wait_for_the_end(operator))
        await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(end, 10)
    finally:
        operator.kill()
        await operator.wait()
    assert "ending the demo" in capsys.readouterr().err


async def test_people_can_go_on_with_kubectl_apply() -> None:
    sent: list[dict[str, Any]] = []

    class Connection:
        async def request(self, method: str, path: str, *, body: Any, **_: object) -> None:
            sent.append(body)

    access = ClusterAccess(Connection())  # type: ignore[arg-type]
    await access.apply_examples([example(NAMES[0]).read_text()], "sandbox-servers")
    assert len(sent) == 4
    for body in sent:
        last = json.loads(body["metadata"]["annotations"][LAST_APPLIED])
        assert last["spec"].items() <= body["spec"].items()
        assert LAST_APPLIED not in last["metadata"]["annotations"]
    (project,) = [body for body in sent if body["kind"] == "DatabaseProject"]
    assert project["spec"]["caCertificate"] == {"name": "sandbox-servers"}
    assert "caCertificate" not in project["metadata"]["annotations"][LAST_APPLIED], "applying the file leaves it there"


@pytest.mark.parametrize("terminal", [True, False])
def test_each_step_of_setting_up_stays_as_a_line(terminal: bool) -> None:
    stream = io.StringIO()
    steps = SettingUp(Console(file=stream, width=80, force_terminal=terminal, color_system=None))
    with steps:
        steps.say("starting etcd")
        steps.say("starting [red]the operator[/red]")
    steps.say("stopping")
    written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "\n")
    kept = [line for line in written.splitlines() if line.startswith("st")]
    assert kept == ["starting etcd", "starting [red]the operator[/red]", "stopping"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no kubeconfig file {path}: KUBECONFIG names another one"),
        ({"contexts": [{"name": "here", "context": {}}]}, "no context there in {path}"),
    ],
    ids=["no file", "no such context"],
)
def test_a_context_that_is_not_there_is_told_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: object, said: str
) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(json.dumps(content))
    monkeypatch.setenv("KUBECONFIG", str(path))
    register(["demo"])
    told = CliRunner().invoke(app, ["demo", "--exit", "--context", "there"])
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == f"the demo ends: {said.format(path=path)}\n"
