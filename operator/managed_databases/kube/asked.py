"""A small HTTP server for untrusted clients: it answers GET, once for each connection, and everything has a limit.

Whoever reaches a port may open connections and send nothing, send slowly, or not read the answer. So the number of connections,
their life and the size of a request are limited. A new connection closes the oldest one if there are too many, first one without
a request yet, so that nobody keeps the others out by waiting.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from managed_databases.busy_ports import busy_port_told

CONNECTIONS: Final = 32
"""The most open connections of one server. The kubelet needs one, Prometheus one or two."""
LIFE_SECONDS: Final = 10.0
"""The life of a connection in seconds, from its beginning to the last byte of the answer."""
QUESTION_SECONDS: Final = 5.0
"""The most seconds until the request has arrived: TLS and the head of the request."""
HEAD_BYTES: Final = 16 * 1024
"""The most bytes of a request's head. A token of Kubernetes takes one or two kilobytes."""
ACCEPT_AGAIN_SECONDS: Final = 0.5

TEXT: Final = "text/plain; charset=utf-8"

log = structlog.get_logger()


@dataclass(frozen=True)
class Question:
    """One request: the path without its query; headers by names in lower case."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class PlainAnswer:
    status: HTTPStatus
    body: bytes = b""
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def text(cls, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> "PlainAnswer":
        return cls(status, f"{text}\n".encode(), headers=headers)

    def on_the_wire(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", f"Content-Type: {self.content_type}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


class AskedServer:
    """Serves until cancelled. `port` 0 takes any free port; `bound` tells which one; `setting` names the environment
    variable for it.

    `answer` is called for each request; if it raises an error, the answer is 500. With `tls` each connection gets the TLS context
    that `tls` returns at that moment.
    """

    def __init__(
        self,
        host: str,
        port: int,
        answer: Callable[[Question], Awaitable[PlainAnswer]],
        *,
        setting: str,
        tls: Callable[[], ssl.SSLContext] | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        self._host = host
        self._port = port
        self._answer = answer
        self._setting = setting
        self._tls = tls
        self._most = connections
        self._waiting: dict[asyncio.Task[None], None] = {}
        """The connections without a request yet, the oldest first."""
        self._asked: dict[asyncio.Task[None], None] = {}
        """The connections that are being answered, the oldest first."""
        self.bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Raises OSError when the port cannot be had, and PortInUse of these."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with busy_port_told(self._port, f"another one for {self._setting}, or 0 for a free one"):
            listening = socket.create_server((self._host, self._port), family=family)
        with listening:
            listening.setblocking(False)
            self.bound.set_result(listening.getsockname()[1])
            try:
                while True:
                    self._take_in(await self._accept(listening))
                    await asyncio.sleep(0)  # who connects without end must not keep the loop to himself
            finally:
                await asyncio.sleep(0)  # one that has not begun would not close its connection
                left = [*self._waiting, *self._asked]
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> socket.socket:
        """Accept connections. Without a free file descriptor or memory none can be accepted; wait until there is some again."""
        loop = asyncio.get_running_loop()
        is_told = False
        while True:
            try:
                return (await loop.sock_accept(listening))[0]
            except OSError as error:
                if not is_told:
                    port = listening.getsockname()[1]
                    log.warning("a connection could not be accepted, trying again", port=port, error=str(error))
                is_told = True
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)

    def _take_in(self, connection: socket.socket) -> None:
        if len(self._waiting) + len(self._asked) >= self._most:
            among = self._waiting or self._asked
            oldest = next(iter(among))
            del among[oldest]
            oldest.cancel()
        task = asyncio.create_task(self._serve(connection), name="a question")
        self._waiting[task] = None
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._waiting.pop(task, None)
        self._asked.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("a connection failed", exc_info=error)

    async def _serve(self, connection: socket.socket) -> None:
        """Serve one connection. An error of the client ends this connection, and nothing else."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(LIFE_SECONDS):
                async with asyncio.timeout(QUESTION_SECONDS):
                    reader, writer = await self._open(connection)
                    question = await _read(reader)
                answer = question if isinstance(question, PlainAnswer) else await self._answered(question)
                writer.write(answer.on_the_wire())
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, EOFError):
            pass
        finally:
            if writer is not None:  # else asyncio has closed the connection
                writer.transport.abort()

    async def _open(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=HEAD_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        context = self._tls() if self._tls else None
        limit = QUESTION_SECONDS if context else None
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=context, ssl_handshake_timeout=limit, ssl_shutdown_timeout=limit
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _answered(self, question: Question) -> PlainAnswer:
        task = asyncio.current_task()
        assert task is not None
        if task in self._waiting:
            del self._waiting[task]
            self._asked[task] = None
        try:
            return await self._answer(question)
        except (OSError, TimeoutError):
            raise
        except Exception:
            log.exception("a question could not be answered", path=question.path)
            return PlainAnswer.text(HTTPStatus.INTERNAL_SERVER_ERROR, "this failed; the log says why")


async def _read(reader: asyncio.StreamReader) -> Question | PlainAnswer:
    """Return the request, or the status of the refusal. Only the head is read. Raises EOFError if the head is cut off."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return PlainAnswer.text(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request is too large")
    first, *lines = head.decode("latin-1").split("\r\n")
    match first.split(" "):
        case ["GET", target, "HTTP/1.1" | "HTTP/1.0"]:
            named = (line.partition(":") for line in lines if line)
            return Question(target.partition("?")[0], {name.strip().lower(): value.strip() for name, _, value in named})
        case [_, _, "HTTP/1.1" | "HTTP/1.0"]:
            return PlainAnswer.text(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered here")
        case _:
            return PlainAnswer.text(HTTPStatus.BAD_REQUEST, "this is not HTTP/1.1")
