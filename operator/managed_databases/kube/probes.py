"""What the kubelet and Prometheus ask: /healthz, /readyz and /metrics, on one port."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

GRACE_SECONDS: Final = 2

Check = Callable[[], str | None]
"""Returns None when all is well, else a sentence that says what is not."""


class Probes:
    """Serves the probes until cancelled. `port` 0 takes any free one; `bound` tells which.

    /healthz answers by `live`, /readyz by `ready`: 200 and `ok`, or 503 and the sentence.
    """

    def __init__(self, *, live: Check, ready: Check, host: str = "0.0.0.0", port: int = 8080) -> None:
        self._host = host
        self._port = port
        self.bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._app = Starlette(
            routes=[
                Route("/healthz", _probe(live)),
                Route("/readyz", _probe(ready)),
                Route("/metrics", _metrics),
            ]
        )

    async def run(self) -> None:
        """Raises OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.create_server((self._host, self._port), family=family) as listening:
            server = _Server(
                uvicorn.Config(
                    self._app,
                    log_config=None,
                    access_log=False,
                    lifespan="off",
                    timeout_graceful_shutdown=GRACE_SECONDS,
                )
            )
            self.bound.set_result(listening.getsockname()[1])
            serving = asyncio.ensure_future(server.serve([listening]))
            try:
                await asyncio.shield(serving)
            finally:
                server.should_exit = True
                await serving


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program."""
        yield


def _probe(check: Check) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        trouble = check()
        return PlainTextResponse(f"{trouble or 'ok'}\n", status_code=503 if trouble else 200)

    return answer


async def _metrics(request: Request) -> Response:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(REGISTRY), headers={"content-type": content_type})
