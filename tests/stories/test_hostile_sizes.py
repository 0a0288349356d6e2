"""One project's API, or one namespace, tries to use up the operator's memory and time: the others are not affected."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from api.hostile_answers import MIB, datastores_with
from cluster import Cluster, Manifest
from stories.attacker import edit_rights
from stories.pace import fast
from stories.world import World, condition, manifest

MEMORY_LIMIT_BYTES = 256 * MIB
GREATEST = int(os.environ.get("HOSTILE_RESOURCES", "150"))


def peak_of(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1024


class HostileApi:
    """Answers each list with what costs most, and counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.address = ""
        self._packed = {
            "datastores": gzip.compress(datastores_with(b'"config":{"a":[' + b"[]," * 1_900 + b"[]]}", 5_000)),
            "flavors": gzip.compress(b'{"flavors":[' + b"{}," * (20 * MIB) + b"{}]}"),
            "datastore-types": gzip.compress(b'{"datastore-types":[{"id":"' + b"a" * (60 * MIB) + b'"}]}'),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65_536)
        name = head.split(b" ")[1].decode().rsplit("/", 1)[-1].partition("?")[0] if head else ""
        self.asked.append(name)
        body = self._packed.get(name) or gzip.compress(orjson.dumps({name: []}))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nConnection: close\r\n"
        )
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        with suppress(OSError):
            await writer.drain()
        writer.close()


@asynccontextmanager
async def hostile_api() -> AsyncIterator[HostileApi]:
    api = HostileApi()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield api
    finally:
        server.close()


@fast
async def test_one_projects_api_stops_no_other_project(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    name = f"evil-{world.system}"
    world.project_names.append(name)
    async with hostile_api() as api:
        credentials = {"OS_TOKEN": "t0ken", "INFRA_PROJECT_ID": "f" * 32, "INFRA_DATABASES_ENDPOINT": api.address}
        await world.put_secret(world.system, "evil", credentials)
        allowed = [{"name": world.namespace}]
        spec = {"region": "region-1", "credentialsSecretRef": {"name": "evil"}, "endpoint": api.address}
        await world.apply(manifest("DatabaseProject", name, None, {**spec, "allowedNamespaces": allowed}))
        await world.apply(world.datastore("theirs", projectRef={"name": name}))

        async def refused() -> Manifest:
            project = await world.cluster.get("DatabaseProject", name)
            assert condition(project, "Synced")["reason"] == "SnapshotTooLarge", project.get("status")
            return project

        project = await world.until("what is refused is told", refused)
        message = condition(project, "Synced")["message"]
        assert "the list would take" in message
        assert "bytes of memory or more, at most" in message

        await world.apply(world.user(), world.database())
        await world.becomes("DatabaseUser", "app")
        await world.becomes("ManagedDatabase", "shop")
        assert condition(await world.get("ManagedDatastore", "theirs"), "Ready")["status"] != "True"
    assert world.operator.is_running
    peak = peak_of(world.operator.pid)
    assert peak < MEMORY_LIMIT_BYTES, f"{peak / MIB:.0f} MiB"


def greatest(number: int, namespace: str, template: dict[str, Any]) -> Manifest:
    """As large as the API server and our schema let one be; no two of them say the same."""
    text = chr(97 + number % 26) * 40
    spec = template["spec"] | {
        "config": {f"parameter-{each:03}": f"{text}{number}" for each in range(470)},
        "firewall": [f"10.{number % 250}.{each}.0/24" for each in range(256)],
        "allowedNamespaces": [f"{text}-{number}-{each:06}" for each in range(256)],
    }
    annotations = {f"x.example/{number}-{each}": chr(97 + (number + each) % 26) * 50_000 for each in range(5)}
    made = {**template, "spec": spec}
    labels = {f"label-{each}": text for each in range(1_000)}
    made["metadata"] = {"name": f"d{number}", "namespace": namespace, "annotations": annotations, "labels": labels}
    return made


@fast
async def test_one_namespace_stops_nobody_by_large_resources(world: World) -> None:
    """Somebody may write our kinds in a namespace that no project allows."""
    hers = await world.another_namespace()
    await edit_rights(world, hers, "attacker")
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app")
    kubeconfig = await world.cluster.control_plane.user("attacker")
    places = asyncio.Semaphore(4)
    async with Cluster(world.cluster.control_plane, kubeconfig) as attacker:

        async def make(number: int) -> None:
            async with places:
                await attacker.create(greatest(number, hers, world.datastore("d")))

        await asyncio.gather(*(make(number) for number in range(GREATEST)))
    seen_as_events = peak_of(world.operator.pid)
    await world.operator.kill()
    await world.operator.start()
    await world.apply(world.user("other"))
    await world.becomes("DatabaseUser", "other")
    seen_as_list = peak_of(world.operator.pid)
    print(f"{GREATEST} resources: {seen_as_events / MIB:.0f} MiB by events, {seen_as_list / MIB:.0f} MiB by lists")  # noqa: T201
    assert max(seen_as_events, seen_as_list) < MEMORY_LIMIT_BYTES
