"""A TCP proxy between the operator and the API server, which does to watches what networks do."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import yaml


class Proxy:
    """Forwards bytes. `cut` breaks all connections; `mute` swallows what the server sends on those open now, and with
    `for_all` also on later ones, until `speak`.
    """

    def __init__(self, target_url: str) -> None:
        target = urlsplit(target_url)
        assert target.hostname is not None
        assert target.port is not None
        self._target = (target.hostname, target.port)
        self._writers: list[asyncio.StreamWriter] = []
        self._mute: set[asyncio.StreamWriter] = set()
        self._all_mute = False
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()

    def kubeconfig(self, original: Path) -> Path:
        """Return a copy of that kubeconfig that leads here."""
        told = yaml.safe_load(original.read_text())
        for cluster in told["clusters"]:
            cluster["cluster"]["server"] = f"https://127.0.0.1:{self.port}"
        path = original.with_suffix(".proxied")
        path.write_text(yaml.safe_dump(told))
        path.chmod(0o600)
        return path

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def mute(self, *, for_all: bool = False) -> None:
        self._mute = set(self._writers)
        self._all_mute = for_all

    def speak(self) -> None:
        """What was swallowed is lost: a connection that was mute is of no use any more."""
        self._all_mute = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._all_mute:
            self._mute.add(writer)
        try:
            from_server, to_server = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, to_server]
        with suppress(OSError):
            await asyncio.gather(self._forward(reader, to_server), self._forward(from_server, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if writer in self._mute:
                    continue
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
