"""What a Kafka broker itself says of what is in it, to its administrator."""

import asyncio
from pathlib import Path
from typing import Any

from confluent_kafka import admin

from engines.real_sandbox import RealSandbox
from managed_databases.sandbox.servers.kafka_objects import ADMINISTRATOR

_ADMIN: Any = admin
"""Its types tell half of what it takes."""
LIMIT_SECONDS = 30


class Broker:
    """The one datastore's of a sandbox. What its methods tell is read anew each time."""

    def __init__(self, sandbox: RealSandbox) -> None:
        self._sandbox = sandbox

    async def partitions(self) -> dict[str, int]:
        """The number of partitions of each topic that people have made."""
        said = await self._asked(lambda client: client.list_topics(timeout=LIMIT_SECONDS))
        return {name: len(topic.partitions) for name, topic in said.topics.items() if not name.startswith("__")}

    async def topic_config(self, topic: str, *names: str) -> dict[str, str]:
        return await self._config(_ADMIN.ConfigResource.Type.TOPIC, topic, names)

    async def broker_config(self, *names: str) -> dict[str, str]:
        return await self._config(_ADMIN.ConfigResource.Type.BROKER, "1", names)

    async def rules(self, user: str) -> set[tuple[str, str, str, str]]:
        """What a user may: type, name and pattern of what the rule is about, and the operation."""
        wanted = _ADMIN.AclBindingFilter(
            _ADMIN.ResourceType.ANY,
            None,
            _ADMIN.ResourcePatternType.ANY,
            f"User:{user}",
            None,
            _ADMIN.AclOperation.ANY,
            _ADMIN.AclPermissionType.ANY,
        )
        found = await self._asked(lambda client: client.describe_acls(wanted).result(LIMIT_SECONDS))
        assert all(rule.permission_type is _ADMIN.AclPermissionType.ALLOW for rule in found), found
        return {(rule.restype.name, rule.name, rule.resource_pattern_type.name, rule.operation.name) for rule in found}

    async def _config(self, kind: Any, name: str, names: tuple[str, ...]) -> dict[str, str]:
        of = _ADMIN.ConfigResource(kind, name)
        told = await self._asked(lambda client: client.describe_configs([of])[of].result(LIMIT_SECONDS))
        return {one: told[one].value for one in names}

    async def _asked(self, ask: Any) -> Any:
        (row,) = await self._sandbox.engines()
        password = await asyncio.to_thread((Path(row["folder"]) / "administrator").read_text)
        told = {
            "bootstrap.servers": f"{row['addresses'][0]}:{row['port']}",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": ADMINISTRATOR,
            "sasl.password": password,
            "ssl.ca.pem": await self._sandbox.certificate_text(),
        }
        return await asyncio.to_thread(lambda: ask(_ADMIN.AdminClient(told)))
