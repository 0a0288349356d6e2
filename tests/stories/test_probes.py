"""The operator logs in by itself, over real sockets, to a server that is away, then has the wrong certificate, then serves."""

import socket

import pytest

from probe.fake_servers import CA, OTHER_CA, serving
from stories.passwords_seen import datastore_id
from stories.provider_ca import NAME, provider_ca
from stories.world import World, condition


@pytest.mark.parametrize("world", [{"settings": {"clock_speed": 20}}], indirect=True)
async def test_a_user_is_ready_once_the_operator_has_logged_in(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    await world.cluster.apply(provider_ca(world, OTHER_CA))
    await world.operator.start()
    where = {"postgresql": port}
    await world.apply(world.project_manifest(ports=where, caCertificate=NAME), world.datastore())
    await world.becomes("ManagedDatastore", "main", "Synced")
    await world.sandbox.edit("datastores", await datastore_id(world, "main"), connection={"MASTER": "127.0.0.1"})
    await world.apply(world.user(probe=True))
    told = await world.becomes("DatabaseUser", "app", "Stalled", reason="Unreachable")
    assert f"127.0.0.1:{port} (connection refused)" in condition(told, "Ready")["message"]
    calls = len(await world.calls("PATCH")) + len(await world.calls("PUT")) + len(await world.calls("POST", "/users"))

    password = (await world.secret("app-user"))["password"]
    async with serving("postgresql", port=port) as server:
        server.password = password
        await world.becomes("DatabaseUser", "app", "Stalled", reason="TLSUntrusted")
        await world.cluster.apply(provider_ca(world, CA))
        await world.becomes("DatabaseUser", "app")
        assert server.connections >= 2
        server.password = "changed by somebody else"
        await world.annotate("DatabaseUser", "app", sync_requested="look")
        refused = await world.becomes("DatabaseUser", "app", "Stalled", reason="LoginRefused")
        message = condition(refused, "Ready")["message"]
        assert "app-user" in message
        assert password not in str(refused)
    assert (await world.secret("app-user"))["password"] == password, "a probe changes nothing"
    made = len(await world.calls("PATCH")) + len(await world.calls("PUT")) + len(await world.calls("POST", "/users"))
    assert made == calls
