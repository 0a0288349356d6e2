"""The identity service: Keystone v3 as far as clients of the API use it."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from managed_databases.sandbox.answers import Answer, Refusal
from managed_databases.sandbox.changes import Settings
from managed_databases.sandbox.projects import Project, World
from managed_databases.sandbox.store import Row, Store

_TOKENS: Final = "tokens"


class Identity:
    """Gives tokens and knows whose they are."""

    def __init__(self, store: Store, world: World, settings: Settings) -> None:
        self._store = store
        self._world = world
        self._settings = settings
        self._projects = {project.id: project for project in world.projects}

    def project_of(self, token: str | None) -> Project:
        """Return the project that a token is for. Raises Refusal: 401 unknown or expired, 403 without a project."""
        row = self._valid(token)
        if row is None:
            raise _unauthorized()
        if row["project"] not in self._projects:
            raise Refusal(403, "The token is not scoped to a project.")
        return self._projects[row["project"]]

    def expire_all(self) -> None:
        for value in list(self._store.table(_TOKENS)):
            self._store.remove(_TOKENS, value)

    def answer(self, method: str, segments: list[str], headers: Mapping[str, str], body: object, root: str) -> Answer:
        """Answer a request below `/identity`; `root` is the sandbox's address. Raises Refusal."""
        match method, segments:
            case "GET" | "HEAD", []:
                return Answer(200, {"versions": {"values": [_version(root)]}})
            case "GET" | "HEAD", ["v3"]:
                return Answer(200, {"version": _version(root)})
            case "POST", ["v3", "auth", "tokens"]:
                value, row = self._issue(body)
                return Answer(201, self._shown(row, root), {"X-Subject-Token": value})
            case "GET" | "HEAD", ["v3", "auth", "tokens"]:
                subject = self._subject(headers)
                return Answer(200, self._shown(self._found(subject), root), {"X-Subject-Token": subject})
            case "DELETE", ["v3", "auth", "tokens"]:
                self._store.remove(_TOKENS, self._subject(headers))
                return Answer(204)
            case "GET", ["v3", "auth", "catalog"]:
                self._found(headers.get("x-auth-token", ""), missing=401)
                return Answer(200, {"catalog": self._catalog(root)})
        raise Refusal(404, "The requested URL was not found on the server.")

    def _issue(self, body: object) -> tuple[str, Row]:
        try:
            auth: Any = body["auth"]  # type: ignore[index]
            user = auth["identity"]["password"]["user"]
            name, password = user["name"], user["password"]
            domain = user["domain"].get("name", user["domain"].get("id"))
            scope: Any = auth.get("scope") or {}
        except (KeyError, TypeError, AttributeError) as error:
            raise Refusal(400, "Expecting to find the password method with user, domain and password.") from error
        project = next((one for one in self._world.projects if (one.username, one.domain) == (name, domain)), None)
        if project is None or not secrets.compare_digest(project.password.encode(), str(password).encode()):
            raise _unauthorized()
        row = {
            "user": name,
            "domain": domain,
            "project": self._scoped(scope, project),
            "issued": time.time(),
            "expires": time.time() + self._settings.token_seconds,
        }
        value = secrets.token_urlsafe(48)
        self._store.put(_TOKENS, value, row)
        self._forget_expired()
        return value, row

    def _scoped(self, scope: Any, project: Project) -> str | None:
        if not isinstance(scope, dict):
            raise Refusal(400, "The scope is not an object.")
        if isinstance(wanted := scope.get("project"), dict):
            if wanted.get("id") == project.id or ("id" not in wanted and wanted.get("name") == project.name):
                return project.id
            raise _unauthorized()
        if isinstance(wanted := scope.get("domain"), dict) and project.domain not in (
            wanted.get("name"),
            wanted.get("id"),
        ):
            raise _unauthorized()
        return None

    def _forget_expired(self) -> None:
        now = time.time()
        for value, row in list(self._store.table(_TOKENS).items()):
            if row["expires"] > now:
                break
            self._store.remove(_TOKENS, value)

    def _valid(self, token: str | None) -> Row | None:
        row = self._store.table(_TOKENS).get(token or "")
        return row if row is not None and row["expires"] > time.time() else None

    def _found(self, token: str, missing: int = 404) -> Row:
        if (row := self._valid(token)) is None:
            raise _unauthorized() if missing == 401 else Refusal(404, "Could not find token.")
        return row

    def _subject(self, headers: Mapping[str, str]) -> str:
        self._found(headers.get("x-auth-token", ""), missing=401)
        return headers.get("x-subject-token", "")

    def _shown(self, row: Row, root: str) -> Row:
        domain = {"id": row["domain"], "name": row["domain"]}
        token: Row = {
            "methods": ["password"],
            "user": {"id": row["user"], "name": row["user"], "domain": domain},
            "issued_at": _iso(row["issued"]),
            "expires_at": _iso(row["expires"]),
            "audit_ids": [],
            "roles": [{"id": "member", "name": "member"}],
            "catalog": self._catalog(root),
        }
        if project := self._projects.get(row["project"]):
            token["project"] = {"id": project.id, "name": project.name, "domain": domain}
        else:
            token["domain"] = domain
        return {"token": token}

    def _catalog(self, root: str) -> list[Row]:
        return [
            _service("identity", "keystone", dict.fromkeys(self._world.regions, f"{root}/identity/v3")),
            _service(
                "managed-database",
                "managed-database",
                {region: root + api_path(region, self._world) for region in self._world.regions},
            ),
        ]


def api_path(region: str, world: World) -> str:
    """Return where a region's API is served. The first region's is also at `/<region>/v1`."""
    return "/v1" if region == world.regions[0] else f"/{region}/v1"


def _service(type_: str, name: str, urls: dict[str, str]) -> Row:
    endpoints = [
        {"id": f"{name}-{region}", "interface": "public", "region": region, "region_id": region, "url": url}
        for region, url in urls.items()
    ]
    return {"id": name, "type": type_, "name": name, "endpoints": endpoints}


def _version(root: str) -> Row:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root}/identity/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _unauthorized() -> Refusal:
    return Refusal(401, "The request you have made requires authentication.")
