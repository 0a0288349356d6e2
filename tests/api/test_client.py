import asyncio
import base64
import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from api.identity_service import API, Cloud, password_token
from managed_databases.api import ApiError, Call, CallRecord, Client, StaticToken
from managed_databases.api.collections import DATASTORES, USERS, configure
from managed_databases.api.errors import Busy, Invalid, NeverSent, OutcomeUnknown, RateLimited, TooLarge
from managed_databases.api.models import ConfigChange, NewUser

PASSWORD = "p\"a's\\s/w örd+1"
TOKEN = "gAAAAA-the-token"
NEW_USER = NewUser(name="app", datastore_id="d", password=SecretStr(PASSWORD))
USER = {"user": {"id": "u", "name": "app", "datastore_id": "d"}}

Handler = Callable[[httpx.Request], httpx.Response]


def client_of(handler: Handler, **more: Any) -> Client:
    return Client(StaticToken(SecretStr(TOKEN)), endpoint=API, transport=httpx.MockTransport(handler), **more)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def test_a_secret_is_revealed_on_the_wire_and_nowhere_else() -> None:
    received: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        received.append(request.content)
        return httpx.Response(200, json=USER)

    client = client_of(handler)
    call = USERS.create(NEW_USER)
    await client.send(call)
    assert json.loads(received[0])["user"]["password"] == PASSWORD
    assert "örd" not in repr(call)
    await client.close()


@pytest.mark.parametrize("secret", [PASSWORD, TOKEN])
@pytest.mark.parametrize("status", [400, 401, 409, 429, 503])
@pytest.mark.parametrize(
    "spell", [str, repr, json.dumps, quote, lambda s: base64.b64encode(s.encode()).decode()], ids=range(5)
)
async def test_an_echoed_secret_is_masked(secret: str, status: int, spell: Callable[[str], str]) -> None:
    message = f"Validation failure: {{'user.password': {spell(secret)} is wrong}}"
    client = client_of(lambda _: httpx.Response(status, json={"error": {"code": status, "message": message}}))
    with pytest.raises(ApiError) as caught:
        await client.send(USERS.create(NEW_USER))
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "***" in said
    assert spell(secret) not in said
    assert secret not in said
    await client.close()


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError("refused"), NeverSent),
        (httpx.ConnectTimeout("late"), NeverSent),
        (httpx.PoolTimeout("full"), NeverSent),
        (httpx.ProxyError("no"), NeverSent),
        (httpx.ReadTimeout("late"), OutcomeUnknown),
        (httpx.WriteError("reset"), OutcomeUnknown),
        (httpx.RemoteProtocolError(f"garbage {TOKEN}"), OutcomeUnknown),
        (httpx.DecodingError("gzip"), OutcomeUnknown),
        (OSError("reset"), OutcomeUnknown),
        (RuntimeError("closed"), OutcomeUnknown),
    ],
)
async def test_a_broken_connection(raised: Exception, expected: type[ApiError]) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise raised

    client = client_of(handler)
    with pytest.raises(ApiError) as caught:
        await client.send(USERS.create(NEW_USER))
    assert type(caught.value) is expected
    assert list(causes(caught.value)) == [caught.value], "the httpx error holds the request, its token and body"
    assert TOKEN not in str(caught.value)
    await client.close()


def test_every_error_of_httpx_is_an_expected_one() -> None:
    """httpx gained an error that is neither a RequestError nor one of these: decide what it means for a call."""
    known = (httpx.RequestError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, httpx.HTTPStatusError)
    errors = [e for e in vars(httpx).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert {e for e in errors if not issubclass(e, known)} == {httpx.HTTPError}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_success_and_may_be_empty(status: int) -> None:
    client = client_of(lambda _: httpx.Response(status, headers={"X-Openstack-Request-Id": "req-1"}))
    reply = await client.send(USERS.create(NEW_USER))
    assert (reply.value, reply.status, reply.request_id) == (None, status, "req-1")
    await client.close()


@pytest.mark.parametrize("call", [USERS.get("u"), USERS.list(), USERS.create(NEW_USER)], ids=lambda c: str(c.operation))
async def test_an_unreadable_success_is_of_unknown_outcome(call: Call[Any]) -> None:
    client = client_of(lambda _: httpx.Response(200, text=f"<html>{TOKEN}"))
    with pytest.raises(OutcomeUnknown, match="the answer is not JSON") as caught:
        await client.send(call)
    assert "html" not in str(caught.value)
    assert caught.value.status == 200
    assert list(causes(caught.value)) == [caught.value]
    await client.close()


async def test_a_delete_does_not_read_its_answer() -> None:
    client = client_of(lambda _: httpx.Response(200, text="<html>deleted"))
    assert (await client.send(USERS.delete("u"))).value is None
    await client.close()


@pytest.mark.parametrize(("call", "expected"), [(USERS.list(), TooLarge), (USERS.create(NEW_USER), OutcomeUnknown)])
async def test_an_announced_giant_is_not_read(call: Call[Any], expected: type[ApiError]) -> None:
    client = client_of(lambda _: httpx.Response(200, headers={"Content-Length": str(2**40)}))
    with pytest.raises(ApiError) as caught:
        await client.send(call)
    assert type(caught.value) is expected
    await client.close()


async def test_a_rate_limit_says_when_to_come_back() -> None:
    client = client_of(lambda _: httpx.Response(429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited) as caught:
        await client.send(USERS.list())
    assert caught.value.retry_after_seconds == 7
    await client.close()


async def test_a_redirect_is_not_followed() -> None:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(307, headers={"Location": "https://elsewhere.test/"})

    client = client_of(handler)
    with pytest.raises(OutcomeUnknown):
        await client.send(USERS.list())
    assert len(requests) == 1, "the token would go along"
    await client.close()


@pytest.mark.parametrize("id_", ["", "..", ".", "a/b/", "a?b", "a b", "ü", "a\n", "%2e", "a#b"])
async def test_an_id_that_is_none_never_becomes_another_call(id_: str) -> None:
    client = client_of(lambda _: pytest.fail("nothing must be sent"))
    with pytest.raises(Invalid, match="not sent"):
        await client.send(DATASTORES.delete(id_))
    await client.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
async def test_what_json_cannot_say_is_not_sent(value: object) -> None:
    client = client_of(lambda _: pytest.fail("a NaN that becomes null would reset the parameter"))
    with pytest.raises(Invalid, match="JSON cannot say") as caught:
        await client.send(configure("d", ConfigChange(config={"x": value})))
    assert list(causes(caught.value)) == [caught.value]
    await client.close()


# --- before each send, and after each call ---------------------------------------------------------------------------


class NotLeader(Exception):
    """What a caller's `before_send` may raise."""


@pytest.mark.parametrize("raised", [NotLeader(), TimeoutError(), httpx.ConnectError("mine"), OSError()])
async def test_what_before_send_raises_comes_out_and_nothing_is_sent(raised: Exception) -> None:
    async def before_send(_: Call[Any]) -> None:
        raise raised

    client = client_of(lambda _: pytest.fail("nothing must be sent"), before_send=before_send)
    with pytest.raises(type(raised)) as caught:
        await client.send(USERS.create(NEW_USER))
    assert caught.value is raised
    await client.close()


async def test_before_send_is_asked_again_after_the_renewal() -> None:
    cloud = Cloud()
    cloud.accept_only("token-2")
    asked: list[str] = []

    async def before_send(call: Call[Any]) -> None:
        asked.append(call.operation)
        if len(asked) == 2:
            raise NotLeader

    client = Client(password_token(), region="ru-3", transport=cloud.transport(), before_send=before_send)
    with pytest.raises(NotLeader):
        await client.send(USERS.list())
    assert asked == ["users.list", "users.list"]
    assert len(cloud.api_requests) == 1
    await client.close()


async def test_before_send_is_asked_when_the_turn_has_come() -> None:
    order: list[str] = []
    release = asyncio.Event()

    async def before_send(call: Call[Any]) -> None:
        order.append(call.path)

    async def handler(_: httpx.Request) -> httpx.Response:
        await release.wait()
        return httpx.Response(200, json=USER)

    transport = httpx.MockTransport(handler)
    tokens = StaticToken(SecretStr(TOKEN))
    client = Client(tokens, endpoint=API, transport=transport, before_send=before_send, max_connections=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(client.send(USERS.get("first")))
        group.create_task(client.send(USERS.get("second")))
        for _ in range(20):
            await asyncio.sleep(0)
        assert order == ["/users/first"], "the second waits for a connection: its check would be stale"
        release.set()
    assert order == ["/users/first", "/users/second"]
    await client.close()


async def test_the_observer_hears_of_each_call_once() -> None:
    records: list[CallRecord] = []
    answers = iter([httpx.Response(200, json=USER, headers={"X-Request-Id": "r1"}), httpx.Response(409)])
    client = client_of(lambda _: next(answers), observer=records.append)
    await client.send(USERS.get("u"))
    with pytest.raises(Busy):
        await client.send(USERS.get("u"))
    assert [(r.operation, r.method, r.outcome, r.status, r.request_id) for r in records] == [
        ("users.get", "GET", "ok", 200, "r1"),
        ("users.get", "GET", "Busy", 409, None),
    ]
    await client.close()


async def test_a_broken_observer_does_not_lose_the_outcome(caplog: pytest.LogCaptureFixture) -> None:
    def observer(_: CallRecord) -> None:
        raise ZeroDivisionError

    client = client_of(lambda _: httpx.Response(200, json=USER), observer=observer)
    assert (await client.send(USERS.create(NEW_USER))).value is not None
    assert "the observer of calls failed" in caplog.text
    await client.close()


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_a_call_that_waits_too_long_for_its_turn_was_never_sent() -> None:
    async def handler(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    transport = httpx.MockTransport(handler)
    tokens = StaticToken(SecretStr(TOKEN))
    client = Client(tokens, endpoint=API, transport=transport, max_connections=1, call_limit_seconds=0.2)
    outcomes = await asyncio.gather(*(client.send(USERS.create(NEW_USER)) for _ in range(2)), return_exceptions=True)
    assert type(outcomes[0]) is OutcomeUnknown
    assert type(outcomes[1]) in (NeverSent, OutcomeUnknown)
    await client.close()


async def test_a_before_send_that_never_ends_is_a_call_never_sent() -> None:
    async def before_send(_: Call[Any]) -> None:
        await asyncio.Event().wait()

    client = client_of(lambda _: pytest.fail("sent"), before_send=before_send, call_limit_seconds=0.05)
    with pytest.raises(NeverSent, match="no answer within"):
        await client.send(USERS.create(NEW_USER))
    await client.close()


async def test_cancellation_passes_through() -> None:
    started = asyncio.Event()

    async def handler(_: httpx.Request) -> httpx.Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    client = Client(StaticToken(SecretStr(TOKEN)), endpoint=API, transport=httpx.MockTransport(handler))
    task = asyncio.create_task(client.send(USERS.list()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.close()


async def test_a_closed_client_sends_nothing() -> None:
    client = client_of(lambda _: httpx.Response(409))
    with pytest.raises(Busy):
        await client.send(USERS.list())
    await client.close()
    await client.close()
    with pytest.raises(NeverSent, match="closed"):
        await client.send(USERS.list())
