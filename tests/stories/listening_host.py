"""A host that only listens, and records what an attacker there would get."""

import asyncio
from types import TracebackType
from typing import Final, Self

_ANSWERS_AFTER_SECONDS: Final = 0.3
"""A body may come in a packet of its own."""


class ListeningHost:
    """`async with ListeningHost() as host`. Answers everything with `answer`, a whole HTTP response."""

    def __init__(
        self, answer: str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ) -> None:
        self._answer = answer
        self.heard: list[str] = []
        """Whole requests, as text."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = b""
        try:
            async with asyncio.timeout(_ANSWERS_AFTER_SECONDS):
                while part := await reader.read(65536):
                    heard += part
        except TimeoutError:
            pass
        self.heard.append(heard.decode(errors="replace"))
        writer.write(self._answer.encode())
        writer.close()


def redirect(to: str) -> str:
    """An answer that sends whoever follows it elsewhere, with all that was asked."""
    return f"HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
