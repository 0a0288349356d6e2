"""A Kafka server: broker and controller in one process (KRaft). What is in it: `kafka_objects.py`."""

import asyncio
import logging
import secrets
import shutil
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.catalogue import TYPES
from managed_databases.sandbox.servers import kafka_requests
from managed_databases.sandbox.servers.kafka_objects import ADMINISTRATOR, KafkaObjects
from managed_databases.sandbox.servers.processes import Process, run, until_answers
from managed_databases.sandbox.servers.programs import Program, kafka
from managed_databases.sandbox.servers.restartable import Restartable
from managed_databases.sandbox.servers.site import Site
from managed_databases.sandbox.spaces import Space
from managed_databases.sandbox.store import Row

PORT: Final = 9093
_CONTROLLER_PORT: Final = 9193
PORTS: Final = (PORT, _CONTROLLER_PORT)

_START_SECONDS: Final = 120.0
_LIMIT_SECONDS: Final = 30.0
_JAVA: Final = ("-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k")
_MODULES: Final = "org.apache.kafka.common.security"

sealed = kafka_requests.sealed

# Each attempt to reach a server that starts would be told as an error.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)


def program_for(row: Row) -> Program:
    """Return Java with the version of Kafka that a datastore asks for. Raises ProgramMissing."""
    return kafka(TYPES[row["type_id"]].version)


class Kafka(Restartable):
    """One server, as `engine.Server` says."""

    port = PORT

    def __init__(self, site: Site, space: Space, row: Row) -> None:
        super().__init__(Process("kafka", site.account, site.folder / "kafka.log"), program_for(row), "Kafka")
        self._site = site
        self._data = site.folder / "data"
        self._address = ""
        self._objects = KafkaObjects(space, self.session)

    async def apply(self, row: Row, sealed: str | None) -> None:
        (instance,) = row["instances"]
        self._address = instance["ip"]
        if self._process.runs and row["config"] == self._config:
            return
        if not (self._data / "meta.properties").exists():
            await self._format()
        await self._start_with(row["config"])

    async def put(self, collection: str, row: Row, sealed: str | None) -> None:
        await self._objects.put(collection, row, sealed)

    async def drop(self, collection: str, row: Row) -> None:
        await self._objects.drop(collection, row)

    def objection(self, collection: str, row: Row) -> str | None:
        return self._objects.objection(collection, row)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """Give an administrator's connection. Tells what goes wrong as ChangeRefused."""
        connection = None
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                connection = await create_conn(
                    self._address,
                    PORT,
                    ssl_context=ssl.create_default_context(cafile=str(self._site.authority)),
                    security_protocol="SASL_SSL",
                    sasl_mechanism="SCRAM-SHA-512",
                    sasl_plain_username=ADMINISTRATOR,
                    sasl_plain_password=self._site.administrator,
                )
                yield connection
        except KafkaError as error:
            raise ChangeRefused(f"Kafka: {error}") from error
        except (OSError, TimeoutError) as error:
            raise ChangeRefused(f"Kafka does not answer: {type(error).__name__}") from error
        finally:
            if connection is not None:
                connection.close()

    async def _format(self) -> None:
        """Make the data folder, with the administrator. What a killed attempt has left is removed first."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._site.make_folder("data")
        path = self._site.write("server.properties", self._settings({}))
        user = f"SCRAM-SHA-512=[name={ADMINISTRATOR},password={self._site.administrator}]"
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", path)
        log = self._site.folder / "format.log"
        await run(
            [*command, "--add-scram", user], self._site.folder, log, self._site.account, self._program.environment
        )

    async def _start(self, config: Row) -> None:
        path = self._site.write("server.properties", self._settings(config))
        await self._process.start(self._java("kafka.Kafka", path), self._site.folder, self._program.environment)
        await until_answers(self._process, self._answers, _START_SECONDS)
        self._config = config

    async def _answers(self) -> bool:
        try:
            async with self.session():
                return True
        except ChangeRefused:
            return False

    def _java(self, *arguments: str | Path) -> Sequence[str | Path]:
        return [self._program.path, *_JAVA, *arguments]

    def _settings(self, config: Row) -> str:
        folder, address, password = self._site.folder, self._address, self._site.administrator
        pem = (folder / "server.key").read_text() + (folder / "server.crt").read_text()
        store = self._site.write("server.pem", pem)
        login = f'username="{ADMINISTRATOR}" password="{password}"'
        plain = f'{_MODULES}.plain.PlainLoginModule required {login} user_{ADMINISTRATOR}="{password}";'
        own = f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{address}:{_CONTROLLER_PORT}
listeners=SASL_SSL://{address}:{PORT},CONTROLLER://{address}:{_CONTROLLER_PORT}
advertised.listeners=SASL_SSL://{address}:{PORT}
controller.listener.names=CONTROLLER
inter.broker.listener.name=SASL_SSL
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain}
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={_MODULES}.scram.ScramLoginModule required {login};
ssl.keystore.type=PEM
ssl.keystore.location={store}
ssl.truststore.type=PEM
ssl.truststore.location={self._site.authority}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ADMINISTRATOR}
allow.everyone.if.no.acl.found=false
log.dirs={self._data}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
"""
        if "auto.create.topics.enable" not in config:
            own += "auto.create.topics.enable=false\n"
        if int(self._program.version.partition(".")[0]) >= 4:
            own += (
                "share.coordinator.state.topic.num.partitions=1\nshare.coordinator.state.topic.replication.factor=1\n"
            )
            own += "share.coordinator.state.topic.min.isr=1\n"
        return own + "".join(f"{name}={_property(value)}\n" for name, value in config.items())


def cluster_id() -> str:
    """Return an id as Kafka makes them. One that begins with - would be an option on a command line."""
    id_ = secrets.token_urlsafe(16)
    return id_ if not id_.startswith("-") else cluster_id()


def _property(value: object) -> str:
    """Return a parameter's value as a file of properties has it, in ASCII."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(
        f"\\u{ord(character):04x}" if not 32 < ord(character) < 127 or character == "\\" else character
        for character in text
        if ord(character) < 65536
    )
