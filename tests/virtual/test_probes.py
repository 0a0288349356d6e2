"""The operator logs in by itself before it says Ready, where somebody asks for that; and does nothing else about it."""

import asyncio
from base64 import b64encode
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from managed_databases.kube.metrics import state
from managed_databases.kube.watched_collections import SECRET
from managed_databases.probe import Login, Outcome, ProbeAnswer
from managed_databases.reconcile.keepers.prober import REST_SECONDS
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition, manifest
from virtual.begun_world import APP, MAIN, PROJECT, SHOP, apply, begin
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE, VirtualWorld

FINE = ProbeAnswer(Outcome.LOGGED_IN)
NO_WAY = ProbeAnswer(Outcome.UNREACHABLE, "connection refused")
BAD = ProbeAnswer(Outcome.REFUSED, "error 28P01")


class Databases:
    """All databases that there are, and who has logged in to them."""

    def __init__(self) -> None:
        self.answers: Callable[[Login], ProbeAnswer] = lambda _: FINE
        self.seconds = 0.1
        self.tried: list[tuple[float, Login, str | None]] = []
        self.under_way = self.most = 0

    async def attempt(self, login: Login, password: SecretStr | None) -> ProbeAnswer:
        now = asyncio.get_running_loop().time()
        self.tried.append((now, login, None if password is None else password.get_secret_value()))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            return self.answers(login)
        finally:
            self.under_way -= 1

    def since(self, moment: float) -> list[float]:
        return [at for at, *_ in self.tried if at >= moment]


def told(world: VirtualWorld, key: ResourceKey = APP) -> str:
    message: str = condition(world.get(key), "Ready")["message"]
    return message


def changing_calls(world: VirtualWorld) -> int:
    return sum(sent.method != "GET" for sent in world.sent)


def test_a_user_becomes_ready_once_its_database_answers() -> None:
    async def story() -> None:
        databases = Databases()
        databases.answers = lambda _: NO_WAY
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await world.until("it is tried", lambda: world.says(APP, "Ready") == ("False", "Unreachable"), 60)
            assert state(world.get(APP)["status"]) == "waiting", "one failure is no alert"
            await world.until(
                "it is no passing trouble", lambda: world.says(APP, "Stalled") == ("True", "Unreachable"), 120
            )
            _, login, password = databases.tried[-1]
            assert (login.engine, login.user, password) == ("postgresql", "app", world.secret("app-user")["password"])
            assert login.host == world.secret("app-user")["host"]
            assert f"{login.host}:5432 (connection refused)" in told(world)
            assert password
            assert password not in str(world.get(APP))
            assert world.says(APP, "Synced") == ("True", "InSync")
            calls, secret = changing_calls(world), world.secret("app-user")
            await asyncio.sleep(3600)
            assert (changing_calls(world), world.secret("app-user")) == (calls, secret), "nothing is done about it"
            databases.answers = lambda _: FINE
            await world.until("the server is there", lambda: world.says(APP, "Ready") == ("True", "Ready"), 800)
            assert world.says(APP, "Stalled")[0] == "False"
            assert changing_calls(world) == calls

    in_virtual_time(story())


def test_probes_are_seldom_and_write_nothing_at_rest() -> None:
    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            version, begun = world.get(APP)["metadata"]["resourceVersion"], asyncio.get_running_loop().time()
            await asyncio.sleep(10 * REST_SECONDS)
            assert 9 <= len(databases.since(begun)) <= 12
            assert world.get(APP)["metadata"]["resourceVersion"] == version

    in_virtual_time(story())


def test_what_was_usable_stays_so_until_failures_have_settled() -> None:
    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            failures = 0

            def twice(_: Login) -> ProbeAnswer:
                nonlocal failures
                failures += 1
                return NO_WAY if failures <= 2 else FINE

            databases.answers = twice
            seen = set()
            for _ in range(200):
                await asyncio.sleep(5)
                seen.add(world.says(APP, "Ready"))
            assert failures > 2
            assert seen == {("True", "Ready")}, "two failures are no outage"
            databases.answers = lambda _: BAD
            await world.until("it is one", lambda: world.says(APP, "Ready") == ("False", "LoginRefused"), 900)
            assert "app-user" in told(world)
            assert world.says(APP, "Stalled") == ("True", "LoginRefused")

    in_virtual_time(story())


@pytest.mark.parametrize("was_ready", [True, False])
def test_after_a_restart_the_status_stays_until_the_first_answer(was_ready: bool) -> None:
    async def story() -> None:
        databases = Databases()
        databases.answers = lambda _: FINE if was_ready else NO_WAY
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await world.until(
                "settled", lambda: "True" in (world.says(APP, "Ready")[0], world.says(APP, "Stalled")[0]), 300
            )
            await world.kill()
            before = world.get(APP)["status"]
            databases.seconds = 100.0
            await world.start()
            for _ in range(90):
                await asyncio.sleep(1)
                assert world.get(APP)["status"] == before
            databases.answers = lambda _: FINE
            await world.until("it answers", lambda: world.says(APP, "Ready")[0] == "True", 300)

    in_virtual_time(story())


def test_a_change_of_the_password_or_the_host_is_tried_at_once() -> None:
    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            world.put_secret(NAMESPACE, "given", {"password": "given-by-a-person-1"})
            apply(world, APP, probe=True)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            begun = asyncio.get_running_loop().time()
            apply(world, APP, probe=True, passwordSecretRef={"name": "given", "key": "password"})
            await world.until("tried", lambda: databases.tried[-1][2] == "given-by-a-person-1", 60)
            assert [password for at, _, password in databases.tried if at > begun] == ["given-by-a-person-1"]
            await world.edit("datastores", world.get(MAIN)["status"]["id"], connection={"master": "elsewhere.example"})
            await world.until("tried there", lambda: databases.tried[-1][1].host == "elsewhere.example", 120)

    in_virtual_time(story())


def test_a_person_who_asks_for_a_look_gets_a_probe() -> None:
    async def story() -> None:
        databases = Databases()
        databases.answers = lambda _: NO_WAY
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await asyncio.sleep(3600)
            databases.answers = lambda _: FINE
            world.cluster.annotate(APP, sync_requested="now")
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 20)

    in_virtual_time(story())


def test_a_project_may_ask_for_all_and_a_resource_may_decline() -> None:
    async def story() -> None:
        databases = Databases()
        databases.answers = lambda login: NO_WAY
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            assert databases.tried == [], "off, unless somebody asks"
            world.cluster.change(PROJECT, probe=True)
            await world.until(
                "both are tried",
                lambda: {world.says(key, "Ready")[1] for key in (MAIN, APP)} == {"Unreachable"},
                300,
            )
            assert {(login.user, password is None) for _, login, password in databases.tried} == {
                (None, True),
                ("app", False),
            }
            apply(world, APP, probe=False)
            await world.until("it declines", lambda: world.says(APP, "Ready")[0] == "True", 30)
            begun = asyncio.get_running_loop().time()
            await asyncio.sleep(3600)
            assert {login.user for at, login, _ in databases.tried if at > begun} == {None}

    in_virtual_time(story())


def test_one_at_a_time_in_a_datastore_and_none_holds_up_a_pass() -> None:
    async def story() -> None:
        databases = Databases()
        databases.seconds = 10.0
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP, probe=False)
            users = [ResourceKey("DatabaseUser", NAMESPACE, f"user{number}") for number in range(20)]
            for key in users:
                spec = {"datastoreRef": {"name": MAIN.name}, "probe": True}
                world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, spec))
            await asyncio.sleep(20)
            apply(world, SHOP, deletionProtection=False)
            await world.until("passes go on", lambda: world.get(SHOP)["status"]["observedGeneration"] == 2, 5)
            assert len(databases.tried) < len(users)
            await world.until("all", lambda: all(world.says(key, "Ready")[0] == "True" for key in users), 600)
            assert databases.most == 1

    in_virtual_time(story())


def test_a_user_that_goes_is_not_probed_any_more() -> None:
    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True, deletionProtection=False)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            world.cluster.delete(APP)
            await world.until("gone", lambda: APP not in world.cluster.objects, 120)
            begun = asyncio.get_running_loop().time()
            await asyncio.sleep(3600)
            assert databases.since(begun) == []

    in_virtual_time(story())


def test_a_probe_goes_only_where_the_api_says() -> None:
    """Whoever may edit Secrets would else have the operator connect to whatever it can reach."""

    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            host, password = world.secret("app-user")["host"], world.secret("app-user")["password"]
            for edited in (
                {"host": "10.0.0.1", "hosts": "10.0.0.1", "port": "22"},
                {"username": "postgres"},
                {"password": "x"},
            ):
                world.change_secret(NAMESPACE, "app-user", edited)
                world.cluster.annotate(APP, sync_requested=str(edited))
                await asyncio.sleep(700)
            await world.until("mended", lambda: world.says(APP, "Ready")[0] == "True", 60)
            tried = {(login.host, login.port, login.user) for _, login, _ in databases.tried}
            assert tried == {(host, 5432, "app")}
            used = {used for *_, used in databases.tried}
            assert used == {password, world.secret("app-user")["password"]}, "and never with an edited password"
            await world.edit("datastores", world.get(MAIN)["status"]["id"], connection={})
            await world.kill()
            await world.start()
            await asyncio.sleep(60)
            begun = asyncio.get_running_loop().time()
            await asyncio.sleep(3600)
            assert world.secret("app-user")["host"] == host, "the Secret keeps what was told"
            assert databases.since(begun) == [], "nobody says any more where it is"
            assert world.says(APP, "Ready")[0] == "True"

    in_virtual_time(story())


def test_a_process_that_does_not_lead_probes_nothing() -> None:
    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            world.leads = False
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await asyncio.sleep(1800)
            assert databases.tried == []
            assert world.says(APP, "Ready") == ("False", "Probing")
            world.leads = True
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)

    in_virtual_time(story())


def test_a_password_that_no_pass_has_seen_is_sent_nowhere() -> None:
    """Somebody has edited the Secret, and the watch has not told yet: what is in there may be the password of something else."""

    async def story() -> None:
        databases = Databases()
        async with VirtualWorld(attempt=databases.attempt) as world:
            await begin(world, MAIN, SHOP)
            apply(world, APP, probe=True)
            await world.until("Ready", lambda: world.says(APP, "Ready")[0] == "True", 60)
            right, begun = world.secret("app-user")["password"], asyncio.get_running_loop().time()
            raw = world.get(ResourceKey(SECRET, NAMESPACE, "app-user"))
            raw["data"]["password"] = b64encode(b"something else").decode()
            raw["metadata"]["resourceVersion"] += "0"
            await asyncio.sleep(3 * REST_SECONDS)
            assert {password for *_, password in databases.tried} == {right}
            assert databases.since(begun + 1) == []

    in_virtual_time(story())
