"""The Secrets of Kafka users open a real Kafka, by librdkafka, to the topics that their access rules name."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY
from stories.inside_a_datastore import inside
from stories.passwords_seen import give
from stories.real_engines import world_with_engines

KAFKA: dict[str, Any] = {"engine": {"type": "kafka", "version": "3.6"}}
_LIMIT_SECONDS = 60
_PASSWORD = NASTY.strip()
"""librdkafka takes a space away from the beginning of each of its settings."""


def settings(secret: dict[str, str]) -> dict[str, Any]:
    return {
        "bootstrap.servers": secret["bootstrap-servers"],
        "security.protocol": secret["security-protocol"],
        "sasl.mechanism": secret["sasl-mechanism"],
        "sasl.username": secret["username"],
        "sasl.password": secret["password"],
        "ssl.ca.pem": secret["ca.crt"],
        "log_level": 0,
    }


def sent(secret: dict[str, str], topic: str, value: bytes) -> KafkaError | None:
    """Send; return what the broker or the login says against it, or None."""
    heard: list[KafkaError | None] = []
    logins: list[KafkaError] = []
    told = settings(secret) | {"message.timeout.ms": 20_000, "error_cb": logins.append}
    producer = Producer(told)
    producer.produce(topic, value, callback=lambda error, _: heard.append(error))
    producer.flush(_LIMIT_SECONDS)
    refused = [error for error in logins if error.code() == KafkaError._AUTHENTICATION]
    return refused[0] if refused else heard[0]


def received(secret: dict[str, str], topic: str) -> bytes:
    """Raises KafkaException for what the broker says."""
    consumer = Consumer(settings(secret) | {"group.id": "readers", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(_LIMIT_SECONDS)
        assert message is not None, "nothing came"
        if message.error():
            raise KafkaException(message.error())
        return message.value() or b""
    finally:
        consumer.close()


@pytest.mark.engines
async def test_from_the_secret_to_the_topic(installed: Cluster, tmp_path: Path) -> None:
    need("kafka-3.6")
    async with world_with_engines(installed, tmp_path) as world:
        await give(world, _PASSWORD)
        await world.operator.start()
        rule = {"patternType": "literal", "pattern": "orders", "deletionProtection": False}
        await world.apply(
            world.datastore(**KAFKA),
            inside(world, "KafkaTopic", "orders", partitions=2),
            world.user("writer", passwordSecretRef={"name": "own", "key": "password"}),
            world.user("reader"),
            inside(world, "KafkaACL", "writes", userRef={"name": "writer"}, allowWrite=True, **rule),
            inside(world, "KafkaACL", "reads", userRef={"name": "reader"}, allowRead=True, **rule),
        )
        for kind, name in (("KafkaTopic", "orders"), ("KafkaACL", "writes"), ("KafkaACL", "reads")):
            await world.becomes(kind, name)
        writer, reader = await world.secret("writer-user"), await world.secret("reader-user")
        assert writer["password"] == _PASSWORD
        assert await asyncio.to_thread(sent, writer, "orders", b"7") is None
        assert await asyncio.to_thread(received, reader, "orders") == b"7"

        # What was not granted, and what is no more.
        refused = await asyncio.to_thread(sent, reader, "orders", b"8")
        assert refused is not None
        assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
        await world.delete("KafkaACL", "writes")
        refused = await asyncio.to_thread(sent, writer, "orders", b"8")
        assert refused is not None
        assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, "the user stays, without the access"
        await world.becomes("DatabaseUser", "writer")
        await world.delete("DatabaseUser", "writer")
        refused = await asyncio.to_thread(sent, writer, "orders", b"8")
        assert refused is not None
        assert refused.code() == KafkaError._AUTHENTICATION
