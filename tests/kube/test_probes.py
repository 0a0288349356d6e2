import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from managed_databases.kube.probes import Probes


class Operator:
    def __init__(self) -> None:
        self.live: str | None = None
        self.ready: str | None = "the namespace shop may not be listed"


@pytest.fixture
async def operator() -> Operator:
    return Operator()


@pytest.fixture
async def asked(operator: Operator) -> AsyncIterator[httpx.AsyncClient]:
    probes = Probes(live=lambda: operator.live, ready=lambda: operator.ready, host="127.0.0.1", port=0)
    serving = asyncio.create_task(probes.run())
    base = f"http://127.0.0.1:{await probes.bound}"
    async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as client:
        yield client
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_tells_whether_and_the_log_why(
    operator: Operator, asked: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await asked.get("/healthz")).text == "ok\n"
    for _ in range(3):
        unready = await asked.get("/readyz")
        assert (unready.status_code, unready.text) == (503, "not yet, or no more; the log says why\n")
    operator.ready, operator.live = None, "kopf has ended"
    assert (await asked.get("/readyz")).text == "ok\n"
    assert (await asked.get("/healthz")).status_code == 503
    log = capsys.readouterr().out
    assert log.count("the namespace shop may not be listed") == 1, "not for each of the kubelet's questions"
    assert "kopf has ended" in log


async def test_the_metrics_are_not_here(asked: httpx.AsyncClient) -> None:
    """Whoever may reach the probes may not therefore read the names of namespaces."""
    answer = await asked.get("/metrics")
    assert answer.status_code == 404
    assert "on its own port" in answer.text
