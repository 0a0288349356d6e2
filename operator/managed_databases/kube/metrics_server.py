"""Serves /metrics to Prometheus, on a port of its own, because the metrics contain names of namespaces."""

import time
from http import HTTPStatus
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from managed_databases.kube.asked import AskedServer, PlainAnswer, Question
from managed_databases.kube.certificate import Certificate
from managed_databases.kube.reviews import Reviews

PATH: Final = "/metrics"
MADE_ANEW_SECONDS: Final = 1.0
"""The text is made at most once in this time, and repeated meanwhile: making it blocks the event loop, longer with more
resources."""


class MetricsServer:
    """Serves /metrics until cancelled. `port` 0 takes any free port; `bound` tells which one.

    With `certificate` the server speaks TLS; with `reviews` it answers only those whom Kubernetes allows to `get` the path.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8443,
        certificate: Certificate | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        self._reviews = reviews
        self._made: dict[str, tuple[float, PlainAnswer]] = {}
        tls = certificate.context if certificate else None
        self._server = AskedServer(host, port, self._answer, setting="MANAGED_DATABASES_METRICS_PORT", tls=tls)
        self.bound = self._server.bound

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError if the port is taken."""
        await self._server.run()

    async def _answer(self, question: Question) -> PlainAnswer:
        if self._reviews is not None:
            verdict = await self._reviews.verdict(question.headers.get("authorization", ""), question.path)
            if verdict is not HTTPStatus.OK:
                asks = (("WWW-Authenticate", "Bearer"),) if verdict is HTTPStatus.UNAUTHORIZED else ()
                return PlainAnswer.text(verdict, verdict.phrase, *asks)
        if question.path != PATH:
            return PlainAnswer.text(HTTPStatus.NOT_FOUND, f"here is only {PATH}")
        encode, content_type = choose_encoder(question.headers.get("accept", ""))
        made_at, answer = self._made.get(content_type, (-MADE_ANEW_SECONDS, None))
        now = time.monotonic()
        if answer is None or now - made_at >= MADE_ANEW_SECONDS:
            answer = PlainAnswer(HTTPStatus.OK, encode(REGISTRY), content_type)
            self._made[content_type] = (now, answer)
        return answer
