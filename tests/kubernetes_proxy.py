"""Between the operator and the API server: records requests, and stops one at an exact point, for a test to act there.

The operator speaks HTTP to it without TLS; it speaks HTTPS to the API server. Everything else passes untouched.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import yaml

When = Literal["before", "after", "late"]

LATE_SECONDS = 1.5
_MAX_HEAD_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024


@dataclass
class Stop:
    """The first request that fits is stopped: before it is sent on, or after the API server has answered it.

    `late`: it is sent on LATE_SECONDS after it stood still, also when whoever sent it is gone by then, and `is_over` is
    set. `path` and `body` are regular expressions, searched. `reached` is set when the request stands still; it does so
    for ever, its connection has to be closed by whoever sent it.
    """

    method: str
    path: str
    body: str = ""
    when: When = "before"
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    is_taken: bool = False
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, head: str, body: bytes) -> bool:
        method, path = head.split(" ", 2)[:2]
        return (
            not self.is_taken
            and method == self.method
            and re.search(self.path, path) is not None
            and re.search(self.body, body.decode(errors="replace")) is not None
        )


class KubernetesProxy:
    """`async with KubernetesProxy(kubeconfig) as proxy`, then give the operator `proxy.kubeconfig`.

    `requests` are those that may change something: method, path with query, body. A request is stopped by the first of
    `stops` that it fits.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._direct = yaml.safe_load(kubeconfig.read_text())
        server = urlsplit(self._direct["clusters"][0]["cluster"]["server"])
        assert server.hostname is not None
        assert server.port is not None
        self._upstream = (server.hostname, server.port)
        self._tls = ssl.create_default_context(cafile=self._direct["clusters"][0]["cluster"]["certificate-authority"])
        self.kubeconfig = kubeconfig.with_suffix(".proxied.kubeconfig")
        self.requests: list[tuple[str, str, str]] = []
        self.stops: list[Stop] = []
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD_BYTES)
        port = self._server.sockets[0].getsockname()[1]
        self._direct["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        self.kubeconfig.write_text(yaml.safe_dump(self._direct))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for relay in tuple(self._relays):
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def stop_at(self, method: str, path: str, body: str = "", when: When = "before") -> Stop:
        """Stop the next such request, and no other."""
        self.stops = [Stop(method, path, body, when)]
        return self.stops[0]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.current_task()
        assert relay is not None
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream, ssl=self._tls)
            answers = asyncio.create_task(self._pass_answers(upstream_reader, writer))
            try:
                await self._pass_requests(reader, upstream_writer, answers, upstream_reader)
            finally:
                answers.cancel()
                upstream_writer.close()
                writer.close()

    async def _pass_requests(
        self,
        reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        answers: asyncio.Task[None],
        answered: asyncio.StreamReader,
    ) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            self._record(head.decode("latin-1"), body)
            stop = next((stop for stop in self.stops if stop.fits(head.decode("latin-1"), body)), None)
            if stop is None:
                upstream.write(head + body)
                await upstream.drain()
                continue
            stop.is_taken = True
            if stop.when == "late":
                stop.reached.set()
                await asyncio.sleep(LATE_SECONDS)
            if stop.when != "before":
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                upstream.write(head + body)
                await upstream.drain()
                await answered.readuntil(b"\r\n\r\n")
            stop.is_over.set()
            stop.reached.set()
            await reader.read()  # until the other side is gone

    def _record(self, head: str, body: bytes) -> None:
        method, path = head.split(" ", 2)[:2]
        if method != "GET":
            self.requests.append((method, path, body.decode(errors="replace")))

    @staticmethod
    async def _pass_answers(upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await upstream.read(_CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        writer.close()
