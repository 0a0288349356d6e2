"""An account with the sandbox, for tests, and good requests to begin with."""

from typing import Any

import httpx

from managed_databases.sandbox.catalogue import type_id
from managed_databases.sandbox.projects import DEFAULT_WORLD

NOWHERE = "20d7bcf4-f8d6-4bf6-b8f6-46cb440a87f4"
"""An id that nothing has."""

SIZE = {"vcpus": 2, "ram": 4096, "disk": 32, "disk_type": "local"}


def new_datastore(engine: str = "postgresql", version: str = "16", **told: Any) -> dict[str, Any]:
    """Return a good request for a datastore of one node. A field told as None is left out."""
    body = {
        "name": "main",
        "type_id": type_id(engine, version),
        "subnet_id": NOWHERE,
        "node_count": 1,
        "flavor": SIZE,
        **told,
    }
    return {"datastore": {name: value for name, value in body.items() if value is not None}}


def login(project: int = 0, /, **scope: Any) -> dict[str, Any]:
    told = DEFAULT_WORLD.projects[project]
    user = {"name": told.username, "domain": {"name": told.domain}, "password": told.password}
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": scope or {"project": {"id": told.id}},
        }
    }


def outcome(answer: httpx.Response) -> int:
    """Return the status of the answer to a creation, with 201 also for a 200."""
    return 201 if answer.status_code == 200 else answer.status_code


class Account:
    """A project's user: calls the API with a token, and the sandbox's own API without."""

    def __init__(self, http: httpx.AsyncClient, token: str, root: str = "/v1") -> None:
        self.http = http
        self.token = token
        self.root = root

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"X-Auth-Token": self.token}
        return await self.http.request(method, self.root + path, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        """Return what stands in the envelope."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        (value,) = answer.json().values()
        return value

    async def admin(self, name: str, **body: Any) -> Any:
        answer = await self.http.post(f"/sandbox/{name}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def make(self, collection: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create and wait until it is ACTIVE."""
        answer = await self.call("POST", f"/{collection}", body)
        assert outcome(answer) == 201, answer.text
        ((envelope, made),) = answer.json().items()
        await self.admin("complete", id=made["id"])
        ready: dict[str, Any] = await self.get(f"/{collection}/{made['id']}")
        assert ready.get("status", "ACTIVE") == "ACTIVE", envelope
        return ready


async def account_of(http: httpx.AsyncClient, project: int = 0, root: str = "/v1") -> Account:
    answer = await http.post("/identity/v3/auth/tokens", json=login(project))
    assert answer.status_code == 201, answer.text
    return Account(http, answer.headers["X-Subject-Token"], root)
