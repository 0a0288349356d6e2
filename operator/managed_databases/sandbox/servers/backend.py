"""The servers of a sandbox, one for each datastore: `sandbox.backing.Backing` for `sandbox --engines`."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.catalogue import TYPES
from managed_databases.sandbox.datastores import connection, names_by_address
from managed_databases.sandbox.servers.addresses import check_address, free_address
from managed_databases.sandbox.servers.engine import Server
from managed_databases.sandbox.servers.programs import Program, ProgramMissing
from managed_databases.sandbox.servers.site import Home, Site
from managed_databases.sandbox.spaces import Space, Spaces
from managed_databases.sandbox.store import Row

_LOG: Final = logging.getLogger(__name__)
_STARTING_AGAIN: Final = 3
"""So often a server is started that another one, which a killed sandbox has left, may still be in the way of."""


@dataclass(frozen=True)
class EngineModule:
    """What `Servers` needs of an engine's module, which is imported when the first datastore asks for it."""

    ports: Sequence[int]
    program_for: Callable[[Row], Program]
    sealed: Callable[[str], str]
    server: Callable[[Site, Space, Row], Server]


@cache
def engine_of(type_id: str) -> EngineModule | None:
    """Return the engine behind datastores of this type; None if the sandbox can run no server for it."""
    match TYPES[type_id].engine.name:
        case "postgresql":
            from managed_databases.sandbox.servers import postgresql

            return EngineModule(postgresql.PORTS, postgresql.program_for, postgresql.sealed, postgresql.PostgreSQL)
        case "mysql" | "mysql_native":
            from managed_databases.sandbox.servers import mariadb

            return EngineModule(mariadb.PORTS, mariadb.program_for, mariadb.sealed, mariadb.MariaDB)
        case "kafka":
            from managed_databases.sandbox.servers import kafka

            return EngineModule(kafka.PORTS, kafka.program_for, kafka.sealed, kafka.Kafka)
        case "redis":
            from managed_databases.sandbox.servers import redis

            return EngineModule(redis.PORTS, redis.program_for, redis.sealed, redis.Redis)
    return None


class Servers:
    """`state` is the sandbox's file; without one the servers' data ends with the sandbox."""

    def __init__(self, spaces: Spaces, state: Path | None, *, by_names: bool = False) -> None:
        self.by_names = by_names
        self._spaces = spaces
        self._home = Home(state)
        self._servers: dict[str, Server] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._troubles: dict[str, str] = {}

    def objection(self, space: Space, collection: str, row: Row) -> str | None:
        if collection == "datastores":
            engine = engine_of(row["type_id"])
            if engine is None:
                return None
            try:
                engine.program_for(row)
            except ProgramMissing as error:
                return str(error)
            return None
        server = self._servers.get(row.get("datastore_id", ""))
        return server.objection(collection, row) if server is not None else None

    def sealed(self, type_id: str, password: str) -> str:
        engine = engine_of(type_id)
        return engine.sealed(password) if engine is not None else ""

    def placed(self, row: Row, instances: list[Row]) -> list[Row] | None:
        engine = engine_of(row["type_id"])
        if engine is None:
            return None
        there = {instance["id"] for instance in row["instances"]}
        taken = {
            instance["ip"]
            for space in self._spaces.all()
            for datastore in space.objects("datastores").values()
            for instance in datastore["instances"]
        }
        made = []
        for instance in instances:
            if instance["id"] not in there:
                instance = instance | {"ip": free_address(engine.ports, taken)}
                taken.add(instance["ip"])
            made.append(instance)
        return made

    async def carry_out(self, space: Space, collection: str, row: Row, *, gone: bool, sealed: str | None) -> None:
        id_ = row["id"] if collection == "datastores" else row["datastore_id"]
        async with self._locks[id_]:
            try:
                if collection != "datastores":
                    await self._carry_out_in(space, id_, collection, row, gone, sealed or None)
                elif gone:
                    await self._remove(id_)
                elif engine_of(row["type_id"]) is not None:
                    await self._apply(space, row, sealed or None)
            except ChangeRefused as error:
                self._troubles[row["id"]] = str(error)
                _LOG.warning("not done for %s %s: %s", collection, row["id"], error)
                raise
            self._troubles.pop(row["id"], None)

    async def start(self) -> None:
        await asyncio.gather(
            *(
                self._start_again(space, row)
                for space in self._spaces.all()
                for row in list(space.objects("datastores").values())
                if row["instances"] and engine_of(row["type_id"]) is not None
            )
        )

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        self._home.close()

    def certificate(self) -> Path:
        return self._home.authority.path

    def told(self) -> list[Row]:
        return [self._told(row) for space in self._spaces.all() for row in space.objects("datastores").values()]

    def _told(self, row: Row) -> Row:
        kind = TYPES[row["type_id"]]
        told: Row = {
            "datastore_id": row["id"],
            "name": row["name"],
            "engine": kind.engine.name,
            "status": row["status"],
        }
        server = self._servers.get(row["id"])
        if server is None:
            told["server"] = None
        else:
            addresses = [instance["ip"] for instance in row["instances"]]
            told |= {"addresses": addresses, "folder": str(self._home.folder / row["id"])} | server.told()
        return told | ({"trouble": self._troubles[row["id"]]} if row["id"] in self._troubles else {})

    async def _apply(self, space: Space, row: Row, sealed: str | None) -> None:
        engine = engine_of(row["type_id"])
        assert engine is not None
        addresses = [instance["ip"] for instance in row["instances"]]
        names = [*chain.from_iterable(names_by_address(row).values()), "localhost"]
        site = self._home.site(row["id"], addresses, names)
        if row["id"] not in self._servers:
            for address in addresses:
                check_address(address, engine.ports)
            try:
                self._servers[row["id"]] = engine.server(site, space, row)
            except ProgramMissing as error:
                raise ChangeRefused(str(error)) from error
        await self._servers[row["id"]].apply(row, sealed)

    async def _start_again(self, space: Space, row: Row) -> None:
        """Start the server of a datastore that was there before. If it does not start, the datastore is DOWN.

        The sandbox before may have told addresses, and this one tells names, or the other way round.
        """
        row = row | {"connection": connection(row["id"], row["instances"], by_address=not self.by_names)}
        space.put("datastores", row)
        for left in reversed(range(_STARTING_AGAIN)):
            try:
                await self.carry_out(space, "datastores", row, gone=False, sealed=None)
            except ChangeRefused:
                if left:
                    await asyncio.sleep(1)
                elif row["status"] == "ACTIVE":
                    space.put("datastores", row | {"status": "DOWN"})
            else:
                if row["status"] == "DOWN":
                    space.put("datastores", row | {"status": "ACTIVE"})
                return

    async def _remove(self, id_: str) -> None:
        if (server := self._servers.pop(id_, None)) is not None:
            await server.stop()
        await asyncio.to_thread(self._home.remove, id_)

    async def _carry_out_in(
        self, space: Space, datastore_id: str, collection: str, row: Row, gone: bool, sealed: str | None
    ) -> None:
        server = self._servers.get(datastore_id)
        if server is not None:
            await (server.drop(collection, row) if gone else server.put(collection, row, sealed))
            return
        datastore = space.find("datastores", datastore_id)
        if datastore is not None and engine_of(datastore["type_id"]) is not None:
            raise ChangeRefused("its server does not run")
