"""Two users take turns in a real MariaDB and in a real Kafka, while the operator is killed and an application writes: each login
that the Secret has ever had is refused in the end, and after a leak at once. PostgreSQL: `test_engine_two_users.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
import pytest
from confluent_kafka import KafkaException

from cluster import Cluster, Manifest
from engines.at_hand import need
from stories import kafka_client, mysql_client
from stories.inside_a_datastore import inside
from stories.kafka_client import KAFKA, count, sent
from stories.kill_points import QUICK
from stories.mysql_client import MYSQL, by_keys
from stories.real_engines import world_with_engines
from stories.turns import Secret, leaked, until_over
from stories.world import World

PAUSE_SECONDS = 0.2
TURNS = {"strategy": "TwoUsers", "keepOldFor": "3s"}


@dataclass(frozen=True)
class Engine:
    """`write` raises what the driver raises; `number` tells how many writes the server has."""

    program: str
    resources: Callable[[World], Sequence[Manifest]]
    prepare: Callable[[Secret], Awaitable[None]]
    write: Callable[[Secret, int], Awaitable[None]]
    number: Callable[[Secret], Awaitable[int]]
    is_let_in: Callable[[Secret], Awaitable[bool]]


def in_mysql(world: World) -> Sequence[Manifest]:
    user = world.user(databaseRef={"name": "shop"}, databases=[{"name": "shop"}], rotation=TURNS)
    return world.datastore(**MYSQL), world.database(), user


def in_kafka(world: World) -> Sequence[Manifest]:
    rule = {"patternType": "literal", "pattern": "orders", "deletionProtection": False}
    return (
        world.datastore(**KAFKA),
        inside(world, "KafkaTopic", "orders"),
        world.user(rotation=TURNS),
        inside(world, "KafkaACL", "app", userRef={"name": "app"}, allowRead=True, allowWrite=True, **rule),
    )


async def make_table(secret: Secret) -> None:
    await by_keys(secret, "CREATE TABLE orders (number int PRIMARY KEY)")


async def insert(secret: Secret, number: int) -> None:
    await by_keys(secret, f"INSERT INTO orders VALUES ({number})")


async def rows(secret: Secret) -> int:
    return int(await by_keys(secret, "SELECT count(*) FROM orders"))


async def nothing(_: Secret) -> None: ...


async def send(secret: Secret, number: int) -> None:
    error = await asyncio.to_thread(sent, secret, "orders", str(number).encode())
    if error is not None:
        raise KafkaException(error)


async def messages(secret: Secret) -> int:
    return await asyncio.to_thread(count, secret, "orders")


ENGINES = {
    "mariadb": Engine("mariadb-server-core", in_mysql, make_table, insert, rows, mysql_client.is_let_in),
    "kafka": Engine("kafka-3.6", in_kafka, nothing, send, messages, kafka_client.is_let_in),
}


@dataclass
class Application:
    """Logs in anew for each write, with what is mounted."""

    world: World
    engine: Engine
    written: int = 0
    users: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    async def work(self) -> None:
        while True:
            secret = await self.world.secret("app-user")
            try:
                await self.engine.write(secret, self.written)
            except (pymysql.Error, KafkaException) as error:
                self.failed.append(f"{secret['username']}: {error}")
            self.written += 1
            if secret["username"] not in self.users[-1:]:
                self.users.append(secret["username"])
            await asyncio.sleep(PAUSE_SECONDS)


@pytest.mark.engines
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
async def test_no_write_is_missing_and_old_logins_end(installed: Cluster, tmp_path: Path, engine: Engine) -> None:
    need(engine.program)
    async with world_with_engines(installed, tmp_path, settings=QUICK) as world:
        await world.operator.start()
        resources = engine.resources(world)
        await world.apply(*resources)
        for each in resources:
            await world.becomes(each["kind"], each["metadata"]["name"], "Synced")
        await world.becomes("DatabaseUser", "app-twin", "Synced")
        await engine.prepare(await world.secret("app-user"))
        application = Application(world, engine)
        task = asyncio.create_task(application.work())
        old = []
        for turn in ("one", "two"):
            old.append(await world.secret("app-user"))
            await world.annotate("DatabaseUser", "app", rotate_password=turn)
            await asyncio.sleep(0.7)
            await world.operator.kill()
            await world.operator.start()
            await until_over(world, turn)

        old.append(await leaked(world, engine.is_let_in))

        task.cancel()
        await asyncio.wait([task])
        assert application.failed == []
        assert application.users == ["app", "app_twin", "app", "app_twin"]
        new = await world.secret("app-user")
        assert application.written > 10
        assert await engine.number(new) - application.written in (0, 1), "the last one may have been under way"
        assert [await engine.is_let_in(login) for login in old] == [False] * 3
        assert await engine.is_let_in(new)
