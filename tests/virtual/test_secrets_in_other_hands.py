"""Others change Secrets: an unusable password is reported, the operator's keys are put right, and the keys of others stay."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.given_passwords import APP, BYTES, FIRST, GIVEN, HOUR, MINE, SOON, begin_with_given, opens, write
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, begin_with_datastore


@pytest.fixture
def exceptions() -> Iterator[list[Raw]]:
    """What is logged of exceptions meanwhile."""
    before, found = structlog.get_config(), list[Raw]()

    def keep(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
        if event.get("exc_info") or "exception" in event:
            found.append(dict(event))
        return ""

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[keep])
    yield found
    structlog.configure(**before)


@pytest.mark.parametrize("value", [BYTES, b"two\nlines", b"nul\0", b"", b"\n"])
def test_bytes_that_are_no_password_are_reported(value: bytes, exceptions: list[Raw]) -> None:
    in_virtual_time(tells_of_bytes(value))
    assert not exceptions


async def tells_of_bytes(value: bytes) -> None:
    async with VirtualWorld() as world:
        await begin_with_given(world)
        write(world, GIVEN, "password", value)
        await asyncio.sleep(HOUR)
        assert world.says(APP, "Stalled") == ("True", "InvalidSpec")
        told = condition(world.get(APP), "Stalled")["message"]
        assert "given/password" in told
        assert "secret-bytes" not in told
        assert world.says(APP, "Ready")[0] == "True", "the old password is still good"
        assert await opens(world)


def test_a_line_break_at_the_end_is_no_part_of_a_given_password() -> None:
    async def is_no_part() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world, FIRST + "\r\n")
            assert world.secret(MINE.name)["password"] == FIRST
            assert await opens(world)

    in_virtual_time(is_no_part())


@pytest.mark.parametrize("value", [BYTES, b"edited-by-hand", b""])
def test_our_own_secret_is_put_right(value: bytes, exceptions: list[Raw]) -> None:
    in_virtual_time(is_put_right(value))
    assert not exceptions


async def is_put_right(value: bytes) -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        write(world, MINE, "password", value)
        await asyncio.sleep(SOON)
        assert await opens(world)
        assert world.says(APP, "Ready")[0] == "True"


@pytest.mark.parametrize(
    ("name", "value", "is_left"), [("theirs", "x", True), ("host", "theirs", False), ("password", "theirs", False)]
)
def test_another_controller_that_writes_into_the_secret(name: str, value: str, is_left: bool) -> None:
    in_virtual_time(shares_a_secret(name, value, is_left))


async def shares_a_secret(name: str, value: str, is_left: bool) -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": "u"}
        world.cluster.objects[MINE]["metadata"]["ownerReferences"].append(owner)
        writes = 0

        def insist(kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
            nonlocal writes
            if key == MINE and not gone and raw["data"].get(name) != b64encode(value.encode()).decode():
                writes += 1
                write(world, MINE, name, value)

        world.cluster.told.append(insist)
        write(world, MINE, name, value)
        await asyncio.sleep(HOUR)
        assert owner in world.cluster.objects[MINE]["metadata"]["ownerReferences"], "others' owners stay as well"
        if is_left:
            assert not writes, "their key is theirs"
            assert world.says(APP, "Synced")[0] == "True"
            return
        assert writes <= 6 * 6, "at most five times in ten minutes"
        # Between two fights it is tried again: how far that is after an hour is a matter of chance.
        await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "DriftFight"), SOON)
        assert world.says(APP, "Ready")[0] == "False"
        world.cluster.told.remove(insist)
        await world.until("they have stopped", lambda: world.says(APP, "Ready")[0] == "True", 1500)
        assert await opens(world)
