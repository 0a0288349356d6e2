"""The floor: a bare script that knows everything in advance and does the operator's writes and calls, and nothing else.

For each user, in order: finalizer, intent, Secret, POST, and the status that says Ready.
"""

import asyncio
import base64
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

CONCURRENCY = 16
MERGE = {"Content-Type": "application/merge-patch+json"}


async def main(config: dict[str, Any], endpoint: str, token: str, datastore_id: str, namespace: str) -> None:
    server = config["clusters"][0]["cluster"]["server"]
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    base = f"{server}/apis/manageddatabases.io/v1alpha1/namespaces/{namespace}/databaseusers"
    secrets = f"{server}/api/v1/namespaces/{namespace}/secrets"
    async with (
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=False, limit=0)) as kube,
        aiohttp.ClientSession(headers={"X-Auth-Token": token}) as cloud,
    ):
        listed = orjson.loads(await (await kube.get(base)).read())
        names = iter([item["metadata"]["name"] for item in listed["items"]])

        async def send(session: aiohttp.ClientSession, method: str, url: str, body: Any, **extra: Any) -> Any:
            async with session.request(method, url, data=orjson.dumps(body), **extra) as answer:
                assert answer.status < 300, (answer.status, await answer.text())
                return orjson.loads(await answer.read())

        async def one(name: str) -> None:
            json = {"headers": {"Content-Type": "application/json"}}
            url = f"{base}/{name}"
            await send(kube, "PATCH", url, {"metadata": {"finalizers": ["bench/floor"]}}, headers=MERGE)
            status: dict[str, Any] = {
                "observedGeneration": 1,
                "identity": {
                    "project": "p",
                    "projectID": "0" * 32,
                    "region": "r",
                    "datastoreID": datastore_id,
                    "key": [name],
                },
                "intent": {"attempt": 1, "waitSeconds": 60},
                "conditions": [condition(type_, "False") for type_ in ("Ready", "Synced", "Reconciling", "Stalled")],
            }
            await send(kube, "PATCH", f"{url}/status", {"status": status}, headers=MERGE)
            data = {
                key: base64.b64encode(b"x" * 24).decode() for key in ("host", "port", "username", "password", "uri")
            }
            secret = {"metadata": {"name": f"{name}-user"}, "type": "servicebinding.io/postgresql", "data": data}
            await send(kube, "POST", secrets, {"apiVersion": "v1", "kind": "Secret"} | secret, **json)
            body = {"user": {"name": name, "datastore_id": datastore_id, "password": "x" * 32}}
            made = await send(cloud, "POST", f"{endpoint}/users", body, **json)
            status |= {"id": made["user"]["id"], "intent": None, "phase": "ACTIVE"}
            status["conditions"] = [condition(type_, "True") for type_ in ("Ready", "Synced", "Reconciling", "Stalled")]
            await send(kube, "PATCH", f"{url}/status", {"status": status}, headers=MERGE)

        async def work() -> None:
            for name in names:
                await one(name)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        sys.stdout.buffer.write(
            orjson.dumps({"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}) + b"\n"
        )


def condition(type_: str, status: str) -> dict[str, Any]:
    return {
        "type": type_,
        "status": status,
        "reason": "Ready",
        "message": "usable",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


if __name__ == "__main__":
    asyncio.run(main(yaml.safe_load(Path(sys.argv[1]).read_text()), *sys.argv[2:6]))
