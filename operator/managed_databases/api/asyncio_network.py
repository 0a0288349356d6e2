"""The connections of httpx, directly over asyncio: by itself, httpcore goes through anyio, which costs time in each call."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from itertools import chain, zip_longest
from typing import Final
from weakref import WeakSet

import httpcore
import httpx

from managed_databases.api import asyncio_waits
from managed_databases.api.asyncio_streams import PIECE_BYTES, TcpStream

_NEXT_ADDRESS_SECONDS: Final = 0.25
_NO_WAY: Final = (OSError, ValueError, OverflowError)
"""What asyncio raises where it cannot connect; for a name or a port that cannot be, too."""

if httpcore._synchronization.anyio is None:  # type: ignore[attr-defined] # left out by `lean_imports`
    httpcore._synchronization.anyio = asyncio_waits


def go_over_asyncio(client: httpx.AsyncClient) -> "AsyncioNetwork":
    """Let a client that has sent nothing yet make its connections so, those of its proxies too; return what makes them.

    httpx has no public way to say so. If these names change, the tests of the network fail.
    """
    network = AsyncioNetwork()
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.AsyncHTTPTransport):
            transport._pool._network_backend = network
    return network


class AsyncioNetwork(httpcore.AsyncNetworkBackend):
    """Makes the TCP connections of one event loop."""

    def __init__(self) -> None:
        self._room = memoryview(bytearray(PIECE_BYTES))
        self._made = WeakSet[TcpStream]()
        self._closed = False

    def close(self) -> None:
        """End all connections, and make no more: httpx forgets one that is still being made when its client is closed."""
        self._closed = True
        for stream in list(self._made):
            stream.abort()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore calls it)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        assert (local_address, socket_options) == (None, None), "the client asks for neither"
        try:
            async with asyncio.timeout(timeout):
                addresses = await _addresses(host, port)
                stream = await (
                    self._to(addresses[0], port) if len(addresses) == 1 else self._to_first(addresses, port)
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except _NO_WAY as error:
            raise httpcore.ConnectError(str(error)) from error
        if self._closed:
            stream.abort()
            raise httpcore.ConnectError("the client is closed")
        self._made.add(stream)
        return stream

    async def _to(self, address: str, port: int) -> TcpStream:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: TcpStream(self._room), address, port))[1]

    async def _to_first(self, addresses: list[str], port: int) -> TcpStream:
        """Connect to the first address that answers; each next one is asked when the one before has failed, or says nothing.

        asyncio does so too, but loses a connection that is made while its caller is cancelled.
        """
        made: list[TcpStream] = []
        failures: list[str] = []
        attempts: list[asyncio.Task[None]] = []

        async def attempt(address: str, ended: asyncio.Event) -> None:
            try:
                made.append(await self._to(address, port))
            except _NO_WAY as error:
                failures.append(str(error))
            else:
                for other in attempts:
                    if other is not asyncio.current_task():
                        other.cancel()
            finally:
                ended.set()

        chosen: TcpStream | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for address in addresses:
                    ended = asyncio.Event()
                    attempts.append(group.create_task(attempt(address, ended)))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_NEXT_ADDRESS_SECONDS):
                            await ended.wait()
                    if made:
                        break
            chosen = made[0] if made else None
        finally:
            for stream in made:
                if stream is not chosen:
                    stream.abort()
        if chosen is None:
            raise OSError("; ".join(failures))
        return chosen


async def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, those of its two families in turn."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = [str(address[0]) for family, *_, address in found if family == found[0][0]]
    others = [str(address[0]) for family, *_, address in found if family != found[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, others)) if address is not None]
