import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from pydantic import SecretStr

from api.identity_service import API, IDENTITY, PROJECT, Cloud, password_token
from managed_databases.api import ApiIdentity, Client, PasswordToken, StaticToken, connect_from_environment
from managed_databases.api.collections import USERS
from managed_databases.api.errors import ApiError, NeverSent, Unauthorized
from managed_databases.api.identity_service import TokenKeeper

OFFERED = (API, "https://ru-7.api.test/v1")
"""All addresses of the API in the catalogue of the tests' identity service."""


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
async def client(cloud: Cloud) -> AsyncIterator[Client]:
    client = Client(password_token(), region="ru-3", transport=cloud.transport())
    yield client
    await client.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_the_token_request_is_what_the_identity_service_expects(cloud: Cloud, client: Client) -> None:
    await client.send(USERS.list())
    (request,) = cloud.identity_requests
    assert (request.method, str(request.url)) == ("POST", f"{IDENTITY}/auth/tokens")
    user = {"name": "robot", "domain": {"name": "12345"}, "password": "robot-password"}
    scope = {"project": {"id": PROJECT}}
    identity = {"methods": ["password"], "password": {"user": user}}
    assert json.loads(request.content) == {"auth": {"identity": identity, "scope": scope}}
    (request,) = cloud.api_requests
    assert str(request.url) == f"{API}/users"
    assert request.headers["X-Auth-Token"] == "token-1"


async def test_identify_gets_a_token_once(cloud: Cloud, client: Client) -> None:
    assert await client.identify() == ApiIdentity(PROJECT, "ru-3", API, OFFERED)
    await client.identify()
    await client.send(USERS.list())
    assert cloud.issued == 1


async def test_identify_with_a_static_token(cloud: Cloud) -> None:
    client = Client(StaticToken(SecretStr(" given\n")), endpoint=API, transport=cloud.transport())
    assert await client.identify() == ApiIdentity(None, None, API)
    await client.send(USERS.list())
    assert cloud.api_requests[0].headers["X-Auth-Token"] == "given"
    await client.close()


@pytest.mark.parametrize("region", ["ru-9", None])
async def test_an_unknown_region_lists_those_there_are(cloud: Cloud, region: str | None) -> None:
    client = Client(password_token(), region=region, transport=cloud.transport())
    with pytest.raises(NeverSent, match=r"the regions there are: ru-3, ru-7$"):
        await client.send(USERS.list())
    assert not cloud.api_requests
    await client.close()


@pytest.mark.parametrize(
    "endpoint", ["", "api.test/v1", "ftp://api.test", "https://", "https://u:p4ss@api.test", "https://a/v1?x=1", "h\n"]
)
async def test_a_wrong_endpoint_is_said_without_quoting_it(cloud: Cloud, endpoint: str) -> None:
    client = Client(StaticToken(SecretStr("t")), endpoint=endpoint, transport=cloud.transport())
    with pytest.raises(NeverSent, match=r"not sent: the API's address (must|cannot)") as caught:
        await client.send(USERS.list())
    assert "p4ss" not in str(caught.value)
    await client.close()


async def test_a_static_token_needs_an_endpoint(cloud: Cloud) -> None:
    client = Client(StaticToken(SecretStr("t")), region="ru-3", transport=cloud.transport())
    with pytest.raises(NeverSent, match="the endpoint must be given"):
        await client.identify()
    await client.close()


@pytest.mark.parametrize("token", ["", "  \n", "two words", "schlüssel", "a\r\nX-Other: 1"])
async def test_a_static_token_that_is_none(cloud: Cloud, token: str) -> None:
    client = Client(StaticToken(SecretStr(token)), endpoint=API, transport=cloud.transport())
    with pytest.raises(Unauthorized):
        await client.send(USERS.list())
    assert not cloud.api_requests
    await client.close()


# --- renewal ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "life", "age", "issued"),
    [
        ("long: good until 5 minutes before", 86_400, 86_099, 1),
        ("long: renewed 5 minutes before", 86_400, 86_100, 2),
        ("short: good until 10 % are left", 100, 89, 1),
        ("short: renewed when 10 % are left", 100, 90, 2),
    ],
)
async def test_a_token_is_renewed_before_it_ends(cloud: Cloud, why: str, life: float, age: float, issued: int) -> None:
    clock = Clock()
    cloud.life_seconds = life
    async with httpx.AsyncClient(transport=cloud.transport()) as http:
        keeper = TokenKeeper(password_token(), http, limit_seconds=60, clock=clock)
        await keeper.current("x")
        clock.now += age
        await keeper.current("x")
    assert cloud.issued == issued, why


async def test_without_a_date_the_life_is_unknown_and_only_a_401_renews(cloud: Cloud) -> None:
    def no_date(request: httpx.Request) -> httpx.Response:
        answer = cloud.issue(request)
        del answer.headers["Date"]
        return answer

    cloud.identity = no_date
    clock = Clock()
    async with httpx.AsyncClient(transport=cloud.transport()) as http:
        keeper = TokenKeeper(password_token(), http, limit_seconds=60, clock=clock)
        held = await keeper.current("x")
        clock.now += 10**9
        assert await keeper.current("x") is held
        assert await keeper.renewed(held, "x") is not held


async def test_while_an_early_renewal_fails_the_old_token_serves_until_it_ends(cloud: Cloud) -> None:
    clock = Clock()
    async with httpx.AsyncClient(transport=cloud.transport()) as http:
        keeper = TokenKeeper(password_token(), http, limit_seconds=60, clock=clock)
        first = await keeper.current("x")
        cloud.identity = lambda _: httpx.Response(503)
        clock.now += 86_200
        assert await keeper.current("x") is first
        asked = len(cloud.identity_requests)
        assert await keeper.current("x") is first
        assert len(cloud.identity_requests) == asked, "not asked again at once"
        clock.now += 31
        assert await keeper.current("x") is first
        assert len(cloud.identity_requests) == asked + 1
        clock.now += 1_000
        with pytest.raises(NeverSent):
            await keeper.current("x")


async def test_a_401_renews_the_token_once_for_fifty_calls(cloud: Cloud, client: Client) -> None:
    await client.identify()
    cloud.accept_only("token-2")
    replies = await asyncio.gather(*(client.send(USERS.list()) for _ in range(50)))
    assert [reply.value for reply in replies] == [()] * 50
    assert cloud.issued == 2


async def test_a_401_after_the_renewal_is_final(cloud: Cloud, client: Client) -> None:
    cloud.accept_only()
    with pytest.raises(Unauthorized):
        await client.send(USERS.list())
    assert cloud.issued == 2
    assert len(cloud.api_requests) == 2


async def test_a_static_token_is_never_renewed(cloud: Cloud) -> None:
    cloud.accept_only()
    client = Client(StaticToken(SecretStr("old")), endpoint=API, transport=cloud.transport())
    with pytest.raises(Unauthorized):
        await client.send(USERS.list())
    assert len(cloud.api_requests) == 1
    await client.close()


async def test_fifty_calls_try_a_wrong_password_once(cloud: Cloud, client: Client) -> None:
    cloud.identity = lambda _: httpx.Response(401, json={"error": {"message": "wrong robot-password"}})
    outcomes = await asyncio.gather(*(client.send(USERS.list()) for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unauthorized}
    assert len(cloud.identity_requests) == 1
    assert "robot-password" not in str(outcomes[0])
    cloud.identity = cloud.issue
    assert (await client.send(USERS.list())).value == (), "the failure is not remembered for later calls"


def refuse(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def hang(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("late")


TOKEN = {"X-Subject-Token": "t"}


@pytest.mark.parametrize(
    ("why", "answer"),
    [
        ("down", refuse),
        ("late", hang),
        ("broken", lambda _: httpx.Response(500)),
        ("wrong address", lambda _: httpx.Response(404, text="no")),
        ("forbidden", lambda _: httpx.Response(403)),
        ("no token", lambda _: httpx.Response(201, json={"token": {"expires_at": "2030-01-01T00:00:00Z"}})),
        ("no body", lambda _: httpx.Response(201, headers=TOKEN)),
        ("garbage", lambda _: httpx.Response(201, headers=TOKEN, content=b"\xff")),
        ("a list", lambda _: httpx.Response(201, headers=TOKEN, json=[])),
        ("deep", lambda _: httpx.Response(201, headers=TOKEN, content=b"[" * 10_000)),
        ("no end", lambda _: httpx.Response(201, headers=TOKEN, json={"token": {}})),
        ("huge", lambda _: httpx.Response(201, headers=TOKEN, content=b" " * (8 * 2**20 + 1))),
        ("a page", lambda _: httpx.Response(200, text="<html>", headers={"Content-Type": "text/html"})),
    ],
)
async def test_without_a_token_nothing_is_sent(
    cloud: Cloud, client: Client, why: str, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    cloud.identity = answer
    with pytest.raises(NeverSent) as caught:
        await client.send(USERS.delete("u"))
    assert not cloud.api_requests, why
    assert caught.value.__context__ is None, "it would hold the request and its password"


async def test_a_token_that_has_ended_is_none(cloud: Cloud, client: Client) -> None:
    cloud.life_seconds = -1
    with pytest.raises(NeverSent, match="already ended"):
        await client.send(USERS.list())


async def test_an_identity_address_that_is_none(cloud: Cloud) -> None:
    source = PasswordToken("identity", "u", SecretStr("p"), "d", "p")
    client = Client(source, region="ru-3", transport=cloud.transport())
    with pytest.raises(NeverSent, match="identity service's address must begin with"):
        await client.identify()
    await client.close()


def test_secrets_do_not_show() -> None:
    shown = repr([password_token(), StaticToken(SecretStr("hidden")), Client(StaticToken(SecretStr("hidden")))])
    assert "hidden" not in shown
    assert "robot-password" not in shown


# --- the environment -------------------------------------------------------------------------------------------------

ENVIRONMENT = {
    "OS_AUTH_URL": IDENTITY,
    "OS_USERNAME": "robot",
    "OS_PASSWORD": "robot-password",
    "OS_DOMAIN_NAME": "12345",
    "INFRA_PROJECT_ID": PROJECT,
    "INFRA_REGION": "ru-7",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*ENVIRONMENT, "OS_USER_DOMAIN_NAME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


async def test_connect_from_environment(environment: pytest.MonkeyPatch, cloud: Cloud) -> None:
    for name, value in ENVIRONMENT.items():
        environment.setenv(name, value)
    client = await connect_from_environment(transport=cloud.transport())
    assert await client.identify() == ApiIdentity(PROJECT, "ru-7", "https://ru-7.api.test/v1", OFFERED)
    assert cloud.issued == 1
    await client.close()


async def test_the_missing_variables_are_all_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OS_USERNAME", "robot")
    environment.setenv("OS_PASSWORD", "")
    environment.setenv("OS_USER_DOMAIN_NAME", "12345")
    with pytest.raises(ValueError, match=r": OS_AUTH_URL, OS_PASSWORD, INFRA_PROJECT_ID, INFRA_REGION$"):
        await connect_from_environment()


async def test_connecting_fails_at_once(environment: pytest.MonkeyPatch, cloud: Cloud) -> None:
    for name, value in {**ENVIRONMENT, "INFRA_REGION": "ru-9"}.items():
        environment.setenv(name, value)
    with pytest.raises(ApiError, match="ru-3, ru-7"):
        await connect_from_environment(transport=cloud.transport())
