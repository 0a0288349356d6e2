"""The sandbox as a process of its own, for tests: started, asked, broken, killed, started again."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from managed_databases.sandbox.catalogue import type_id
from managed_databases.sandbox.projects import DEFAULT_REGION, DEFAULT_WORLD

_START_LIMIT_SECONDS = 180

USED_TYPES = [
    type_id(*type_)
    for type_ in (("postgresql", "15"), ("postgresql", "16"), ("mysql", "8"), ("redis", "7"), ("kafka", "3.6"))
]
"""The list of the parameters of all types takes seconds to read, where many tests run at once."""


class SandboxAdmin:
    """The `/sandbox` API. `_asked` returns a client whose base is that path."""

    def _asked(self) -> httpx.AsyncClient:
        raise NotImplementedError

    async def requests(
        self, method: str | None = None, path: str | None = None, project: str | None = None
    ) -> list[dict[str, Any]]:
        """What was asked of API and identity service so far; `path` is a regular expression, searched."""
        told = {"method": method, "path": path, "project": project}
        answer = await self._ask("GET", "requests", query={name: one for name, one in told.items() if one is not None})
        return list(answer["requests"])

    async def clear_requests(self) -> None:
        await self._ask("DELETE", "requests")

    async def complete(self, *, id: str | None = None, collection: str | None = None, fail: bool = False) -> int:
        """End changes under way; return how many."""
        answer = await self._ask("POST", "complete", {"id": id, "collection": collection, "fail": fail})
        return int(answer["completed"])

    async def objects(self, collection: str) -> list[dict[str, Any]]:
        """All objects of a collection, of every project and region."""
        return list((await self._ask("GET", "objects", query={"collection": collection}))["objects"])

    async def login(self, datastore_id: str, username: str, password: str) -> bool:
        """Whether the datastore would let them in. Redis: an empty user name."""
        told = {"datastore_id": datastore_id, "username": username, "password": password}
        return bool((await self._ask("POST", "login", told))["ok"])

    async def fault(self, **told: Any) -> str:
        """Ask for a fault (see `managed_databases.sandbox.faults.Fault`); return its id."""
        return str((await self._ask("POST", "faults", told))["id"])

    async def faults(self) -> list[dict[str, Any]]:
        return list((await self._ask("GET", "faults"))["faults"])

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "faults")

    async def edit(self, collection: str, id: str, **fields: Any) -> dict[str, Any]:
        """Change an object behind everyone's back; a `password` is changed as well."""
        answer = await self._ask("POST", "edit", {"collection": collection, "id": id, "fields": fields})
        return dict(answer["object"])

    async def create(
        self, collection: str, body: dict[str, Any], project: str | None = None, region: str | None = None
    ) -> dict[str, Any]:
        """Make an object behind everyone's back, ACTIVE at once. A datastore's fields are all optional."""
        told = {"collection": collection, "body": body, "project": project, "region": region}
        return dict((await self._ask("POST", "create", told))["object"])

    async def vanish(self, collection: str, id: str) -> None:
        """Remove an object, and what hangs on it, behind everyone's back."""
        await self._ask("POST", "vanish", {"collection": collection, "id": id})

    async def settings(self, **told: Any) -> dict[str, Any]:
        """Change delay (seconds), manual, realistic, token_seconds, quota (a dict; ram in MB, disk in GB)."""
        return dict(await self._ask("POST", "settings", told))

    async def _ask(
        self, method: str, name: str, body: object = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        answer = await self._asked().request(method, f"/{name}", json=body, params=query)
        assert answer.is_success, f"{method} /sandbox/{name}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}


class SandboxProcess(SandboxAdmin):
    """`python -m managed_databases.sandbox` on a free port, and its `/sandbox` API.

    `arguments` are further command line options. With `state` the objects survive `kill()` and `start()`.
    """

    def __init__(
        self, *arguments: str, state: Path | None = None, delay_seconds: float = 0.05, few_parameters: bool = True
    ) -> None:
        self._arguments: Sequence[str] = (
            *arguments,
            "--busy-children",  # the harder of the two, for the operator
            "--delay",
            str(delay_seconds),
            *(("--state", str(state)) if state else ()),
        )
        self._port = 0
        self._few_parameters = few_parameters
        self._process: asyncio.subprocess.Process | None = None
        self._http: httpx.AsyncClient | None = None

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def identity_url(self) -> str:
        return f"{self.url}/identity/v3"

    @property
    def endpoint(self) -> str:
        """The API of the default region."""
        return f"{self.url}/v1"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start, the second time on the same port. Raises RuntimeError when it does not come up."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "managed_databases.sandbox",
            "--port",
            str(self._port),
            *self._arguments,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_START_LIMIT_SECONDS):
                line = (await self._process.stdout.readline()).decode()
        except TimeoutError:
            line = "nothing"
        if not line.startswith("listening on "):
            await self.kill()
            raise RuntimeError(f"the sandbox did not start, it said: {line}")
        self._port = int(line.rsplit(":", 1)[1])
        self._http = httpx.AsyncClient(base_url=f"{self.url}/sandbox", timeout=60, trust_env=False)
        if self._few_parameters:
            await self.settings(parameters_of=USED_TYPES)

    async def end(self) -> None:
        """End it in order, as people do (SIGTERM); returns when it is gone."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None
        if self._process is not None:
            if self._process.returncode is None:
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    def credentials(self, project: int = 0) -> dict[str, str]:
        """Return the variables for a Kubernetes Secret, of the first or another of the default projects."""
        told = DEFAULT_WORLD.projects[project]
        return {
            "OS_AUTH_URL": self.identity_url,
            "OS_USERNAME": told.username,
            "OS_PASSWORD": told.password,
            "OS_DOMAIN_NAME": told.domain,
            "OS_USER_DOMAIN_NAME": told.domain,
            "INFRA_PROJECT_ID": told.id,
            "INFRA_REGION": DEFAULT_REGION,
        }

    def _asked(self) -> httpx.AsyncClient:
        assert self._http is not None, "the sandbox is not running"
        return self._http
