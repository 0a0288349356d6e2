"""A real Kafka behind the sandbox."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from engines.at_hand import need
from engines.kafka_broker import Broker
from engines.real_sandbox import NASTY, RealSandbox
from managed_databases.sandbox.servers.kafka import cluster_id
from sandbox.account import new_datastore


class Clients:
    """Producers and consumers of a datastore's users."""

    def __init__(self, host: str, certificate: Any) -> None:
        self._told = {
            "bootstrap_servers": f"{host}:9093",
            "security_protocol": "SASL_SSL",
            "ssl_context": certificate,
            "sasl_mechanism": "SCRAM-SHA-512",
            "request_timeout_ms": 10_000,
        }

    async def send(self, user: str, topic: str, value: bytes, password: str = NASTY) -> None:
        producer = AIOKafkaProducer(
            sasl_plain_username=user, sasl_plain_password=password, enable_idempotence=False, **self._told
        )
        try:
            await producer.start()
            await asyncio.wait_for(producer.send_and_wait(topic, value), 20)
        finally:
            await producer.stop()

    async def receive(self, user: str, topic: str, password: str = NASTY) -> bytes:
        consumer = AIOKafkaConsumer(
            topic,
            group_id="readers",
            auto_offset_reset="earliest",
            sasl_plain_username=user,
            sasl_plain_password=password,
            **self._told,
        )
        try:
            await consumer.start()
            return bytes((await asyncio.wait_for(consumer.getone(), 30)).value)
        finally:
            await consumer.stop()


def test_a_cluster_id_is_no_option_of_a_command() -> None:
    ids = {cluster_id() for _ in range(2000)}
    assert {len(id_) for id_ in ids} == {22}
    assert not [id_ for id_ in ids if id_.startswith("-")]


@pytest.mark.engines
async def test_users_topics_rules_and_parameters(tmp_path: Path) -> None:
    need("kafka-3.6")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_datastore("kafka", "3.6"))
        clients = Clients(row["connection"]["master"], await sandbox.certificate())

        async def make(collection: str, **told: Any) -> dict[str, Any]:
            return await sandbox.make(collection, {"datastore_id": row["id"], **told})

        writer, reader = (
            await make("users", name="writer", password=NASTY),
            await make("users", name="reader", password=NASTY),
        )
        topic = await make("topics", name="orders.placed", partitions=2)
        await make("topics", name="other", partitions=1)
        with pytest.raises(TopicAuthorizationFailedError):
            await clients.send("writer", "orders.placed", b"7")
        literal = {"pattern_type": "literal", "pattern": "orders.placed"}
        rule = await make("acls", user_id=writer["id"], allow_read=False, allow_write=True, **literal)
        prefixed = {"pattern_type": "prefixed", "pattern": "orders."}
        await make("acls", user_id=reader["id"], allow_read=True, allow_write=False, **prefixed)
        await clients.send("writer", "orders.placed", b"7")
        assert await clients.receive("reader", "orders.placed") == b"7"
        for user, place in (("writer", "other"), ("reader", "orders.placed")):
            with pytest.raises(TopicAuthorizationFailedError):
                await clients.send(user, place, b"8")

        # More partitions, and another parameter, which takes a new start.
        await sandbox.change(f"/topics/{topic['id']}", {"topic": {"partitions": 5}})
        path = f"/datastores/{row['id']}/config"
        await sandbox.change(path, {"config": {"log.retention.ms": 3_600_000}})

        # Another password; then the sandbox is killed; what was there is there again.
        await sandbox.change(f"/users/{writer['id']}", {"user": {"password": f"{NASTY}2"}})
        await sandbox.process.kill()
        await sandbox.process.start()
        await clients.send("writer", "orders.placed", b"8", f"{NASTY}2")
        with pytest.raises(KafkaError):
            await clients.send("writer", "orders.placed", b"9")
        await sandbox.change(f"/acls/{rule['id']}", {"acl": {"allow_read": True, "allow_write": False}})
        with pytest.raises(TopicAuthorizationFailedError):
            await clients.send("writer", "orders.placed", b"9", f"{NASTY}2")
        await sandbox.delete("acls", rule["id"])
        await sandbox.delete("users", reader["id"])
        with pytest.raises(KafkaError):
            await clients.receive("reader", "orders.placed")
        await sandbox.delete("topics", topic["id"])
        assert NASTY not in sandbox.state


@pytest.mark.engines
async def test_the_broker_has_what_the_api_tells(tmp_path: Path) -> None:
    need("kafka-3.6")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_datastore("kafka", "3.6"))
        broker, path = Broker(sandbox), f"/datastores/{row['id']}/config"

        async def make(collection: str, becomes: str = "ACTIVE", **told: Any) -> dict[str, Any]:
            return await sandbox.make(collection, {"datastore_id": row["id"], **told}, becomes)

        topic = await make("topics", name="orders", partitions=2)
        await make("topics", name="other")
        assert await broker.partitions() == {"orders": 2, "other": 1}
        assert await broker.topic_config("orders", "retention.ms") == {"retention.ms": "604800000"}
        await sandbox.change(f"/topics/{topic['id']}", {"topic": {"partitions": 5}})
        config = {"log.retention.ms": 3_600_000, "compression.type": "gzip", "auto.create.topics.enable": True}
        await sandbox.change(path, {"config": config})
        of_topics = {"retention.ms": "3600000", "compression.type": "gzip"}
        of_broker = {"log.retention.ms": "3600000", "compression.type": "gzip", "auto.create.topics.enable": "true"}
        reader, writer = (
            await make("users", name="reader", password=NASTY),
            await make("users", name="writer", password=NASTY),
        )
        everything = await make("acls", user_id=reader["id"], allow_read=True, allow_write=False, pattern_type="all")
        prefixed = {"pattern_type": "prefixed", "pattern": "ord"}
        await make("acls", user_id=writer["id"], allow_read=False, allow_write=True, **prefixed)

        async def is_told() -> None:
            assert await broker.partitions() == {"orders": 5, "other": 1}
            assert await broker.topic_config("orders", *of_topics) == of_topics
            assert await broker.broker_config(*of_broker) == of_broker
            reads = {("TOPIC", "*", "LITERAL", "READ"), ("GROUP", "*", "LITERAL", "READ")}
            assert await broker.rules("reader") == reads
            assert await broker.rules("writer") == {("TOPIC", "ord", "PREFIXED", "WRITE")}

        await is_told()
        await sandbox.process.end()
        await sandbox.process.start()
        await is_told()

        # Who may read all may read each, and write none; what goes is gone.
        clients = Clients(row["connection"]["master"], await sandbox.certificate())
        await clients.send("writer", "orders", b"7")
        assert await clients.receive("reader", "orders") == b"7"
        for user, place in (("reader", "orders"), ("writer", "other")):
            with pytest.raises(TopicAuthorizationFailedError):
                await clients.send(user, place, b"8")
        await sandbox.delete("acls", everything["id"])
        assert await broker.rules("reader") == set()
        with pytest.raises(TopicAuthorizationFailedError):
            await clients.receive("reader", "orders")
        await sandbox.delete("topics", topic["id"])
        await sandbox.delete("users", writer["id"])
        assert await broker.partitions() == {"other": 1}
        assert await broker.rules("writer") == set()
        await sandbox.change(path, {"config": {"log.retention.ms": None}})
        assert await broker.topic_config("other", "retention.ms") == {"retention.ms": "604800000"}


@pytest.mark.engines
async def test_what_the_broker_refuses(tmp_path: Path) -> None:
    need("kafka-3.6")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_datastore("kafka", "3.6"))
        broker, path = Broker(sandbox), f"/datastores/{row['id']}/config"

        async def trouble(id_: str) -> str:
            (told,) = await sandbox.engines()
            assert id_ == told["datastore_id"]
            return str(told["trouble"])

        # Known beforehand: a 400.
        for collection, name in (("users", "sandbox_administrator"), ("topics", "__consumer_offsets")):
            password = {"password": NASTY} if collection == "users" else {}
            body = {"datastore_id": row["id"], "name": name, **password}
            answer = await sandbox.asked("POST", f"/{collection}", collection, body)
            assert (answer.status_code, "is reserved" in answer.text) == (400, True), answer.text

        # Told by the broker: ERROR, of the topic alone.
        await sandbox.make("topics", {"datastore_id": row["id"], "name": "orders.placed", "partitions": 3})
        await sandbox.make("topics", {"datastore_id": row["id"], "name": "orders_placed"}, "ERROR")
        assert await broker.partitions() == {"orders.placed": 3}
        assert (await sandbox.account.get(f"/datastores/{row['id']}"))["status"] == "ACTIVE"

        # A parameter that it does not start with: ERROR of the datastore, which runs as before.
        await sandbox.change(path, {"config": {"log.retention.ms": 0}}, "ERROR")
        assert "log.retention" in await trouble(row["id"])
        assert await broker.topic_config("orders.placed", "retention.ms") == {"retention.ms": "604800000"}
        await sandbox.change(path, {"config": {"log.retention.ms": 1000}})
        assert await broker.topic_config("orders.placed", "retention.ms") == {"retention.ms": "1000"}
