"""A process whose watching has ended is gone soon after, whatever in it does not want to end."""

import json
import sys
from pathlib import Path

import pytest

from kube.fake_api_server import FakeApiServer, serving, until
from managed_databases.kinds.registry import kinds
from managed_databases.kube.ending import FAILED, STOPPED
from managed_databases.kube.watchdog import END_SECONDS, LAST_RESORT_SECONDS
from operator_process import OperatorProcess

PROGRAM = """
import asyncio, os, re, resource, sys, threading, time
from managed_databases import cli
from managed_databases.kube import operator, watchdog
from managed_databases.kube.kopf_bridge import bridge
from managed_databases.kube.missing_kinds import MissingKinds
from managed_databases.kube.relist import Relist
from managed_databases.reconcile.controller import Controller

operator.END_SECONDS = 3.0

async def never(*_):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def in_a_thread(*_):
    await asyncio.to_thread(time.sleep, 3600)

def blocked(*_):
    time.sleep(3600)

async def without_files(*_):
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    await never()

def nobody_reads_the_log(*_):
    _, written = os.pipe()
    os.dup2(written, 2)
    while True:
        os.write(2, b"x" * 4096)

def no_thread_may_run(*_):
    re.match("(a+)+$", "a" * 64 + "b")

FAULT
sys.argv = ["managed-databases", "run", *sys.argv[1:]]
cli.main()
"""


class Broken(OperatorProcess):
    """An operator with a fault of that kind."""

    def __init__(self, folder: Path, fault: str) -> None:
        super().__init__(folder / "kubeconfig", folder / "log", log_format="json")
        self._program = PROGRAM.replace("FAULT", fault)

    def _command(self) -> list[str]:
        return [sys.executable, "-c", self._program, "--kubeconfig", str(self._kubeconfig)]


def an_api_server() -> FakeApiServer:
    return FakeApiServer(served=[kind.plural for kind in kinds().values()])


@pytest.mark.parametrize(
    ("fault", "is_ended"),
    [
        ("Relist.run = never", False),
        ("MissingKinds.run = in_a_thread", True),
        ("Controller.drain = never", True),
        ("Controller.drain = blocked", True),
        ("bridge.end_orphans = blocked", True),
        ("Controller.drain = without_files", True),
        ("Controller.drain = nobody_reads_the_log", None),
        ("Controller.drain = no_thread_may_run", None),
    ],
    ids=["a task", "a thread", "a wait", "the loop", "the loop, early", "no files", "a full log", "no thread"],
)
async def test_when_the_watches_have_ended(tmp_path: Path, fault: str, is_ended: bool | None) -> None:
    server = an_api_server()
    async with serving(server, tmp_path), Broken(tmp_path, fault) as operator:
        await until(lambda: "caches are filled" in operator.log_tail(), operator.log_tail)
        server.watch_error = 418
        await server.drop_watches()
        assert await operator.ends() == FAILED
    log = operator.log_tail(1000)
    if is_ended:
        (line,) = [json.loads(line) for line in log.splitlines() if "is ended" in line]
        assert line["reason"].startswith("watching has ended: "), line
        assert line["stands_at"], "where the process stood"
    elif is_ended is False:
        assert "the operator ends" in log, "one task that stays does not keep the others from an orderly end"


async def test_when_it_was_asked_to_stop(tmp_path: Path) -> None:
    async with serving(an_api_server(), tmp_path), Broken(tmp_path, "Controller.drain = blocked") as operator:
        await until(lambda: "caches are filled" in operator.log_tail(), operator.log_tail)
        assert await operator.stop() == STOPPED
        assert "it is to stop" in operator.log_tail()


async def test_when_the_loop_stands_still_by_itself(tmp_path: Path) -> None:
    fault = "watchdog.Watchdog.__init__.__kwdefaults__['stuck_seconds'] = 2; MissingKinds.run = blocked"
    async with serving(an_api_server(), tmp_path), Broken(tmp_path, fault) as operator:
        assert await operator.ends() == FAILED
        assert "its event loop stands still" in operator.log_tail()
        assert "in blocked" not in operator.log_tail(), "places, no lines of source"
        assert " blocked" in operator.log_tail()


def test_ten_seconds_are_kept() -> None:
    assert END_SECONDS + LAST_RESORT_SECONDS < 10
