"""The operator logs in to real servers before it says Ready, and says what is in the way: one story for each engine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster import Cluster, Manifest
from engines.at_hand import need
from managed_databases.controlplane.commands import free_port
from probe.fake_servers import OTHER_CA
from sandbox.account import account_of
from stories.real_engines import world_with_engines
from stories.world import World, condition

USER, DATASTORE = "DatabaseUser", "ManagedDatastore"
SETTINGS = {"clock_speed": 20, "pending_poll_seconds": 10, "poll_seconds": 60}
"""The operator's waits are shortened: what was usable counts as usable until three probes have failed."""
CLOSED_PORT = 1
FAILURES = ("Unreachable", "TLSUntrusted", "LoginRefused")
STRANGERS = "a-password-of-the-console-9"


@dataclass(frozen=True)
class Engine:
    programs: tuple[str, ...]
    port: str
    """The field of `spec.ports`."""
    datastore: dict[str, Any]
    user: dict[str, Any] | None
    """None for a Redis, which has no users: the datastore itself is probed."""
    needs_database: bool = field(default=False)

    @property
    def probed(self) -> tuple[str, str]:
        return (DATASTORE, "main") if self.user is None else (USER, "app")

    @property
    def secret(self) -> str:
        return "main-redis" if self.user is None else "app-user"


ENGINES = {
    "postgresql": Engine(
        ("postgresql-16",), "postgresql", {}, {"databases": [{"name": "shop"}], "probe": True}, needs_database=True
    ),
    "mariadb": Engine(
        ("mariadb-server-core",),
        "mysql",
        {"engine": {"type": "mysql_native", "version": "8"}},
        {"databases": [{"name": "shop"}], "probe": True},
        needs_database=True,
    ),
    "redis": Engine(
        ("redis-server",),
        "redis",
        {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.1-1024-10"}, "probe": True},
        None,
    ),
    "kafka": Engine(("kafka-3.6",), "kafka", {"engine": {"type": "kafka", "version": "3.6"}}, {"probe": True}),
}


@pytest.mark.engines
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
async def test_what_is_in_the_way_of_a_login_and_ready_once_nothing_is(
    installed: Cluster, tmp_path: Path, engine: Engine
) -> None:
    need(*engine.programs)
    async with world_with_engines(installed, tmp_path, settings=SETTINGS) as world:
        other = {"name": "other", "namespace": world.system}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": other, "data": {"ca.crt": OTHER_CA}}
        await world.cluster.apply(manifest)
        await of_project(world, ports={engine.port: CLOSED_PORT}, caCertificate={"name": "other"})
        metrics_port = free_port()
        await world.operator.start(metrics_port=metrics_port)
        await world.apply(world.datastore(**engine.datastore))
        if engine.needs_database:
            await world.apply(world.database())
        if engine.user is not None:
            await world.apply(world.user(**engine.user))

        said = await refused(world, engine, "Unreachable")
        assert f":{CLOSED_PORT} " in said
        await of_project(world, ports=None)
        said = await refused(world, engine, "TLSUntrusted")
        assert "ConfigMap" in said
        assert await probes(metrics_port, engine, "ok") == 0
        await of_project(world, caCertificate={"name": "provider"})
        await world.becomes(*engine.probed)

        async def is_counted() -> bool:
            return await probes(metrics_port, engine, "ok") >= 1

        await world.until("the login is counted", is_counted)

        # Somebody sets another password in the cloud's console.
        await set_password(world, engine)
        await world.annotate(*engine.probed, sync_requested="look")
        said = await refused(world, engine, "LoginRefused")
        secret = await world.secret(engine.secret)
        assert secret["password"] not in said
        assert STRANGERS not in said
        emptied = {"stringData": {"password": ""}}
        await world.cluster.patch("Secret", engine.secret, world.namespace, emptied)
        await world.becomes(*engine.probed)
        assert (await world.secret(engine.secret))["password"] not in ("", STRANGERS, secret["password"])

        async def are_counted() -> bool:
            counts = {one: await probes(metrics_port, engine, one) for one in ("ok", *FAILURES)}
            assert all(counts.values()), counts
            assert counts["ok"] >= 2
            took = await sample(metrics_port, "managed_databases_probe_seconds_count", kind=engine.probed[0])
            assert took == sum(counts.values()), "each is measured"
            return True

        await world.until("all that came of logins is counted", are_counted)


async def probes(port: int, engine: Engine, result: str) -> float:
    """How many probes have ended so."""
    return await sample(port, "managed_databases_probes_total", kind=engine.probed[0], result=result)


async def sample(port: int, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(one.value for one in samples if one.name == name and one.labels.items() >= labels.items())


async def of_project(world: World, **spec: Any) -> None:
    await world.change("DatabaseProject", world.project, **spec)


async def refused(world: World, engine: Engine, reason: str) -> str:
    """Wait until Ready is False with this reason; return its message."""
    found: Manifest = await world.becomes(*engine.probed, "Ready", "False", reason)
    said: str = condition(found, "Ready")["message"]
    return said


async def set_password(world: World, engine: Engine) -> None:
    """By the API, and unknown to the operator."""
    kind, name = engine.probed
    id_ = (await world.get(kind, name))["status"]["id"]
    path, body = f"/users/{id_}", {"user": {"password": STRANGERS}}
    if kind == DATASTORE:
        path, body = f"/datastores/{id_}/password", {"password": {"redis_password": STRANGERS}}
    async with httpx.AsyncClient(base_url=world.sandbox.url, timeout=60, trust_env=False) as http:
        answer = await (await account_of(http)).call("PUT", path, body)
    assert answer.is_success, answer.text
