"""Uses Kafka with a Secret, by librdkafka, as an application does."""

import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import SaslAuthenticationFailed
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

KAFKA: dict[str, Any] = {"engine": {"type": "kafka", "version": "3.6"}}
_LIMIT_SECONDS = 60


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


def count(secret: dict[str, str], topic: str) -> int:
    """Return how many messages were written into the only partition of a topic."""
    consumer = Consumer(settings(secret) | {"group.id": "counters"})
    try:
        first, after_last = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=_LIMIT_SECONDS)
        return int(after_last - first)
    finally:
        consumer.close()


async def is_let_in(secret: dict[str, str]) -> bool:
    """Whether the broker takes the login; by aiokafka, which says so at once."""
    host, _, port = secret["bootstrap-servers"].rpartition(":")
    try:
        connection = await create_conn(
            host,
            int(port),
            ssl_context=ssl.create_default_context(cadata=secret["ca.crt"]),
            security_protocol=secret["security-protocol"],
            sasl_mechanism=secret["sasl-mechanism"],
            sasl_plain_username=secret["username"],
            sasl_plain_password=secret["password"],
        )
    except SaslAuthenticationFailed:
        return False
    connection.close()
    return True
