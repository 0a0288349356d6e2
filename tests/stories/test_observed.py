"""What those who run the operator see of it: audit lines, metrics, traces, and more of the log when they ask for it."""

import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from managed_databases.controlplane.commands import free_port
from stories.pace import FAST
from stories.world import World

CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class Collector(BaseHTTPRequestHandler):
    received: list[bytes]

    def do_POST(self) -> None:
        self.received.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Collector]]:
    Collector.received = []
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        yield Collector
        server.shutdown()


def lines(world: World) -> list[dict[str, Any]]:
    told = world.operator.log.read_text().splitlines()
    return [json.loads(line) for line in told if line.startswith("{")]


@pytest.mark.parametrize("world", [{"settings": FAST | {"log_format": "json"}}], indirect=True)
async def test_each_change_is_told_counted_and_traced(world: World, collector: type[Collector]) -> None:
    port = free_port()
    await world.operator.start(metrics_port=port, tracing="true")
    await world.sandbox.fault(method="POST", path="/databases$", status=503, times=1)
    await world.apply(world.project_manifest(), world.datastore(), world.database(), world.user())
    await world.becomes("DatabaseUser", "app", "Synced")
    await world.becomes("ManagedDatabase", "shop", "Synced")
    await world.delete("DatabaseUser", "app")
    asked = [
        each for each in await world.sandbox.requests() if each["method"] in CHANGES and "/auth/" not in each["path"]
    ]
    audit = [line for line in lines(world) if line.get("audit")]
    assert Counter((line["method"], line["code"]) for line in audit) == Counter(
        (each["method"], each["status"]) for each in asked
    ), "each change has its line"
    made = next(line for line in audit if line["operation"] == "users.create" and line["outcome"] == "ok")
    user = {"kind": "DatabaseUser", "namespace": world.namespace, "name": "app", "generation": 1}
    assert made.items() >= {**user, "step": "Create", "reason": "Absent", "project": world.project}.items()
    assert made["uid"]
    assert made["request_id"]
    assert made["spec_changed_by"], "who applied it"
    taken = [
        line for line in lines(world) if line["event"] == "step taken" and line.get("trace_id") == made["trace_id"]
    ]
    assert any(line["request_id"] == made["request_id"] for line in taken), "the step has the id of its call"

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        text = (await client.get("/metrics")).text
    for series in (
        'managed_databases_reconcile_total{kind="DatabaseUser",result="success"}',
        'managed_databases_reconcile_errors_total{cause="api",kind="ManagedDatabase"}',
        'managed_databases_reconcile_time_seconds_count{kind="ManagedDatastore"}',
        'workqueue_adds_total{name="resources"}',
        'workqueue_queue_duration_seconds_count{name="resources"}',
        (
            f'managed_databases_api_calls_total{{code="{made["code"]}",collection="users",method="POST",'
            f'operation="users.create",outcome="ok",project="{world.project}"}}'
        ),
    ):
        value = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        assert value is not None, series
        assert float(value[1]) > 0
    assert 'workqueue_depth{name="resources"} 0.0' in text

    async def is_traced() -> bool:
        sent = b"".join(collector.received)
        return bytes.fromhex(made["trace_id"]) in sent and b"users.create" in sent and b"kubernetes PATCH" in sent

    await world.until("the trace has arrived", is_traced)


@pytest.mark.parametrize("world", [{"settings": FAST | {"log_format": "json"}}], indirect=True)
async def test_the_log_tells_more_when_it_is_asked_to(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest())
    await world.becomes("DatabaseProject", world.project)
    assert not [line for line in lines(world) if line["level"] == "debug"]
    os.kill(world.operator.pid, signal.SIGUSR1)

    async def is_told() -> bool:
        return any(line["event"] == "the level of the log changes" for line in lines(world))

    await world.until("the level has changed", is_told)
    await world.apply(world.datastore())
    await world.becomes("ManagedDatastore", "main", "Synced")
    decided = [line for line in lines(world) if line["event"] == "decided"]
    assert {"ManagedDatastore"} == {line["kind"] for line in decided}
    assert (decided[-1]["verdict"], decided[-1]["reason"]) == ("Done", "InSync")
    assert world.operator.is_running
