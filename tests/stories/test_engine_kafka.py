"""The Secrets of Kafka users open a real Kafka, by librdkafka, to the topics that their access rules name."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from cluster import Cluster
from engines.at_hand import need
from engines.real_sandbox import NASTY
from stories.inside_a_datastore import inside
from stories.kafka_client import KAFKA, received, sent
from stories.passwords_seen import give
from stories.real_engines import world_with_engines

_PASSWORD = NASTY.strip()
"""librdkafka takes a space away from the beginning of each of its settings."""


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
