"""A sandbox with real servers, as a process of its own, and one account with it."""

import asyncio
import re
import shutil
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from managed_databases.sandbox.servers.site import folder_of
from sandbox.account import account_of, outcome
from sandbox_process import SandboxProcess

PATIENCE_SECONDS = 120
NASTY_ASCII = "".join(chr(code) for code in range(32, 127)) + " $${x} '';-- \\' %(a)s"
"""A password with every special character of a keyboard, and what has a meaning in SQL, in shells, in templates."""
NASTY = f"{NASTY_ASCII} ü€𝄞"
"""The same, with characters that are two, three and four bytes. PyMySQL, of which aiomysql is made, takes none of them."""


class RealSandbox:
    def __init__(self, folder: Path, *arguments: str, delay_seconds: float = 0.05) -> None:
        self._state = folder / "sandbox.json"
        self.process = SandboxProcess("--engines", *arguments, state=self._state, delay_seconds=delay_seconds)

    async def __aenter__(self) -> Self:
        await self.process.start()
        self._http = httpx.AsyncClient(base_url=self.process.url, timeout=PATIENCE_SECONDS, trust_env=False)
        self.account = await account_of(self._http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()
        await self.process.kill()
        await asyncio.sleep(0.3)  # the servers end by themselves
        shutil.rmtree(folder_of(self._state), ignore_errors=True)

    @property
    def state(self) -> str:
        return self._state.read_text()

    async def certificate(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=await self.certificate_text())

    async def certificate_text(self) -> str:
        answer = await self._http.get("/sandbox/ca.crt")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def make(self, collection: str, body: dict[str, Any], becomes: str = "ACTIVE") -> dict[str, Any]:
        """Create an object; its body is told without the envelope, except for datastores."""
        answer = await self.asked("POST", f"/{collection}", collection, body)
        assert outcome(answer) == 201, answer.text
        ((_, made),) = answer.json().items()
        return await self.settled(collection, made["id"], becomes)

    async def change(self, path: str, body: dict[str, Any], becomes: str = "ACTIVE") -> dict[str, Any]:
        collection, id_ = path.strip("/").split("/")[:2]
        method = "POST" if path.endswith("/resize") else "PUT"
        answer = await self.account.call(method, path, body)
        assert answer.is_success, answer.text
        return await self.settled(collection, id_, becomes)

    async def delete(self, collection: str, id_: str) -> None:
        answer = await self.account.call("DELETE", f"/{collection}/{id_}")
        assert answer.is_success, answer.text
        async with asyncio.timeout(PATIENCE_SECONDS):
            while answer.status_code != 404:
                answer = await self.account.call("GET", f"/{collection}/{id_}")
                await asyncio.sleep(0.05)

    async def settled(self, collection: str, id_: str, becomes: str) -> dict[str, Any]:
        row: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while row.get("status", "PENDING").startswith(("PENDING", "RESIZING")):
                row = await self.account.get(f"/{collection}/{id_}")
                await asyncio.sleep(0.05)
        assert row["status"] == becomes, (row, await self.engines())
        return dict(row)

    async def asked(self, method: str, path: str, collection: str, body: dict[str, Any]) -> httpx.Response:
        envelope = re.sub("s$", "", collection)
        return await self.account.call(method, path, body if envelope in body else {envelope: body})

    async def engines(self) -> list[dict[str, Any]]:
        return list((await self._http.get("/sandbox/engines")).json()["engines"])


async def until_gone(pid: int) -> None:
    """Return when the process has ended, and whoever started it knows."""
    async with asyncio.timeout(30):
        runs = True
        while runs:
            runs = await asyncio.to_thread(Path(f"/proc/{pid}").exists)
            await asyncio.sleep(0.05)
