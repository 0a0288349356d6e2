"""The floor: a bare script that knows everything in advance and does the operator's writes and calls, and nothing else.

To create a user with five writes, in order: finalizer, intent, Secret, POST, the status with the id, and the one that says
Ready; the Event is left out. With four writes the id waits for Ready, as with the operator. With three the finalizer and the
intent are one write, the intent in an annotation. To delete a user: the Secret, the DELETE, and the finalizer.
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

from benchmarks.figures import percentile

CREATE_BY_FIVE, CREATE_BY_FOUR, CREATE_BY_THREE = (f"create by {number} writes" for number in (5, 4, 3))
DELETE = "delete"
CONCURRENCY = 16
MERGE = {"Content-Type": "application/merge-patch+json"}


async def main(
    what: str, config: dict[str, Any], endpoint: str, token: str, datastore_id: str, namespace: str, prefix: str
) -> None:
    server = config["clusters"][0]["cluster"]["server"]
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    base = f"{server}/apis/manageddatabases.io/v1alpha1/namespaces/{namespace}/databaseusers"
    secrets = f"{server}/api/v1/namespaces/{namespace}/secrets"
    async with (
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=False, limit=0)) as kube,
        aiohttp.ClientSession(headers={"X-Auth-Token": token}) as cloud,
    ):
        listed = orjson.loads(await (await kube.get(base)).read())
        ids = {item["metadata"]["name"]: item.get("status", {}).get("id") for item in listed["items"]}
        names = iter([name for name in ids if name.startswith(prefix)])

        async def send(session: aiohttp.ClientSession, method: str, url: str, body: Any = None, **extra: Any) -> Any:
            data = None if body is None else orjson.dumps(body)
            async with session.request(method, url, data=data, **extra) as answer:
                assert answer.status < 300, (answer.status, await answer.text())
                return orjson.loads(await answer.read() or b"null")

        async def delete(name: str) -> None:
            await send(kube, "DELETE", f"{secrets}/{name}-user")
            await send(cloud, "DELETE", f"{endpoint}/users/{ids[name]}")
            await send(kube, "PATCH", f"{base}/{name}", {"metadata": {"finalizers": None}}, headers=MERGE)

        async def create(name: str) -> None:
            json = {"headers": {"Content-Type": "application/json"}}
            url = f"{base}/{name}"
            claim: dict[str, Any] = {
                "identity": {
                    "project": "p",
                    "projectID": "0" * 32,
                    "region": "r",
                    "datastoreID": datastore_id,
                    "key": [name],
                },
                "intent": {"attempt": 1, "waitSeconds": 60},
            }
            status: dict[str, Any] = {
                "observedGeneration": 1,
                **claim,
                "conditions": [condition(type_, "False") for type_ in ("Ready", "Synced", "Reconciling", "Stalled")],
            }
            metadata: dict[str, Any] = {"finalizers": ["bench/floor"]}
            if what == CREATE_BY_THREE:
                metadata["annotations"] = {"bench/intent": orjson.dumps(claim).decode()}
            await send(kube, "PATCH", url, {"metadata": metadata}, headers=MERGE)
            if what != CREATE_BY_THREE:
                await send(kube, "PATCH", f"{url}/status", {"status": status}, headers=MERGE)
            data = {
                key: base64.b64encode(b"x" * 24).decode() for key in ("host", "port", "username", "password", "uri")
            }
            secret = {"metadata": {"name": f"{name}-user"}, "type": "servicebinding.io/postgresql", "data": data}
            await send(kube, "POST", secrets, {"apiVersion": "v1", "kind": "Secret"} | secret, **json)
            body = {"user": {"name": name, "datastore_id": datastore_id, "password": "x" * 32}}
            made = await send(cloud, "POST", f"{endpoint}/users", body, **json)
            status |= {"id": made["user"]["id"], "intent": None, "phase": "PENDING_CREATE"}
            if what == CREATE_BY_FIVE:
                await send(kube, "PATCH", f"{url}/status", {"status": status}, headers=MERGE)
            status["phase"] = "ACTIVE"
            status["conditions"] = [condition(type_, "True") for type_ in ("Ready", "Synced", "Reconciling", "Stalled")]
            await send(kube, "PATCH", f"{url}/status", {"status": status}, headers=MERGE)

        done_after: list[float] = []

        async def work() -> None:
            one = delete if what == DELETE else create
            for name in names:
                await one(name)
                done_after.append(time.perf_counter() - began)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        told = {"wall": done_after[-1], "half": percentile(done_after, 0.5), "cpu": time.process_time() - cpu}
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")


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
    asyncio.run(main(sys.argv[1], yaml.safe_load(Path(sys.argv[2]).read_text()), *sys.argv[3:]))
