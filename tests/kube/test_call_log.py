"""What log lines tell: of which pass they are, and of each change in the cloud, who asked for it."""

import asyncio
import gc
import io
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from managed_databases.api.client import CallRecord
from managed_databases.kube.call_log import call_ended
from managed_databases.logs import configure_logs, follow_signals
from managed_databases.reconcile.pass_record import PassRecord, begins


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Where the lines of a log as JSON of the level info go."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(gc, "get_objects", list)
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    structlog.reset_defaults()
    try:
        configure_logs("json", "info")
        yield written
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def record() -> PassRecord:
    return PassRecord("DatabaseUser", "shop", "app", "u-1", 3, changed_by="argocd-controller")


def call(method: str = "POST", outcome: str = "ok", status: int | None = 200, id_: str | None = "req-7") -> CallRecord:
    return CallRecord("users.create", method, outcome, status, id_, 0.1234, "/v1/users")


OF_PASS = {"kind": "DatabaseUser", "namespace": "shop", "name": "app", "uid": "u-1", "generation": 3}


def test_each_change_has_its_line_whatever_the_level(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)  # pytest has put its own there since the fixture did
    configure_logs("json", "error")
    structlog.get_logger().warning("not written")
    call_ended("prod", call())
    assert [line["event"] for line in lines(stream)] == ["change sent"]


def test_lines_in_a_pass_say_of_which_resource_and_step(stream: io.StringIO) -> None:
    log = structlog.get_logger()
    with record():
        log.info("no step yet")
        begins("Create", "Absent")
        call_ended("prod", call())
        log.info("step taken")
        logging.getLogger("a library").warning("it says so")
        log.info("another's", kind="Secret", name="own")
        begins("Delete", "Deleting")
        log.info("the next step")
    log.info("outside")
    first, audit, taken, library, other, following, outside = lines(stream)
    assert first.items() >= OF_PASS.items()
    assert not {"step", "reason", "request_id"} & first.keys()
    for line in (audit, taken, library):
        assert line.items() >= {**OF_PASS, "step": "Create", "reason": "Absent", "request_id": "req-7"}.items()
    assert (other["kind"], other["name"], other["uid"]) == ("Secret", "own", "u-1")
    assert (following["step"], "request_id" in following) == ("Delete", False)
    assert not OF_PASS.keys() & outside.keys()


def test_each_change_in_the_cloud_has_a_line_that_says_who_and_what(stream: io.StringIO) -> None:
    with record():
        begins("Create", "Absent")
        call_ended("prod", call("GET"))
        call_ended("prod", call("POST"))
        call_ended("prod", call("DELETE", "OutcomeUnknown", None, None))
        call_ended("prod", call("PUT", "NeverSent", None, None))
    call_ended("prod", call("PATCH"))
    created, deleted, patched = lines(stream)
    told = {name: created[name] for name in created.keys() - {"timestamp", "level"}}
    assert told == OF_PASS | {
        "event": "change sent",
        "audit": True,
        "step": "Create",
        "reason": "Absent",
        "project": "prod",
        "operation": "users.create",
        "method": "POST",
        "path": "/v1/users",
        "outcome": "ok",
        "code": 200,
        "request_id": "req-7",
        "seconds": 0.123,
        "spec_changed_by": "argocd-controller",
    }
    assert (deleted["method"], deleted["outcome"], deleted["code"]) == ("DELETE", "OutcomeUnknown", None)
    assert (patched["method"], patched["spec_changed_by"]) == ("PATCH", None), "outside of passes there is a line, too"


async def test_a_pass_s_lines_are_its_own(stream: io.StringIO) -> None:
    """Neither another task's, nor those of a task that a pass has left behind."""
    log, end = structlog.get_logger(), asyncio.Event()

    async def left() -> None:
        await end.wait()
        log.info("left behind")

    async def other() -> None:
        log.info("other")

    task = asyncio.create_task(other())
    with record():
        behind = asyncio.create_task(left())
        await task
    end.set()
    await behind
    assert [line["event"] for line in lines(stream) if not OF_PASS.keys() & line.keys()] == ["other", "left behind"]


async def test_signals_change_the_level(stream: io.StringIO) -> None:
    log, loop = structlog.get_logger(), asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    follow_signals(loop, "warning")
    try:
        for number, name in ((None, "at first"), (signal.SIGUSR1, "in detail"), (signal.SIGUSR2, "as before")):
            if number is not None:
                os.kill(os.getpid(), number)
                await asyncio.sleep(0.05)
            log.debug(name)
            log.info(name)
            log.warning(name)
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
    assert [(line["event"], line["level"]) for line in lines(stream)] == [
        ("at first", "info"),
        ("at first", "warning"),
        ("the level of the log changes", "info"),
        ("in detail", "debug"),
        ("in detail", "info"),
        ("in detail", "warning"),
        ("the level of the log changes", "info"),
        ("as before", "warning"),
    ]
