"""How long it takes from a spec's change to the API call that it causes."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import aiohttp
import orjson
import yaml

from benchmarks.stage import API_VERSION, NAMESPACE, Stage

BETWEEN_SECONDS = 0.05
LATE_SECONDS = 60.0


class Reactions:
    """Adds a partition to topics, one after another, and finds the calls in what the sandbox was asked.

    The time counts from before the change is sent to the API server until the sandbox gets the call: the write and the
    watch are in it. A call that the API itself refuses (429) is left out.
    """

    def __init__(self, stage: Stage, topics: Sequence[str]) -> None:
        self._stage = stage
        self._topics = topics

    async def measure(self, count: int) -> list[float]:
        """Return the milliseconds of up to `count` reactions; each topic is changed at most once."""
        cluster = self._stage.cluster
        changed: dict[str, float] = {}
        for name in self._topics[:count]:
            found = await cluster.get("KafkaTopic", name, NAMESPACE)
            changed[found["status"]["id"]] = time.time()
            partitions = found["spec"]["partitions"] + 1
            await cluster.patch("KafkaTopic", name, NAMESPACE, {"spec": {"partitions": partitions}})
            await asyncio.sleep(BETWEEN_SECONDS)
        return await self.calls_after(changed)

    async def calls_after(self, changed: dict[str, float], patience_seconds: float = LATE_SECONDS) -> list[float]:
        """Wait for the first call of each topic id after its moment (wall clock); return the milliseconds between. Raises
        TimeoutError.
        """
        first: dict[str, tuple[float, int]] = {}

        async def all_came() -> bool:
            for request in await self._stage.sandbox.requests("PUT", "/v1/topics/"):
                id_ = request["path"].rpartition("/")[2]
                at = datetime.fromisoformat(request["at"]).timestamp()
                if at >= changed.get(id_, at + 1) and id_ not in first and request["status"]:
                    first[id_] = (at, request["status"])
            return first.keys() == changed.keys()

        await self._stage.until(all_came, patience_seconds=patience_seconds)
        return [1000 * (at - changed[id_]) for id_, (at, status) in first.items() if status != 429]


async def floor(stage: Stage, names: Sequence[str]) -> list[float]:
    """The same by a script that watches and does nothing but the call."""
    config = yaml.safe_load(stage.plane.kubeconfig.read_text())
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    path = f"{stage.plane.url}/apis/{API_VERSION}/namespaces/{NAMESPACE}/kafkatopics"
    told = {"X-Auth-Token": await stage.sandbox_token(), "Content-Type": "application/json"}
    listed = await stage.cluster.list("KafkaTopic", NAMESPACE)
    known = {item["metadata"]["name"]: item["spec"]["partitions"] for item in listed}
    async with (
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=False)) as kube,
        aiohttp.ClientSession(headers=told) as cloud,
        kube.get(path, params={"watch": "true"}, timeout=aiohttp.ClientTimeout(total=None)) as events,
    ):

        async def react() -> None:
            async for line in events.content:
                item = orjson.loads(line)["object"]
                name, partitions = item["metadata"]["name"], item["spec"]["partitions"]
                if known.get(name) != partitions:
                    known[name] = partitions
                    body = orjson.dumps({"topic": {"partitions": partitions}})
                    async with cloud.put(f"{stage.sandbox.endpoint}/topics/{item['status']['id']}", data=body):
                        pass

        reacting = asyncio.create_task(react())
        try:
            return await Reactions(stage, names).measure(len(names))
        finally:
            reacting.cancel()
