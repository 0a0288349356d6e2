"""Passwords that people give, and Secrets that other hands change: the Secret opens, or the resource says that it does not."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog

from managed_databases.kube.collections import SECRET
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.ports import MANAGED_LABEL, KubeUnreachable, ResourceKey, WriteRefused
from stories.world import condition, manifest
from virtual.everything import project
from virtual.memory_cluster import Raw
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.walk import IN_MAIN, KEYS, SPECS, begin_with_datastore

MAIN, _, APP = KEYS[:3]
GIVEN, MINE, PENDING = (ResourceKey(SECRET, NAMESPACE, name) for name in ("given", "app-user", "app-user-pending"))
FIRST, WEAK, GOOD = "first-password-1", "weak", "A-very-good-password-2"
BYTES = b"\xff\xfe\x80secret-bytes"
SOON, HOUR = 60, 3600


def write(world: VirtualWorld, secret: ResourceKey, name: str, value: str | bytes) -> None:
    """By other hands."""
    told = value if isinstance(value, bytes) else value.encode()
    world.cluster.objects[secret]["data"][name] = b64encode(told).decode()
    world.cluster._changed(secret)


async def begin_with_given(world: VirtualWorld, password: str = FIRST) -> None:
    await begin_with_datastore(world)
    world.put_secret(NAMESPACE, GIVEN.name, {"password": password})
    spec = IN_MAIN | {"passwordSecretRef": {"name": GIVEN.name, "key": "password"}}
    world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, spec))
    await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")


async def opens(world: VirtualWorld) -> bool:
    """Whether one can log in with what is in the Secret."""
    secret = world.secret(MINE.name)
    identity = world.get(APP)["status"]["identity"]
    return bool(await world.login(identity["datastoreID"], "app", secret["password"]))


class Policy:
    """The API's, for passwords; `sent` are the bodies of all that were sent."""

    def __init__(
        self, refused: str, status: int = 400, message: str = "Validation failure: {'user.password': 'no'}"
    ) -> None:
        self.refused, self.status, self.message = refused, status, message
        self.sent: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if request.method not in ("PUT", "POST") or "/users" not in request.url.path:
            return None
        self.sent.append(request.content)
        if f'"{self.refused}"'.encode() not in request.content:
            return None
        error = {"error": {"code": self.status, "title": "No", "message": self.message}}
        return httpx.Response(self.status, json=error, request=request)


REFUSALS = [(400, "Validation failure: no"), (422, "no"), (403, "no"), (409, "no"), (400, "no"), (429, "later")]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(("status", "message"), REFUSALS)
def test_a_refused_password_is_corrected(status: int, message: str, restart: bool) -> None:
    in_virtual_time(is_corrected(Policy(WEAK, status, message), restart))


async def is_corrected(policy: Policy, restart: bool) -> None:
    async with VirtualWorld() as world:
        await begin_with_given(world)
        world.refuses = policy
        write(world, GIVEN, "password", WEAK)
        await asyncio.sleep(SOON)
        assert world.says(APP, "Synced")[0] == "False"
        assert await opens(world), "the old one is still there"
        if restart:
            await world.kill()
            await world.start()
            await asyncio.sleep(5)
        write(world, GIVEN, "password", GOOD)
        # A restarted process does not know that the first one was refused: it asks once more, and for some refusals waits.
        is_of_the_value = policy.status == 422 or policy.message.startswith("Validation")
        if restart and not is_of_the_value:
            return
        await world.until("the good one is there", lambda: world.secret(MINE.name)["password"] == GOOD, SOON)
        assert await opens(world)
        await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", SOON)
        assert PENDING not in world.cluster.objects


def test_a_refused_password_that_nobody_gives_any_more() -> None:
    in_virtual_time(gives_up())


async def gives_up() -> None:
    async with VirtualWorld() as world:
        await begin_with_given(world)
        world.refuses = Policy(WEAK)
        write(world, GIVEN, "password", WEAK)
        await asyncio.sleep(SOON)
        world.cluster.change(APP, passwordSecretRef=None)
        await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", SOON)
        assert PENDING not in world.cluster.objects
        assert world.secret(MINE.name)["password"] == FIRST
        assert await opens(world)


@pytest.mark.parametrize("then", ["another", "none"])
def test_a_password_of_unclear_outcome_binds_until_it_is_clear(then: str) -> None:
    in_virtual_time(binds(then))


async def binds(then: str) -> None:
    """The API has the first new one, and nobody heard; then it refuses it, as one that was used before."""
    async with VirtualWorld(delay_seconds=0) as world:
        await begin_with_given(world)
        await world.fault(path="^/v1/users/", method="PUT", times=1, when="after", status=502)
        write(world, GIVEN, "password", "second-password-2")
        await asyncio.sleep(1)
        world.refuses = Policy("second-password-2")
        assert not await opens(world)
        assert world.says(APP, "Ready")[0] == "False", "the Secret may not open, and does not"
        await asyncio.sleep(SOON)
        if then == "another":
            write(world, GIVEN, "password", GOOD)
        else:
            world.cluster.change(APP, passwordSecretRef=None)
        for _ in range(SOON):
            await asyncio.sleep(1)
            assert world.says(APP, "Ready")[0] == "False" or await opens(world)
        assert await opens(world)
        assert world.says(APP, "Synced")[0] == "True"
        assert world.secret(MINE.name)["password"] == (GOOD if then == "another" else FIRST)


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
def test_bytes_that_are_no_password_are_told(value: bytes, exceptions: list[Raw]) -> None:
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


def restore(world: VirtualWorld, backup: dict[ResourceKey, Raw], *, status: bool) -> None:
    """As Velero does: names, labels, annotations and specs; everything has another uid, and no owner."""
    for key in [key for key in world.cluster.objects if key.namespace == NAMESPACE]:
        world.cluster.objects.pop(key)
    for key, raw in backup.items():
        if key.namespace == NAMESPACE:
            kept = {
                name: raw["metadata"][name]
                for name in ("labels", "annotations", "finalizers")
                if name in raw["metadata"]
            }
            new = {name: value for name, value in raw.items() if name != "metadata"} | {"metadata": kept}
            if key.kind != SECRET and not status:
                new["status"] = {"observedGeneration": -1}
            world.cluster.create(key, new)


@pytest.mark.parametrize("status", [False, True], ids=["without status", "with status"])
@pytest.mark.parametrize("adoption", ["Never", "IfExists"])
def test_a_restore_with_other_uids(adoption: str, status: bool) -> None:
    in_virtual_time(is_restored(adoption, status))


async def is_restored(adoption: str, status: bool) -> None:
    async with VirtualWorld() as world:
        world.cluster.apply(project())
        await world.start()
        for key in (MAIN, APP):
            world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | {"adoption": adoption}))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        before = world.secret(MINE.name)
        backup = dict(world.cluster.objects)
        await world.kill()
        restore(world, backup, status=status)
        await world.start()
        await asyncio.sleep(5 * SOON)
        if adoption == "Never":
            assert world.secret(MINE.name) == before
            assert (world.says(APP, "Ready")[0] == "True") is status, (
                "what is used stays, though nothing proves whose it is"
            )
            told = " ".join(condition(world.get(key), "Stalled").get("message", "") for key in (MAIN, APP))
            assert "adoption to IfExists" in told, "what to do, which is not to remove the Secret"
            for key in (MAIN, APP):
                world.cluster.change(key, adoption="IfExists")
        await world.until("all is well", lambda: world.says(APP, "Synced")[0] == "True", 30 * SOON)
        assert world.says(APP, "Ready")[0] == "True"
        assert world.secret(MINE.name) == before, "no application notices"
        assert await opens(world)
        assert len(await world.objects("users")) == len(await world.objects("datastores")) == 1
        world.cluster.delete(APP)
        await world.until("it goes with its Secret", lambda: not {APP, MINE} & world.cluster.objects.keys(), 10 * SOON)


def test_a_living_resources_secret_is_never_taken_over() -> None:
    async def is_never_taken() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
            await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
            thief = ResourceKey(APP.kind, NAMESPACE, "thief")
            spec = IN_MAIN | {"adoption": "IfExists", "secretName": MINE.name}
            before = world.cluster.objects[MINE]["metadata"]["annotations"]
            world.cluster.apply(manifest(thief.kind, thief.name, NAMESPACE, spec))
            await asyncio.sleep(SOON)
            assert world.says(thief, "Stalled") == ("True", "SecretConflict")
            assert world.cluster.objects[MINE]["metadata"]["annotations"] == before
            assert PASSWORD_CHECK in before

    in_virtual_time(is_never_taken())


def test_a_secret_whose_check_does_not_fit_is_never_taken_over() -> None:
    async def is_never_taken() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            metadata = {
                "annotations": {OWNER_UID: "of-nobody-any-more", PASSWORD_CHECK: "none"},
                "labels": {MANAGED_LABEL: "true"},
            }
            data = {"password": b64encode(FIRST.encode()).decode()}
            world.cluster.create(MINE, {"metadata": metadata, "type": "servicebinding.io/postgresql", "data": data})
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"adoption": "IfExists"}))
            await asyncio.sleep(SOON)
            assert world.says(APP, "Stalled") == ("True", "SecretConflict")
            assert world.secret(MINE.name) == {"password": FIRST}

    in_virtual_time(is_never_taken())


@pytest.mark.parametrize("error", [WriteRefused("403 Forbidden"), KubeUnreachable("500")])
def test_a_secret_that_cannot_be_read_does_not_hold_up_a_forced_deletion(error: Exception) -> None:
    in_virtual_time(lets_go(error))


async def lets_go(error: Exception) -> None:
    async with VirtualWorld() as world:
        await begin_with_datastore(world)
        world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN))
        await world.until("it is made", lambda: world.says(APP, "Synced")[0] == "True")
        answer = world.cluster._answer

        def refuse(method: str, path: str, body: Any) -> Raw:
            if "/secrets/app-user" in path:
                raise error
            return answer(method, path, body)

        world.cluster._answer = refuse  # type: ignore[method-assign]
        world.cluster.delete(APP)
        await asyncio.sleep(SOON)
        assert APP in world.cluster.objects
        world.cluster.annotate(APP, force_delete="true")
        await world.until("it is let go", lambda: APP not in world.cluster.objects, SOON)


@pytest.mark.parametrize("name", ["a/b", "n" * 250, "Capital"])
def test_a_name_that_was_never_checked_can_be_told_and_deleted(name: str) -> None:
    async def is_told() -> None:
        async with VirtualWorld() as world:
            await begin_with_datastore(world)
            world.cluster.apply(manifest(APP.kind, APP.name, NAMESPACE, IN_MAIN | {"secretName": name}))
            await world.until("it is told", lambda: world.says(APP, "Stalled") == ("True", "InvalidSpec"), SOON)
            world.cluster.delete(APP)
            await world.until("it goes", lambda: APP not in world.cluster.objects, SOON)

    in_virtual_time(is_told())


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_empty_answer_to_a_password_is_none(when: str) -> None:
    """Whether the password is set is not known: Ready is not claimed, and it is sent until the API says so."""

    async def is_not_believed() -> None:
        async with VirtualWorld() as world:
            await begin_with_given(world)
            await world.fault(path="^/v1/users/", method="PUT", status=200, body="", when=when, times=2)
            write(world, GIVEN, "password", GOOD)
            await asyncio.sleep(1)
            assert world.says(APP, "Ready")[0] == "False"
            assert world.secret(MINE.name)["password"] == FIRST
            await world.until("it is set", lambda: world.says(APP, "Synced")[0] == "True", SOON)
            assert [each["met"] for each in await world.faults()] in ([], [2])
            assert world.says(APP, "Ready")[0] == "True"
            assert world.secret(MINE.name)["password"] == GOOD
            assert await opens(world)

    in_virtual_time(is_not_believed())
