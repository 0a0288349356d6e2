"""A connection of httpcore as a stream of bytes: TCP over a transport of asyncio, and TLS over such a stream."""

import asyncio
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import httpcore

T = TypeVar("T")

PIECE_BYTES: Final = 64 * 2**10


class _Stream(httpcore.AsyncNetworkStream):
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore calls it)
    ) -> httpcore.AsyncNetworkStream:
        encrypted = False
        try:
            async with asyncio.timeout(timeout):
                stream = _TlsStream(self, ssl_context, server_hostname)
                await stream.handshake()
                encrypted = True
                return stream
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (ssl.SSLError, ValueError, httpcore.NetworkError) as error:
            raise httpcore.ConnectError(str(error)) from error
        finally:
            if not encrypted:
                await self.aclose()


class TcpStream(_Stream, asyncio.BufferedProtocol):
    """A TCP connection. What arrives while nobody reads is at most two pieces; the rest waits in the kernel and at the peer."""

    _transport: asyncio.Transport

    def __init__(self, room: memoryview) -> None:
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[bytes] = deque()
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None
        self._paused = self._ended = False
        self._failure: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)  # what is written is with the kernel
        self._has_news = news_of(self._transport.get_extra_info("socket"))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room  # the loop fills it and calls `buffer_updated` at once: one is enough for all connections

    def buffer_updated(self, nbytes: int) -> None:
        self._pieces.append(bytes(self._room[:nbytes]))
        if self._reading is None:
            self._paused = True
            self._transport.pause_reading()
        self._wake_reader()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake_reader()
        return True  # what is being written may still be

    def connection_lost(self, exc: Exception | None) -> None:
        self._failure = "the connection is closed" if exc is None else str(exc)
        self._wake_reader()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writing = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writing is not None and not self._writing.done():
            self._writing.set_result(None)
        self._writing = None

    def _wake_reader(self) -> None:
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)
        self._reading = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 (as httpcore calls it)
        if not self._pieces and not self._ended and self._failure is None:
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            self._reading = self._loop.create_future()
            try:
                await _within(timeout, self._reading)
            except TimeoutError as error:
                raise httpcore.ReadTimeout(str(error)) from error
            finally:
                self._reading = None
        if self._pieces:
            piece = self._pieces.popleft()
            if len(piece) > max_bytes:
                self._pieces.appendleft(piece[max_bytes:])
            return piece[:max_bytes]
        if self._failure is not None:
            raise httpcore.ReadError(self._failure)
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 (as httpcore calls it)
        if self._failure is None and not self._transport.is_closing():
            self._transport.write(buffer)
            if self._writing is not None:
                try:
                    await _within(timeout, self._writing)
                except TimeoutError as error:
                    raise httpcore.WriteTimeout(str(error)) from error
            if self._failure is None:
                return
        raise httpcore.WriteError(self._failure or "the connection is closed")

    async def aclose(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._failure = self._failure or "the connection is closed"
        self._transport.abort()  # what is not sent yet is not sent any more

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":
                gone = self._ended or self._failure is not None or self._transport.is_closing()
                return bool(self._pieces) or gone or self._has_news()
            case "client_addr":
                return self._transport.get_extra_info("sockname")
            case "server_addr":
                return self._transport.get_extra_info("peername")
            case "socket":
                return self._transport.get_extra_info("socket")
        return None


def news_of(connection: socket.socket) -> Callable[[], bool]:
    """Return what tells whether something has come, without reading it. Windows has no `poll`, and elsewhere `select` knows
    small numbers of files only.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return lambda: bool(poll.poll(0))
    return lambda: bool(select.select([connection], [], [], 0)[0])


class _TlsStream(_Stream):
    """TLS over another stream, which may be TLS itself. A connection that just ends is an end: HTTP tells what is missing."""

    def __init__(self, below: _Stream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._below = below
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=server_hostname)

    async def handshake(self) -> None:
        await self._through(self._tls.do_handshake)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 (as httpcore calls it)
        try:
            return await self._through(lambda: self._tls.read(max_bytes), timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 (as httpcore calls it)
        try:
            await self._through(lambda: self._tls.write(buffer), timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    async def _through(self, act: Callable[[], T], timeout: float | None = None) -> T:  # noqa: ASYNC109
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                await self._send(timeout)
                if data := await self._below.read(PIECE_BYTES, timeout):
                    self._arrived.write(data)
                else:
                    self._arrived.write_eof()
            else:
                await self._send(timeout)
                return done

    async def _send(self, timeout: float | None) -> None:  # noqa: ASYNC109
        if self._leaving.pending:
            await self._below.write(self._leaving.read(), timeout)

    async def aclose(self) -> None:
        await self._below.aclose()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._tls
        if info == "is_readable" and (self._arrived.pending or self._tls.pending()):
            return True
        return self._below.get_extra_info(info)


async def _within(seconds: float | None, awaited: asyncio.Future[None]) -> None:
    if seconds is None:
        await awaited
    else:
        async with asyncio.timeout(seconds):
            await awaited
