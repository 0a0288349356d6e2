"""A process that ends says why, once, and its exit code is one of those that are documented."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube.fake_api_server import FakeApiServer, serving, until
from managed_databases.kinds.registry import kinds
from managed_databases.kube.connection import KubeConnection, NotConfigured
from managed_databases.kube.ending import CANNOT_START, FAILED, STOPPED, Ended, end_of, told
from operator_process import OperatorProcess

TOP = Path(__file__).parent.parent.parent
NOTHING_SET = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
PASSWORD = "a-password-nobody-may-see"


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "managed_databases", "run", *arguments],
        env=NOTHING_SET | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def lines(log: str) -> list[dict[str, Any]]:
    """Every line of the log is JSON: a traceback is part of one."""
    return [json.loads(line) for line in log.splitlines()]


def kubeconfig(**section: Any) -> dict[str, Any]:
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"} | section}],
        "users": [{"name": "me", "user": {"token": "sesame"}}],
    }


def test_without_any_cluster_it_says_how_to_name_one() -> None:
    code, log = run()
    assert code == CANNOT_START
    (line,) = lines(log)
    assert (line["level"], line["event"]) == ("error", "the operator cannot start")
    assert "--kubeconfig" in line["error"]
    assert "exception" not in line


@pytest.mark.parametrize(
    ("why", "content", "told"),
    [
        ("there is none", None, "there is no kubeconfig file"),
        ("it is empty", "", "is not a kubeconfig"),
        ("it is no YAML", "a: [", "is not YAML"),
        ("it is a list", "[1]", "is not a kubeconfig"),
        ("it is binary", "\0\1", "is not YAML"),
        ("a section has another shape", "current-context: a\ncontexts: {}\nclusters: 3", "cannot be used"),
        ("no context is current", yaml.safe_dump(kubeconfig() | {"current-context": ""}), "cannot be used"),
        ("the context is unknown", yaml.safe_dump(kubeconfig() | {"current-context": "there"}), "there"),
        ("its certificate is none", json.dumps(kubeconfig(**{"certificate-authority-data": "eA=="})), "certificates"),
        ("its certificate is not encoded", json.dumps(kubeconfig(**{"certificate-authority-data": "x"})), "cannot"),
        ("its certificate's file is gone", json.dumps(kubeconfig(**{"certificate-authority": "ca.crt"})), "ca.crt"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, why: str, content: str | None, told: str) -> None:
    file = tmp_path / "config"
    if content is not None:
        await asyncio.to_thread(file.write_text, content)
    connection = KubeConnection.from_kubeconfig(file)
    with pytest.raises(NotConfigured) as failed:
        await connection.api()
    await connection.close()
    assert str(file) in str(failed.value) or "certificates" in str(failed.value), why
    assert told in str(failed.value), why


def test_with_a_kubeconfig_that_is_not_there_it_names_it(tmp_path: Path) -> None:
    code, log = run("--kubeconfig", str(tmp_path / "config"))
    (line,) = lines(log)
    assert (code, line["level"], line["event"]) == (CANNOT_START, "error", "the operator cannot start")
    assert str(tmp_path / "config") in line["error"]
    assert "exception" not in line


def test_a_bad_setting_is_named() -> None:
    code, log = run(MANAGED_DATABASES_PROBE_PORT="many")
    assert (code, log.count("\n")) == (CANNOT_START, 1)
    assert log.startswith("MANAGED_DATABASES_PROBE_PORT: ")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"CERTIFICATE": "tls.crt"}, "METRICS_CERTIFICATE and METRICS_KEY: both or none"),
        ({"KEY": "tls.key"}, "METRICS_CERTIFICATE and METRICS_KEY: both or none"),
        ({"AUTHENTICATION": "true"}, "without TLS anybody could read the tokens"),
    ],
)
def test_settings_that_do_not_fit_each_other(settings: dict[str, str], said: str) -> None:
    code, log = run(**{f"MANAGED_DATABASES_METRICS_{name}": value for name, value in settings.items()})
    assert (code, log.count("\n")) == (CANNOT_START, 1)
    assert said in log


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps(kubeconfig()))
    files = {f"MANAGED_DATABASES_METRICS_{name}": str(tmp_path / name) for name in ("CERTIFICATE", "KEY")}
    code, log = run("--kubeconfig", str(file), **files)
    (line,) = lines(log)
    assert (code, line["event"]) == (CANNOT_START, "the operator cannot start")
    assert str(tmp_path / "CERTIFICATE") in line["error"]


@pytest.mark.parametrize("part", ["probes", "metrics"])
def test_a_port_in_use_is_told_with_what_to_change_and_its_place(tmp_path: Path, part: str) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps(kubeconfig()))
    setting = {"probes": "MANAGED_DATABASES_PROBE", "metrics": "MANAGED_DATABASES_METRICS"}
    free = {
        f"{name}_{what}": value for name in setting.values() for what, value in (("HOST", "127.0.0.1"), ("PORT", "0"))
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, log = run("--kubeconfig", str(file), **free | {f"{setting[part]}_PORT": str(port)})
    assert code == FAILED
    (line,) = [each for each in lines(log) if each["level"] == "error"]
    assert line["event"] == "the operator ends"
    told = (
        f"port {port} is in use (`ss -ltnp` shows by whom); another one for {setting[part]}_PORT, or 0 for a free one"
    )
    assert line["error"] == f"{part} has ended: PortInUse: {told}"
    assert "asked.py" in line["exception"]
    assert log.count("Traceback") == line["exception"].count("Traceback")


async def test_a_task_of_kopf_that_ends_is_told_once(tmp_path: Path) -> None:
    server = FakeApiServer(served=[kind.plural for kind in kinds().values()])
    async with (
        serving(server, tmp_path),
        OperatorProcess(tmp_path / "kubeconfig", tmp_path / "log", log_format="json") as operator,
    ):
        await until(lambda: "caches are filled" in operator.log_tail(), operator.log_tail)
        server.watch_error = 418
        await server.drop_watches()
        assert await operator.ends() == FAILED
    log = lines(operator.log_tail(1000))
    # kopf tells of a connection that was closed right when it sent a request on it; it tries that one again.
    of_the_end = [each for each in log if not each["event"].startswith("Request attempt #")]
    (line,) = [each for each in of_the_end if "exception" in each or each["level"] == "error"]
    assert line["event"] == "the operator ends"
    assert re.match(r"watching has ended: multidimensional multitasker has ended: WatchingError", line["error"])
    assert "kopf/_core/reactor/orchestration.py" in line["exception"]


async def test_a_stop_is_told_and_is_no_error(tmp_path: Path) -> None:
    server = FakeApiServer(served=[kind.plural for kind in kinds().values()])
    async with (
        serving(server, tmp_path),
        OperatorProcess(tmp_path / "kubeconfig", tmp_path / "log", log_format="json") as operator,
    ):
        await until(lambda: "caches are filled" in operator.log_tail(), operator.log_tail)
        assert await operator.stop() == STOPPED
    log = lines(operator.log_tail(1000))
    assert [each["event"] for each in log][-1] == "stopping as asked"
    assert "error" not in {each["level"] for each in log}


FAILING = f"""
import sys
from pydantic import SecretStr
from managed_databases import cli
from managed_databases.kube import operator

held = SecretStr({PASSWORD!r})

async def fail(*_):
    raise FAILURE

operator._Operator.run = fail
sys.argv = ["managed-databases", "run", "--kubeconfig", KUBECONFIG]
cli.main()
"""


@pytest.mark.parametrize(
    ("failure", "told", "in_the_traceback"),
    [
        ("ValueError('one')", "ValueError: one", ["ValueError: one"]),
        (
            "ExceptionGroup('two of them', [KeyError('first'), ExceptionGroup('deeper', [OSError(5, 'second')])])",
            "KeyError: 'first'; OSError: [Errno 5] second",
            ["ExceptionGroup: two of them", "KeyError: 'first'", "OSError: [Errno 5] second"],
        ),
        ("ValueError('told ' + held.get_secret_value())", "ValueError: told ***", ["ValueError: told ***"]),
        (
            "ExceptionGroup('g', [ValueError(held.get_secret_value().encode().hex(), repr(held.get_secret_value()))])",
            None,
            ["'***'"],
        ),
    ],
    ids=["one", "a group of groups", "masked", "masked in a group"],
)
def test_every_error_and_its_group_is_told_masked(
    tmp_path: Path, failure: str, told: str | None, in_the_traceback: list[str]
) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps(kubeconfig()))
    script = FAILING.replace("FAILURE", failure).replace("KUBECONFIG", repr(str(file)))
    ended = subprocess.run(
        [sys.executable, "-c", script], env=NOTHING_SET, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == FAILED, ended.stderr
    (line,) = [each for each in lines(ended.stderr) if each["level"] == "error"]
    assert told is None or line["error"] == told
    assert "in fail" in line["exception"]
    assert [text for text in in_the_traceback if text not in line["exception"]] == [], line["exception"]
    assert PASSWORD not in ended.stderr


async def test_all_that_ended_at_the_same_time_is_told() -> None:
    async def fail(text: str) -> None:
        raise ValueError(text)

    async def end() -> None:
        return

    tasks = [asyncio.create_task(fail("x"), name="b"), asyncio.create_task(fail("y"), name="a")]
    tasks += [asyncio.create_task(end(), name="c")]
    await asyncio.wait(tasks)
    ended = end_of(tasks)
    assert (
        str(ended) == "a has ended: ValueError: y; b has ended: ValueError: x; c has ended: by itself, without an error"
    )
    assert isinstance(ended.__cause__, ExceptionGroup)
    assert told(ExceptionGroup("g", [Ended("a has ended"), OSError()])) == "a has ended; OSError"


def test_the_exit_codes_are_documented() -> None:
    page = (TOP / "docs/operating.md").read_text()
    help_ = subprocess.run(
        [sys.executable, "-m", "managed_databases", "run", "--help"],
        env=NOTHING_SET | {"TERM": "dumb", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    codes = {STOPPED, FAILED, CANNOT_START}
    assert {int(code) for code in re.findall(r"^\| `(\d)` \|", page, re.MULTILINE)} == codes
    told = help_.partition("Exit codes:")[2].partition("╭")[0]
    assert {int(code) for code in re.findall(r"\b(\d) \w", told)} == codes, help_
