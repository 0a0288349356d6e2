"""Who may read the metrics, and how: with a certificate that may be replaced, and by what Kubernetes says of the token."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import Counter
from pydantic import ValidationError

from managed_databases.kube import metrics_server, reviews
from managed_databases.kube.certificate import Certificate
from managed_databases.kube.ending import CannotStart
from managed_databases.kube.metrics_server import MetricsServer
from managed_databases.kube.reviews import ACCESS_REVIEWS, TOKEN_REVIEWS, Reviews
from managed_databases.reconcile.ports import KubeUnreachable
from managed_databases.settings import Settings

TURNS = Counter("test_turns", "Turns of this test.")
CERTIFICATES = Path(__file__).parent / "certificates"
PROMETHEUS = {
    "username": "system:serviceaccount:monitoring:prometheus",
    "uid": "1",
    "groups": ["g"],
    "extra": {"e": ["x"]},
}


@dataclass
class Kubernetes:
    """Knows tokens, and who may get which path."""

    users: dict[str, dict[str, Any]] = field(default_factory=lambda: {"good": PROMETHEUS, "other": {"username": "eve"}})
    allowed: set[tuple[str, str]] = field(default_factory=lambda: {(PROMETHEUS["username"], "/metrics")})  # type: ignore[arg-type]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    is_away: bool = False
    at_once: int = 0
    max_at_once: int = 0

    async def request(self, method: str, path: str, *, body: Any = None) -> Any:
        self.at_once += 1
        self.max_at_once = max(self.max_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.is_away:
            raise KubeUnreachable("away")
        spec = body["spec"]
        self.asked.append((path, spec))
        if path == TOKEN_REVIEWS:
            user = self.users.get(spec["token"])
            return {"status": {"authenticated": True, "user": user} if user else {"error": "no such token"}}
        asked = (spec["user"], spec["nonResourceAttributes"]["path"])
        return {"status": {"allowed": asked in self.allowed, "reason": "RBAC"}}

    def reviewed(self, path: str) -> int:
        return sum(each == path for each, _ in self.asked)


@asynccontextmanager
async def served(
    certificate: Certificate | None = None, reviews: Reviews | None = None, **client: Any
) -> AsyncIterator[httpx.AsyncClient]:
    server = MetricsServer(port=0, certificate=certificate, reviews=reviews)
    running = asyncio.create_task(server.run())
    base = f"{'https' if certificate else 'http'}://127.0.0.1:{await server.bound}"
    async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False, **client) as http:
        yield http
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_they_are_in_the_pod_only_unless_somebody_says_otherwise() -> None:
    assert Settings.model_fields["metrics_host"].default == "127.0.0.1"


def test_no_token_goes_without_tls() -> None:
    with pytest.raises(ValidationError, match="without TLS anybody could read the tokens"):
        Settings(metrics_authentication=True)
    Settings(metrics_authentication=True, metrics_certificate=Path("tls.crt"), metrics_key=Path("tls.key"))


async def test_shows_metrics_and_nothing_else() -> None:
    TURNS.inc()
    async with served() as http:
        answer = await http.get("/metrics")
        assert "test_turns_total 1.0" in answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert (await http.get("/healthz")).status_code == 404


async def test_askers_without_end_do_not_have_it_made_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def choose(accept: str) -> tuple[Any, str]:
        def encode(_: object) -> bytes:
            made.append(accept)
            return b"text"

        return encode, f"for {accept}"

    monkeypatch.setattr(metrics_server, "choose_encoder", choose)
    monkeypatch.setattr(metrics_server, "MADE_ANEW_SECONDS", 3600)
    async with served() as http:
        for _ in range(5):
            assert (await http.get("/metrics", headers={"accept": "a"})).text == "text"
        await http.get("/metrics", headers={"accept": "b"})
    assert made == ["a", "b"]


# --- TLS ---


def trusting(name: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATES / f"{name}.crt")


def put(name: str, folder: Path) -> Certificate | None:
    shutil.copy(CERTIFICATES / f"{name}.crt", folder / "tls.crt")
    shutil.copy(CERTIFICATES / f"{name}.key", folder / "tls.key")
    return None


async def test_a_certificate_that_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("first", tmp_path)
    certificate = Certificate(tmp_path / "tls.crt", tmp_path / "tls.key")
    async with served(certificate, verify=trusting("first")) as http:
        assert (await http.get("/metrics")).status_code == 200
        with pytest.raises(httpx.TransportError):
            await http.get(str(http.base_url).replace("https", "http"))

        shutil.copy(CERTIFICATES / "second.crt", tmp_path / "tls.crt")
        assert (await http.get("/metrics")).status_code == 200, "its key is not there yet: the first still counts"
        assert "the one before still is" in capsys.readouterr().out
        put("second", tmp_path)
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await http.get("/metrics")
        async with httpx.AsyncClient(verify=trusting("second"), trust_env=False) as other:
            assert (await other.get(f"{http.base_url}/metrics")).status_code == 200

        (tmp_path / "tls.crt").unlink()
        async with httpx.AsyncClient(verify=trusting("second"), trust_env=False) as other:
            assert (await other.get(f"{http.base_url}/metrics")).status_code == 200


@pytest.mark.parametrize("content", ["", "no certificate", None])
def test_without_a_usable_certificate_it_does_not_start(tmp_path: Path, content: str | None) -> None:
    put("first", tmp_path)
    if content is None:
        (tmp_path / "tls.key").unlink()
    else:
        (tmp_path / "tls.crt").write_text(content)
    with pytest.raises(CannotStart, match=r"tls.crt and .*tls.key are not a certificate and its key"):
        Certificate(tmp_path / "tls.crt", tmp_path / "tls.key")


# --- whose token it is, and what they may ---


@pytest.mark.parametrize(
    ("why", "authorization", "status"),
    [
        ("Prometheus", "Bearer good", 200),
        ("the scheme's case does not count", "bearer good", 200),
        ("nobody", None, 401),
        ("not a token", "Basic Z29vZDpnb29k", 401),
        ("an empty one", "Bearer", 401),
        ("nobody's token", "Bearer bad", 401),
        ("somebody who may not", "Bearer other", 403),
    ],
)
async def test_only_who_may_get_the_path_reads_it(why: str, authorization: str | None, status: int) -> None:
    async with served(reviews=Reviews(Kubernetes())) as http:
        answer = await http.get("/metrics", headers={"authorization": authorization} if authorization else {})
    assert answer.status_code == status, why
    assert ("test_turns" in answer.text) == (status == 200)
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_kubernetes_is_asked_about_all_that_is_known_of_the_user() -> None:
    kubernetes = Kubernetes()
    assert await Reviews(kubernetes).verdict("Bearer good", "/metrics") is HTTPStatus.OK
    assert kubernetes.asked[0] == (TOKEN_REVIEWS, {"token": "good"})
    path, spec = kubernetes.asked[1]
    assert path == ACCESS_REVIEWS
    assert spec == {
        "user": PROMETHEUS["username"],
        "uid": "1",
        "groups": ["g"],
        "extra": {"e": ["x"]},
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


async def test_answers_are_kept_a_refusal_for_less_long() -> None:
    kubernetes, now = Kubernetes(), [0.0]
    asking = Reviews(kubernetes, now=lambda: now[0])
    for moment in (0.0, reviews.REFUSED_SECONDS, reviews.ALLOWED_SECONDS - 1):
        now[0] = moment
        await asking.verdict("Bearer good", "/metrics")
    assert kubernetes.reviewed(TOKEN_REVIEWS) == 1
    await asking.verdict("Bearer other", "/metrics")
    now[0] += reviews.REFUSED_SECONDS
    kubernetes.allowed.add(("eve", "/metrics"))
    assert await asking.verdict("Bearer other", "/metrics") is HTTPStatus.OK
    kubernetes.users.pop("good")
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.UNAUTHORIZED, "it was asked again"


async def test_an_answer_is_for_one_token_and_one_path() -> None:
    kubernetes = Kubernetes()
    asking = Reviews(kubernetes)
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.OK
    assert await asking.verdict("Bearer good", "/other") is HTTPStatus.FORBIDDEN
    assert await asking.verdict("Bearer good2", "/metrics") is HTTPStatus.UNAUTHORIZED


async def test_made_up_tokens_are_few_at_a_time_and_hold_nobody_up() -> None:
    kubernetes = Kubernetes()
    asking = Reviews(kubernetes)
    await asking.verdict("Bearer good", "/metrics")
    guesses = [asyncio.create_task(asking.verdict(f"Bearer {number}", "/metrics")) for number in range(1000)]
    await asyncio.sleep(0)
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.OK
    assert not all(each.done() for each in guesses)
    assert set(await asyncio.gather(*guesses)) == {HTTPStatus.UNAUTHORIZED}
    assert kubernetes.max_at_once <= 2 * reviews.AT_ONCE
    assert len(asking._readers.known) + len(asking._strangers.known) <= reviews.KEPT + 1


async def test_made_up_tokens_cost_a_reader_neither_its_answer_nor_its_turn() -> None:
    kubernetes, now = Kubernetes(), [0.0]
    asking = Reviews(kubernetes, now=lambda: now[0])
    await asking.verdict("Bearer good", "/metrics")
    for number in range(reviews.KEPT + 10):
        await asking.verdict(f"Bearer {number}", "/metrics")
    kubernetes.asked.clear()
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.OK
    assert kubernetes.asked == [], "its answer is kept"
    now[0] += reviews.ALLOWED_SECONDS
    guesses = [asyncio.create_task(asking.verdict(f"Bearer x{number}", "/metrics")) for number in range(100)]
    await asyncio.sleep(0)
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.OK
    assert sum(each.done() for each in guesses) < 10, "all of them would have been asked about first"
    kubernetes.users.pop("good")
    now[0] += reviews.ALLOWED_SECONDS
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.UNAUTHORIZED
    await asyncio.gather(*guesses)


async def test_when_nobody_can_tell_nobody_is_let_in() -> None:
    kubernetes = Kubernetes(is_away=True)
    asking = Reviews(kubernetes)
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.SERVICE_UNAVAILABLE
    kubernetes.is_away = False
    assert await asking.verdict("Bearer good", "/metrics") is HTTPStatus.OK, "that was not kept"
