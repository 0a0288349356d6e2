import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import Counter

from managed_databases.kube.probes import Probes

TURNS = Counter("test_turns", "Turns of this test.")


class Operator:
    def __init__(self) -> None:
        self.live: str | None = None
        self.ready: str | None = "the caches are not filled yet"


@pytest.fixture
async def operator() -> Operator:
    return Operator()


@pytest.fixture
async def asked(operator: Operator) -> AsyncIterator[httpx.AsyncClient]:
    probes = Probes(live=lambda: operator.live, ready=lambda: operator.ready, host="127.0.0.1", port=0)
    serving = asyncio.create_task(probes.run())
    base = f"http://127.0.0.1:{await probes.bound}"
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        yield client
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_says_what_is_wrong(operator: Operator, asked: httpx.AsyncClient) -> None:
    assert (await asked.get("/healthz")).status_code == 200
    unready = await asked.get("/readyz")
    assert (unready.status_code, unready.text) == (503, "the caches are not filled yet\n")
    operator.ready, operator.live = None, "kopf has ended"
    assert (await asked.get("/readyz")).text == "ok\n"
    dead = await asked.get("/healthz")
    assert (dead.status_code, dead.text) == (503, "kopf has ended\n")


async def test_shows_metrics(asked: httpx.AsyncClient) -> None:
    TURNS.inc()
    answer = await asked.get("/metrics")
    assert "test_turns_total 1.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
