"""What a list of the API costs to read, beside parsing it whole and making a model of each row.

Times are of this process's CPU, the best of three. Memory is what the rows take once they are read.
"""

import time
import tracemalloc
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from benchmarks.figures import Figure
from managed_databases.api.answers import read_answer
from managed_databases.api.calls import ObjectCollection
from managed_databases.api.collections import DATASTORES, USERS
from managed_databases.api.errors import TooLarge
from managed_databases.api.rows import OverLimit

_TIMES: Final = 3
_TYPE, _SUBNET = str(uuid.uuid4()), str(uuid.uuid4())
_FRAME: Final = {
    "project_id": "0" * 32,
    "status": "ACTIVE",
    "created_at": "2026-01-01T00:00:00",
    "updated_at": "2026-01-01T00:00:00",
}
_DATASTORE: Final = _FRAME | {
    "name": "x",
    "enabled": True,
    "type_id": _TYPE,
    "subnet_id": _SUBNET,
    "flavor": {"vcpus": 2, "ram": 4096, "disk": 32},
    "node_count": 3,
    "pooler": {"mode": "transaction", "size": 30},
    "firewall": [],
    "config": {"work_mem": 1024},
    "backup_retention_days": 7,
    "is_protected": True,
    "disk_used": 12.5,
}


def user() -> dict[str, Any]:
    return _FRAME | {"id": str(uuid.uuid4()), "name": "app", "datastore_id": _TYPE}


def datastore() -> dict[str, Any]:
    host = f"{uuid.uuid4()}.c.dbaas.internal"
    node = {"ip": "10.0.0.1", "role": "MASTER", "status": "ACTIVE"}
    nodes = [node | {"id": str(uuid.uuid4()), "hostname": f"h{uuid.uuid4()}"} for _ in range(3)]
    connection = {"MASTER": f"master.{host}", "REPLICA": f"replica.{host}"}
    return _DATASTORE | {"id": str(uuid.uuid4()), "connection": connection, "instances": nodes}


async def answers(scale: float) -> list[Figure]:
    """Lists of users and of datastores with three nodes."""
    figures: list[Figure] = []
    for name, collection, row, rows in (
        ("users", USERS, user, 5_000),
        ("users", USERS, user, 45_000),
        ("datastores", DATASTORES, datastore, 5_000),
        ("datastores", DATASTORES, datastore, 10_000),
        ("datastores", DATASTORES, datastore, 45_000),
    ):
        count = int(rows * scale)
        figures += await _of(f"{count} {name}", collection, b",".join(orjson.dumps(row()) for _ in range(count)))
    return figures


async def _of(what: str, collection: ObjectCollection, rows: bytes) -> list[Figure]:
    body = b'{"%s":[' % collection.name.encode() + rows + b"]}"

    async def whole() -> object:
        return tuple(collection.model.model_validate(row) for row in orjson.loads(body)[collection.name])

    async def ours() -> object:
        try:
            return await read_answer(collection.list(), body)
        except (OverLimit, TooLarge):
            return None

    if await ours() is None:
        return [Figure(f"{what}: refused, its text has", len(body) / 2**20, "MiB")]
    return [
        Figure(f"{what}: time", await _seconds(ours) * 1000, "ms", floor=await _seconds(whole) * 1000),
        Figure(f"{what}: memory", await _kept(ours) / 2**20, "MiB", floor=await _kept(whole) / 2**20),
    ]


async def _seconds(read: Callable[[], Awaitable[object]]) -> float:
    took = []
    for _ in range(_TIMES):
        began = time.process_time()
        await read()
        took.append(time.process_time() - began)
    return min(took)


async def _kept(read: Callable[[], Awaitable[object]]) -> float:
    tracemalloc.start()
    rows = await read()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del rows
    return kept
