"""Each engine, each way in which a login can go wrong: with real sockets and real TLS."""

import importlib
import os
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from types import ModuleType

import pytest
from pydantic import SecretStr

from managed_databases.probe import LIMIT_SECONDS, Login, Outcome, ProbeAnswer, attempt
from managed_databases.probe.scram import bound
from probe.fake_servers import CA, DATABASE, OTHER_CA, PASSWORD, USER, FakeServer, Habit, serving

ENGINES = ("postgresql", "mysql", "redis", "kafka")
WITH_DATABASES = ("postgresql", "mysql")
FEW_SECONDS = 1.0
ANY_CHARACTERS = ("caf\u00e9", "10 \u20ac", "\u043f\u0430\u0440\u043e\u043b\u044c", "a'b\"c\\d%e$f:g/h@i#j?k&l m")


def login(server: FakeServer, **other: object) -> Login:
    database = DATABASE if server.engine in WITH_DATABASES else None
    return replace(Login(server.engine, "127.0.0.1", server.port, USER, database, CA), **other)  # type: ignore[arg-type]


async def asked(server: FakeServer, password: str | None = PASSWORD, **other: object) -> ProbeAnswer:
    secret = None if password is None else SecretStr(password)
    is_to_hang = server.habit in (Habit.HANGS, Habit.HANGS_AFTER_TLS)
    seconds = FEW_SECONDS if is_to_hang else LIMIT_SECONDS
    answer = await attempt(login(server, **other), secret, seconds=seconds)
    assert PASSWORD not in repr(answer)
    return answer


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_login(engine: str) -> None:
    async with serving(engine) as server:
        assert (await asked(server)).outcome is Outcome.LOGGED_IN
        assert (await asked(server, ca_certificate=None)).outcome is Outcome.LOGGED_IN


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_wrong_password(engine: str) -> None:
    async with serving(engine) as server:
        answer = await asked(server, "wrong")
        assert answer.outcome is Outcome.REFUSED


@pytest.mark.parametrize("password", ANY_CHARACTERS)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_login_with_any_characters(engine: str, password: str) -> None:
    async with serving(engine) as server:
        server.password = password
        assert (await asked(server, password)).outcome is Outcome.LOGGED_IN


async def test_a_server_that_asks_for_endless_work() -> None:
    async with serving("kafka") as server:
        server.rounds = 5_000_000
        answer = await asked(server)
        assert answer.outcome is Outcome.REFUSED


@pytest.mark.parametrize("module", ["postgresql", "kafka"])
def test_a_driver_that_hashes_by_other_means_is_noticed(module: str) -> None:
    """The bound would hold nothing any more."""
    driver = importlib.import_module(f"managed_databases.probe.{module}")
    hashing = {"postgresql": "protocol", "kafka": "conn"}[module]
    costly = [getattr(driver, hashing).hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000) for _ in range(2)]
    assert costly[0] != costly[1], "nothing was computed"
    with pytest.raises(LookupError, match="by other means"):
        bound(ModuleType("driver"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("password", [PASSWORD, None])
async def test_a_certificate_by_another_ca(engine: str, password: str | None) -> None:
    async with serving(engine) as server:
        answer = await asked(server, password, ca_certificate=OTHER_CA)
        assert (answer.outcome, answer.detail) == (Outcome.WRONG_CA, "unable to get local issuer certificate")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("password", [PASSWORD, None])
async def test_a_certificate_for_another_name(engine: str, password: str | None) -> None:
    async with serving(engine, certificate="elsewhere") as server:
        assert (await asked(server, password)).outcome is Outcome.WRONG_NAME
        by_name = await attempt(login(server, host="localhost"), None if password is None else SecretStr(password))
        assert by_name.outcome is Outcome.WRONG_NAME
        assert (await asked(server, password, ca_certificate=None)).outcome is Outcome.LOGGED_IN
        assert (await asked(server, password, checks_name=False)).outcome is Outcome.LOGGED_IN
        other = await asked(server, password, checks_name=False, ca_certificate=OTHER_CA)
        assert other.outcome is Outcome.WRONG_CA


async def test_a_ca_that_is_none() -> None:
    async with serving("postgresql") as server:
        answer = await asked(server, ca_certificate="no certificate")
        assert (answer.outcome, answer.detail) == (Outcome.WRONG_CA, "the CA certificate cannot be read")
        assert server.connections == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("habit", "outcome"),
    [
        (Habit.HANGS, Outcome.UNREACHABLE),
        (Habit.HANGS_AFTER_TLS, Outcome.UNREACHABLE),
        (Habit.CLOSES, Outcome.NOT_THE_ENGINE),
        (Habit.CLOSES_AFTER_TLS, Outcome.NOT_THE_ENGINE),
        (Habit.TALKS_GARBAGE, Outcome.NOT_THE_ENGINE),
        (Habit.HAS_NO_TLS, Outcome.NOT_THE_ENGINE),
    ],
    ids=lambda each: each.name.lower(),
)
async def test_a_server_that_is_none(engine: str, habit: Habit, outcome: Outcome) -> None:
    async with serving(engine, habit) as server:
        answer = await asked(server)
        assert answer.outcome is outcome, answer
        assert USER.encode() not in server.heard, "a login has begun without TLS"
        assert PASSWORD.encode() not in server.heard


@pytest.mark.parametrize("engine", ENGINES)
async def test_garbage_within_tls(engine: str) -> None:
    async with serving(engine, Habit.TALKS_GARBAGE_AFTER_TLS) as server:
        answer = await asked(server)
        assert answer.outcome in (Outcome.NOT_THE_ENGINE, Outcome.UNREACHABLE), answer


@pytest.mark.parametrize("engine", ENGINES)
async def test_nobody_listens(engine: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        server = FakeServer(engine, port=taken.getsockname()[1])
        answer = await asked(server)
        assert (answer.outcome, answer.detail) == (Outcome.UNREACHABLE, "connection refused")


@pytest.mark.parametrize("engine", WITH_DATABASES)
async def test_a_user_who_may_not_enter_the_database(engine: str) -> None:
    async with serving(engine, Habit.KEEPS_OUT) as server:
        assert (await asked(server)).outcome is Outcome.NO_RIGHT
        assert (await asked(server, database=None)).outcome is Outcome.LOGGED_IN  # nobody has asked for that one


@pytest.mark.parametrize("engine", WITH_DATABASES)
async def test_a_database_that_is_not_there(engine: str) -> None:
    async with serving(engine) as server:
        assert (await asked(server, database="nowhere")).outcome is Outcome.NO_RIGHT


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "redis"])
async def test_a_server_that_is_full(engine: str) -> None:
    async with serving(engine, Habit.IS_FULL) as server:
        answer = await asked(server)
        assert answer.outcome is Outcome.UNREACHABLE
        assert "no more connections" in answer.detail


@pytest.mark.parametrize("engine", ENGINES)
async def test_without_a_user_only_tls_is_tried(engine: str) -> None:
    async with serving(engine) as server:
        assert (await asked(server, None, user=None)).outcome is Outcome.LOGGED_IN
    for habit in (Habit.HANGS, Habit.CLOSES, Habit.TALKS_GARBAGE, Habit.HAS_NO_TLS):
        async with serving(engine, habit) as server:
            answer = await asked(server, None, user=None)
            assert answer.outcome is (Outcome.UNREACHABLE if habit is Habit.HANGS else Outcome.NOT_THE_ENGINE), habit


@pytest.mark.parametrize(
    "host", ["/var/run/postgresql", "@socket", "", "a b", "host,other", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::"]
)
async def test_no_probe_goes_there(host: str) -> None:
    answer = await attempt(Login("postgresql", host, 5432, USER), SecretStr(PASSWORD))
    assert answer.outcome is Outcome.UNREACHABLE
    assert answer.detail in ("this is no host's name", "this is the address of no database")


async def test_a_name_that_nobody_knows() -> None:
    answer = await attempt(Login("postgresql", "nowhere.invalid", 5432, USER), SecretStr(PASSWORD))
    assert (answer.outcome, answer.detail) == (Outcome.UNREACHABLE, "the name cannot be resolved")


async def test_an_engine_that_nobody_knows() -> None:
    async with serving("redis") as server:
        answer = await attempt(Login("opensearch", "127.0.0.1", server.port, USER), SecretStr(PASSWORD))
        assert answer.outcome is Outcome.NOT_THE_ENGINE


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "kafka", "redis"])
def test_a_driver_takes_no_name_of_the_process_user(engine: str) -> None:
    """In a Pod the user has none: `getpass.getuser` raises OSError then, as of Python 3.13."""
    program = f"""
import getpass, os

def getuser():
    if "LOGNAME" not in os.environ:
        raise OSError("No username set in the environment")
    return os.environ["LOGNAME"]

getpass.getuser = getuser
import managed_databases.probe.{engine}
"""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME")
    }
    subprocess.run([sys.executable, "-c", program], env=env, check=True)


def test_a_process_without_probes_has_no_driver() -> None:
    """The drivers are loaded by the first probe of their engine, and not with the operator."""
    program = "import sys, managed_databases.kube.operator, managed_databases.probe; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "managed_databases.probe.attempt" in loaded
    assert {"asyncpg", "aiomysql", "pymysql", "aiokafka"}.isdisjoint(loaded)
