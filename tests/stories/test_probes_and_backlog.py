"""The probes show the state of the process, not the length of its queue: a kubelet must not kill a busy operator."""

import re

import httpx
import pytest

from managed_databases.controlplane.commands import free_port
from managed_databases.reconcile.scheduling.work_queue import GROUP_LIMIT
from stories.world import World

CROWD = 300


async def queued(metrics: httpx.AsyncClient) -> float:
    found = re.search(r"^managed_databases_queued (\S+)$", (await metrics.get("/metrics")).text, re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize("world", [{"settings": {"call_limit_seconds": 300}}], indirect=True)
async def test_a_backlog_that_does_not_move(world: World) -> None:
    port, metrics_port = free_port(), free_port()
    await world.operator.start(probe_port=port, metrics_port=metrics_port)
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    await world.sandbox.fault(method="POST", path="/users$", delay_seconds=300)
    await world.apply(*(world.user(f"u{number}") for number in range(CROWD)))
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as probes,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{metrics_port}", trust_env=False, timeout=60) as metrics,
    ):

        async def is_stuck() -> bool:
            assert await queued(metrics) >= CROWD - GROUP_LIMIT, await queued(metrics)
            assert len(await world.posts("users")) == GROUP_LIMIT
            return True

        async def answers() -> None:
            for path in ("/healthz", "/readyz"):
                answer = await probes.get(path)
                assert answer.status_code == 200, answer.text

        await world.until("the backlog does not move", is_stuck)
        await answers()
        await world.operator.kill()
        await world.sandbox.clear_requests()
        await world.operator.start()

        async def is_ready() -> bool:
            return (await probes.get("/readyz")).status_code == 200

        await world.until("ready, with all of it still to do", is_ready)
        await answers()
        assert await queued(metrics) > 0
        await world.sandbox.clear_faults()
