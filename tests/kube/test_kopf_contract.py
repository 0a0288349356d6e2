"""What we rely on kopf for, and what we do about its traps. To be run again at each new version of kopf."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from kube.fake_api_server import GROUP_PATH, PLANET, SECRETS, THING, THINGS, FakeApiServer, serving, until
from managed_databases.kinds.registry import GROUP
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.informers import FORBIDDEN_SECONDS, Informers
from managed_databases.reconcile.ports import KubeUnreachable, ResourceKey

FAST = 60.0
"""A minute takes a second."""


class Watched:
    """A store that is being kept, and who was said to have changed."""

    def __init__(self) -> None:
        self.store = Store(["Thing", "Planet"])
        self.resources: list[str] = []
        self.secrets: list[tuple[str, str]] = []
        self.namespaces: list[str] = []
        self.watching: Informers
        self.running: asyncio.Task[None]

    def names(self) -> list[str]:
        return sorted(resource.key.name for resource in self.store.of_kind("Thing"))

    def thing(self, name: str) -> ResourceKey:
        return ResourceKey("Thing", "here", name)


@asynccontextmanager
async def watched(
    server: FakeApiServer, folder: Path, *, namespaces: tuple[str, ...] = (), speed: float = FAST
) -> AsyncIterator[Watched]:
    seen = Watched()
    async with serving(server, folder) as connection:
        seen.watching = Informers(
            connection,
            seen.store,
            [THING, PLANET],
            namespaces=namespaces,
            operator_namespace="operators",
            on_resource=lambda key: seen.resources.append(key.name),
            on_secret=lambda namespace, name: seen.secrets.append((namespace, name)),
            on_namespace=seen.namespaces.append,
            speed=speed,
        )
        running = seen.running = asyncio.create_task(seen.watching.run())
        try:
            await until(lambda: seen.watching.synced.is_set() or running.done(), lambda: server.requests)
            if running.done():
                await running
            yield seen
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def things(server: FakeApiServer, names: Iterable[str]) -> None:
    for name in names:
        await server.put("things", "here", name, f"uid-{name}", spec={"size": 1})


async def test_fills_the_store_and_follows_without_a_single_write(tmp_path: Path) -> None:
    server = FakeApiServer()
    await things(server, ["a", "b"])
    await server.put("planets", "", "earth", "uid-earth")
    await server.put("secrets", "here", "login", "uid-login", metadata={"labels": {}}, data={"password": "aGk="})
    await server.put("namespaces", "", "here", "uid-here", metadata={"labels": {"team": "red"}})
    async with watched(server, tmp_path) as seen:
        assert seen.names() == ["a", "b"]
        assert seen.store.secret_version("here", "login") is not None
        assert seen.store.namespace_labels("here") == {"team": "red"}
        await server.put("things", "here", "a", "uid-a", spec={"size": 2}, metadata={"finalizers": ["x/y"]})
        await server.put("things", "here", "c", "uid-c")
        await server.delete("things", "here", "b")
        await server.delete("secrets", "here", "login")
        await until(lambda: seen.names() == ["a", "c"] and len(seen.secrets) == 2, lambda: (seen.names(), seen.secrets))
        changed = seen.store.get(seen.thing("a"))
        assert changed is not None
        assert changed.spec == {"size": 2}
        assert seen.store.secret_version("here", "login") is None
        assert seen.watching.healthy() is None
    assert server.writes == []
    selectors = {query.get("labelSelector") for _, path, query in server.requests if path == SECRETS}
    assert selectors == {"manageddatabases.io/managed in (password,true)"}
    assert "PartialObjectMetadataList" in server.accepts[SECRETS, False]
    assert "as=PartialObjectMetadata;" in server.accepts[SECRETS, True]


async def test_a_list_of_many_pages_starts_anew_when_its_token_expires(tmp_path: Path) -> None:
    server = FakeApiServer(forget_continue=True)
    await things(server, [f"t{number:04}" for number in range(1200)])
    async with watched(server, tmp_path) as seen:
        assert len(seen.names()) == 1200
        assert len(seen.resources) == 1200, "what was listed twice has changed once"
    assert server.count(THINGS) > 3


async def test_a_deletion_missed_while_the_watch_was_out_is_noticed(tmp_path: Path) -> None:
    server = FakeApiServer()
    await things(server, ["a", "b"])
    async with watched(server, tmp_path) as seen:
        seen.resources.clear()
        await until(lambda: server.count(THINGS, watch=True), lambda: server.requests)
        server.objects.pop(("things", "here", "b"))
        await server.drop_watches(compact=True)
        await until(lambda: seen.names() == ["a"], seen.names)
        assert seen.resources == ["b"]


async def test_credentials_that_cannot_be_read_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token's file cannot be opened without a file descriptor left; kopf would end upon an error that it does not know."""
    server = FakeApiServer()
    failed = []

    async def unreadable(_: KubeConnection) -> str | None:
        failed.append(1)
        raise KubeUnreachable("the credentials cannot be read: too many open files")

    async with watched(server, tmp_path) as seen:
        await until(lambda: server.count(THINGS, watch=True), lambda: server.requests)
        with monkeypatch.context() as patched:
            patched.setattr(KubeConnection, "authorization", unreadable)
            await server.drop_watches()
            await until(lambda: len(failed) > 3, lambda: failed)
        await things(server, ["late"])
        await until(lambda: seen.names() == ["late"], seen.names)
        assert seen.watching.healthy() is None


async def test_a_name_made_again_is_the_new_one(tmp_path: Path) -> None:
    server = FakeApiServer()
    await things(server, ["a"])
    async with watched(server, tmp_path) as seen:
        for turn in range(20):
            await server.delete("things", "here", "a")
            await server.put("things", "here", "a", f"uid-{turn}")

        def uid() -> str | None:
            found = seen.store.get(seen.thing("a"))
            return found.uid if found else None

        await until(lambda: uid() == "uid-19", uid)
        await things(server, ["z"])
        await until(lambda: "z" in seen.names(), seen.names)
        assert uid() == "uid-19", "a late deletion of an older one does not count"


async def test_a_watch_that_says_nothing_is_tried_again_and_reported(tmp_path: Path) -> None:
    server = FakeApiServer(mute=True)
    async with watched(server, tmp_path, speed=600.0) as seen:
        await until(lambda: seen.watching.healthy(), lambda: server.count(THINGS, watch=True))
        assert "nothing has come from the watch" in str(seen.watching.healthy())
        assert server.count(THINGS, watch=True) > 1
        server.mute = False
        await things(server, ["late"])
        await until(lambda: seen.names() == ["late"], seen.names)


async def test_an_outage_is_outlived(tmp_path: Path) -> None:
    server = FakeApiServer()
    async with watched(server, tmp_path, speed=600.0) as seen:
        server.status = 503
        await server.drop_watches()
        before = len(server.requests)
        # Ten virtual minutes are a second; so many tries take longer.
        await until(lambda: len(server.requests) > before + 100, lambda: len(server.requests))
        await until(lambda: seen.watching.healthy() is None, seen.watching.healthy)
        server.status = 200
        await things(server, ["after"])
        await until(lambda: seen.names() == ["after"], seen.names)


async def test_a_watch_that_ends_at_once_is_no_flood(tmp_path: Path) -> None:
    server = FakeApiServer(hang_up=True)
    async with watched(server, tmp_path, speed=10.0) as seen:
        await until(lambda: server.count(THINGS, watch=True) > 5, lambda: server.count(THINGS, watch=True))
        began = asyncio.get_running_loop().time()
        before = server.count(THINGS, watch=True)
        await until(lambda: server.count(THINGS, watch=True) >= before + 10, lambda: server.requests[-3:])
        watches = server.count(THINGS, watch=True) - before
        assert watches <= (asyncio.get_running_loop().time() - began) * 10 + 2, "more than one a (virtual) second"
        assert seen.watching.healthy() is None, "an end is an answer"


async def test_an_expired_token_is_read_again(tmp_path: Path) -> None:
    server = FakeApiServer()
    async with watched(server, tmp_path) as seen:
        server.status = 401
        await server.drop_watches()
        before = len(server.requests)
        await until(lambda: len(server.requests) > before + 5, lambda: len(server.requests))
        server.status = 200
        await things(server, ["after"])
        await until(lambda: seen.names() == ["after"], seen.names)


async def test_named_namespaces_are_watched_one_by_one(tmp_path: Path) -> None:
    server = FakeApiServer(forbidden={"namespaces"})
    await things(server, ["a"])
    await server.put("things", "elsewhere", "b", "uid-b")
    await server.put("secrets", "operators", "token", "uid-token")
    async with watched(server, tmp_path, namespaces=("here", "there")) as seen:
        assert seen.names() == ["a"]
        assert seen.secrets == [("operators", "token")]
        assert seen.store.namespace_labels("here") is None
    paths = {path for method, path, _ in server.requests if method == "GET"}
    assert THINGS not in paths
    assert SECRETS not in paths
    assert "/api/v1/namespaces/operators/secrets" in paths


async def test_a_namespace_that_took_its_role_along_is_done_without_until_it_is_back(tmp_path: Path) -> None:
    server = FakeApiServer(forbidden={"namespaces"}, without_role={"gone"})
    await things(server, ["a"])
    await server.put("things", "gone", "b", "uid-b")
    async with watched(server, tmp_path, namespaces=("here", "gone")) as seen:
        assert seen.names() == ["a"]
        assert seen.watching.healthy() is None
        server.without_role.clear()
        await until(lambda: seen.names() == ["a", "b"], seen.names)


async def test_without_a_right_to_what_is_cluster_scoped_nothing_begins(tmp_path: Path) -> None:
    server = FakeApiServer(without_role={""})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(6 * FORBIDDEN_SECONDS / FAST), watched(server, tmp_path, namespaces=("here",)):
            pass
    assert server.count(f"{GROUP_PATH}/planets") > 1


async def test_a_missing_right_has_one_readable_line_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = FakeApiServer(forbidden={"namespaces"}, without_role={"gone"})
    await things(server, ["a"])
    with structlog.testing.capture_logs() as lines:
        async with watched(server, tmp_path, namespaces=("here", "gone")):
            path = f"{GROUP_PATH}/namespaces/gone/things"
            await until(lambda: server.count(path) > 4, lambda: server.requests)
            told = [each for each in lines if each["event"].startswith("a watch is forbidden") and each["path"] == path]
            assert 0 < len(told) < server.count(path)
            assert (told[0]["verb"], told[0]["why"]) == ("list", "Forbidden")
    assert "will retry" not in caplog.text


async def test_works_without_permission_for_secrets_and_namespaces(tmp_path: Path) -> None:
    server = FakeApiServer(forbidden={"namespaces", "secrets"})
    await things(server, ["a"])
    async with watched(server, tmp_path) as seen:
        assert seen.names() == ["a"]
    assert server.count(SECRETS) == server.count("/api/v1/namespaces") == 0


async def test_waits_for_the_custom_resource_definitions(tmp_path: Path) -> None:
    server = FakeApiServer(served=["things"])

    async def install() -> None:
        await until(lambda: server.requests, lambda: server.requests)
        server.served.append("planets")

    installing = asyncio.create_task(install())
    async with watched(server, tmp_path) as seen:
        assert seen.watching.synced.is_set()
    await installing


async def test_a_kind_whose_definition_is_gone_has_nothing_until_it_is_back(tmp_path: Path) -> None:
    server = FakeApiServer()
    await things(server, ["a", "b"])
    async with watched(server, tmp_path, speed=60.0) as seen:
        assert seen.names() == ["a", "b"]
        server.unserved = True
        await server.drop_watches()
        await until(lambda: seen.names() == [], seen.names)
        assert seen.watching.healthy() is None
        server.objects.clear()
        server.unserved = False
        await things(server, ["after"])
        await until(lambda: seen.names() == ["after"], seen.names)


async def test_a_collection_that_is_not_served_for_a_moment_keeps_what_is_known(tmp_path: Path) -> None:
    """Only a definition that is not there says that its kind is gone."""
    server = FakeApiServer()
    for plural in ("things", "planets"):
        server.definitions[f"{plural}.{GROUP}"] = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    await things(server, ["a"])
    async with watched(server, tmp_path, speed=60.0) as seen:
        server.unserved = True
        await server.drop_watches()
        before = server.count(THINGS)
        await until(lambda: server.count(THINGS) > before + 3, lambda: server.count(THINGS))
        assert seen.names() == ["a"]
        server.unserved = False
        await things(server, ["later"])
        await until(lambda: seen.names() == ["a", "later"], seen.names)


async def test_begins_without_what_is_gone_when_other_definitions_are_going(tmp_path: Path) -> None:
    server = FakeApiServer(served=["things"])
    going = {"creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": "2026-01-02T00:00:00Z"}
    server.definitions[f"things.{GROUP}"] = going
    await things(server, ["a"])
    async with watched(server, tmp_path, speed=60.0) as seen:
        assert seen.names() == ["a"]
        server.served.append("planets")
        await server.put("planets", "", "late", "uid-late")
        await until(lambda: seen.store.get(ResourceKey("Planet", "", "late")), lambda: server.requests[-5:])


async def test_the_end_of_a_watch_is_the_end_of_watching(tmp_path: Path) -> None:
    server = FakeApiServer()
    async with watched(server, tmp_path) as seen:
        server.watch_error = 500
        await server.drop_watches()
        with pytest.raises(RuntimeError, match="has ended"):
            await seen.running
        assert "has ended" in str(seen.watching.healthy())
        assert not [task for task in asyncio.all_tasks() if "watcher" in task.get_name()]


async def test_the_programs_signal_handlers_stay(tmp_path: Path) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        async with watched(FakeApiServer(), tmp_path):
            signal.raise_signal(signal.SIGTERM)
            await until(told.is_set, lambda: "not told")
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
