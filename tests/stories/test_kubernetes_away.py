"""Kubernetes is away, silent or cut off: the operator stays, notices it, and catches up. Also: how the operator starts and
ends.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from cluster import PATIENCE_SECONDS, Cluster
from definitions import install_crds
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import GROUP
from stories.watched_through_proxy import Proxy
from stories.world import World

SPEED = 60
FAST = {
    "settings": {
        "clock_speed": SPEED,
        "call_limit_seconds": 10,
        "settle_margin_seconds": 5,
        "pending_poll_seconds": 10,
    }
}
SLOWER = {"settings": FAST["settings"] | {"clock_speed": 20}}
"""Silence is noticed after 45 real seconds: a busy machine is not silent for that long."""
TEN_MINUTES = 600 / SPEED


class Probed:
    """The operator's probes and metrics."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._port, self._metrics_port = free_port(), free_port()
        self._http = httpx.AsyncClient(timeout=60, trust_env=False)

    async def start(self) -> None:
        await self._world.operator.start(probe_port=self._port, metrics_port=self._metrics_port)

    async def says(self, path: str) -> tuple[int, str]:
        port = self._metrics_port if path == "/metrics" else self._port
        answer = await self._http.get(f"http://127.0.0.1:{port}{path}")
        return answer.status_code, answer.text

    async def becomes(self, path: str, status: int, seconds: float = PATIENCE_SECONDS) -> str:
        async def look() -> str:
            code, text = await self.says(path)
            assert code == status, (code, text)
            return text

        text: str = await self._world.until(f"{path} says {status}", look, seconds)
        return text

    async def close(self) -> None:
        await self._http.aclose()


@pytest_asyncio.fixture
async def probed(world: World) -> AsyncIterator[Probed]:
    probed = Probed(world)
    yield probed
    await probed.close()


async def a_datastore(world: World, probed: Probed) -> None:
    await probed.start()
    await world.apply(world.project_manifest(pollSeconds=60), world.datastore())
    await world.becomes("ManagedDatastore", "main")


async def test_the_api_server_is_away_for_ten_minutes(control_plane: ControlPlane, tmp_path: Path) -> None:
    async with ControlPlane(control_plane.binaries) as plane, Cluster(plane) as cluster:
        await install_crds(cluster)
        async with World(cluster, tmp_path, **FAST) as world:  # type: ignore[arg-type]
            probed = Probed(world)
            await a_datastore(world, probed)
            await plane.stop_apiserver()
            said = []
            for _ in range(20):
                await asyncio.sleep(TEN_MINUTES / 20)
                said.append(await probed.says("/healthz"))
            assert {code for code, _ in said} == {200}, said
            assert world.operator.is_running
            await plane.start_apiserver()
            await world.apply(world.user())
            await world.change("ManagedDatastore", "main", firewall=["192.0.2.0/24"])
            await world.becomes("DatabaseUser", "app")
            await world.becomes("ManagedDatastore", "main", "Synced")
            assert (await probed.says("/healthz"))[0] == 200
            assert world.operator.is_running
            assert len(await world.made("datastores")) == len(await world.made("users")) == 1
            await probed.close()


@pytest.mark.parametrize("world", [SLOWER], indirect=True)
async def test_watches_that_are_cut_or_silent(world: World, probed: Probed) -> None:
    async with Proxy(world.cluster.control_plane.url) as proxy:
        await world.reach_kubernetes_through(proxy.kubeconfig)
        await a_datastore(world, probed)

        proxy.cut()
        await world.apply(world.user("cut"))
        await world.becomes("DatabaseUser", "cut")

        proxy.mute()
        await world.apply(world.user("muted"))
        await world.becomes("DatabaseUser", "muted")
        assert (await probed.says("/healthz"))[0] == 200

        proxy.mute(for_all=True)
        trouble = await probed.becomes("/healthz", 503)
        assert world.namespace not in trouble, "anybody may ask the probes"
        assert "nothing has come from the watch of" in world.operator.log_tail()
        assert world.operator.is_running


async def test_a_token_that_is_refused_is_replaced(world: World, probed: Probed) -> None:
    """The account is made anew, and its old tokens are worth nothing; the new one stands in the same file, later."""
    files: list[Path] = []

    def noted(kubeconfig: Path) -> Path:
        files.append(kubeconfig)
        return kubeconfig

    await world.reach_kubernetes_through(noted)
    await a_datastore(world, probed)
    process = world.operator.pid
    account = await world.cluster.get("ServiceAccount", "operator", world.system)
    await world.cluster.delete("ServiceAccount", "operator", world.system, wait=True)
    again = {key: account["metadata"][key] for key in ("name", "namespace")}
    await world.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": again})
    async with Cluster(world.cluster.control_plane, files[0]) as old:

        async def is_refused() -> bool:  # the API server remembers for seconds whom it has let in
            answer = await old.http.get(f"/apis/{GROUP}/v1alpha1/databaseprojects")
            return answer.status_code == 401

        await world.until("its token is refused", is_refused)
    await world.apply(world.user())

    async def is_told() -> bool:
        assert "Unauthorized" in world.operator.log_tail(), world.operator.log_tail()
        return True

    await world.until("the log tells", is_told)
    assert not await world.sandbox.objects("users")
    files[0].write_bytes((await world.cluster.service_account(world.system, "operator")).read_bytes())
    await world.becomes("DatabaseUser", "app")
    assert await world.login_works()
    assert (world.operator.is_running, world.operator.pid) == (True, process)
    assert len(await world.made("datastores")) == len(await world.made("users")) == 1


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_not_ready_before_the_caches_are_filled(world: World, probed: Probed) -> None:
    async with Proxy(world.cluster.control_plane.url) as proxy:
        await world.reach_kubernetes_through(proxy.kubeconfig)
        proxy.mute(for_all=True)
        await world.apply(world.project_manifest(), world.datastore())
        await probed.start()
        await probed.becomes("/readyz", 503)
        assert "the caches are not filled yet" in world.operator.log_tail()
        proxy.speak()
        proxy.cut()
        await probed.becomes("/readyz", 200)
        await world.becomes("ManagedDatastore", "main")


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_it_ends_with_its_calls(world: World, probed: Probed) -> None:
    await a_datastore(world, probed)
    await world.sandbox.fault(method="POST", path="/users$", delay_seconds=2, when="after")
    await world.apply(world.user())

    async def posted() -> object:
        return await world.posts("users")

    await world.until("the user is POSTed", posted)
    assert await world.operator.stop() == 0
    (user,) = await world.sandbox.objects("users")
    assert (await world.get("DatabaseUser", "app"))["status"]["id"] == user["id"]
    await world.sandbox.clear_faults()
    await probed.start()
    await world.becomes("DatabaseUser", "app")
    assert len(await world.posts("users")) == 1


@pytest.mark.parametrize("world", [FAST], indirect=True)
async def test_metrics_count_calls(world: World, probed: Probed) -> None:
    await a_datastore(world, probed)
    await world.sandbox.fault(method="POST", path="/users$", status=403)
    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app", "Stalled")
    _, text = await probed.says("/metrics")
    counted = [
        dict(re.findall(r'(\w+)="([^"]*)"', line))
        for line in text.splitlines()
        if line.startswith("managed_databases_api_calls_total{")
    ]
    operations = {(each["operation"], each["outcome"]) for each in counted if each["project"] == world.project}
    assert ("datastores.create", "ok") in operations, text
    assert ("datastores.list", "ok") in operations, text
    assert any(operation == "users.create" and outcome != "ok" for operation, outcome in operations), operations
    stalled = f'managed_databases_resources{{kind="DatabaseUser",namespace="{world.namespace}",state="stalled"}} 1.0'
    assert stalled in text.splitlines(), text

    async def is_told_at_the_datastore() -> bool:
        events = await world.cluster.list("events", world.namespace)
        told = {each["involvedObject"]["name"]: each["message"] for each in events if each["reason"] == "StalledInside"}
        return "DatabaseUser app (" in told.get("main", "")

    await world.until("the datastore has an Event", is_told_at_the_datastore)
