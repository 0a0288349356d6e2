"""The identity service: the part of Keystone v3 that clients of the API use."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_DNS, uuid5

from managed_databases.sandbox.answers import Answer, Refusal
from managed_databases.sandbox.application_credentials import METHOD, ApplicationCredentials, forbidden
from managed_databases.sandbox.projects import Project, World
from managed_databases.sandbox.settings import Settings
from managed_databases.sandbox.store import Row, Store

_TOKENS: Final = "tokens"
_NOT_BY_CREDENTIAL: Final = "Error authenticating with application credential"
_ROLES: Final[list[Row]] = [{"id": "member", "name": "member"}]


class IdentityService:
    """Issues tokens, and knows the user and project of each."""

    def __init__(self, store: Store, world: World, settings: Settings) -> None:
        self._store = store
        self._world = world
        self._settings = settings
        self._projects = {project.id: project for project in world.projects}
        self._credentials = ApplicationCredentials(store, _ROLES)

    def project_of(self, token: str | None) -> Project:
        """Return the project of a token. Raises Refusal: 401 for an unknown or expired token, 403 for one without a project."""
        row = self._valid(token)
        if row is None:
            raise _unauthorized()
        if row["project"] not in self._projects:
            raise Refusal(403, "The token is not scoped to a project.")
        return self._projects[row["project"]]

    def expire_all(self) -> None:
        for value in list(self._store.table(_TOKENS)):
            self._store.remove(_TOKENS, value)

    def answer(
        self,
        method: str,
        segments: list[str],
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: object,
        root: str,
    ) -> Answer:
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
            case _, ["v3", "users", user_id, "application_credentials"]:
                return self._answer_credentials(method, user_id, None, query, headers, body, root)
            case _, ["v3", "users", user_id, "application_credentials", id_]:
                return self._answer_credentials(method, user_id, id_, query, headers, body, root)
            case "GET" | "HEAD", ["v3", *path]:
                row = self._found(headers.get("x-auth-token", ""), missing=401)
                return Answer(200, self._known(self._projects[row["account"]], path, query, root))
        raise _no_such_url()

    def _answer_credentials(
        self,
        method: str,
        user_id: str,
        id_: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: object,
        root: str,
    ) -> Answer:
        token = self._found(headers.get("x-auth-token", ""), missing=401)
        account = self._projects[token["account"]]
        if user_id != _user(account)["id"]:
            raise forbidden("identity:application_credential")
        url = f"{root}/identity/v3/users/{user_id}/application_credentials"
        return self._credentials.answer(method, account, token, _user(account), id_, query, body, url)

    def _known(self, account: Project, path: list[str], query: Mapping[str, str], root: str) -> Row:
        """Answer what a user may read about itself, and about the services. Raises Refusal (404)."""
        domain, project, user = _domain(account), _project(account), _user(account)
        services = self._catalog(root)
        tables: dict[str, list[Row]] = {
            "domains": [domain],
            "projects": [project],
            "users": [user],
            "regions": [{"id": name, "description": "", "parent_region_id": None} for name in self._world.regions],
            "services": [{name: service[name] for name in ("id", "type", "name")} for service in services],
            "endpoints": [
                {**endpoint, "service_id": service["id"], "enabled": True}
                for service in services
                for endpoint in service["endpoints"]
            ],
        }
        match path:
            case ["auth", "catalog"]:
                return {"catalog": services, "links": {}}
            case ["auth", "projects" | "domains" as name] | [name] if name in tables:
                fields = query.keys() & {"id", "name", "type", "interface", "region_id", "service_id"}
                rows = [row for row in tables[name] if all(row.get(field) == query[field] for field in fields)]
                return {name: rows, "links": {"next": None, "previous": None}}
            case ["users", id_, "projects"] if id_ == user["id"]:
                return {"projects": [project], "links": {"next": None, "previous": None}}
            case [name, id_] if name in tables:
                for row in tables[name]:
                    if row["id"] == id_:
                        return {name.removesuffix("s"): row}
                raise Refusal(404, f"Could not find {name.removesuffix('s')}: {id_}.")
        raise _no_such_url()

    def _issue(self, body: object) -> tuple[str, Row]:
        try:
            auth: Any = body["auth"]  # type: ignore[index]
            methods, told = list(auth["identity"]["methods"]), auth["identity"]
            credential: Row | None = None
            if METHOD in methods:
                account, credential = self._owner_of_credential(told[METHOD])
                if "scope" in auth:
                    raise Refusal(401, f"{_NOT_BY_CREDENTIAL}: Application credentials cannot request a scope.")
                auth = {"scope": {"project": {"id": account.id}}}
            elif "token" in methods:
                account, credential = self._owner_of_token(told["token"]["id"])
            elif "password" in methods:
                account = self._owner_of_password(told["password"]["user"])
            else:
                raise Refusal(400, f"Expecting to find the method password or token, found {methods!r}.")
            scope = auth.get("scope") or {}
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise Refusal(400, "Expecting to find a method with what it needs: user, domain and password.") from error
        row = {
            "account": account.id,
            "methods": methods,
            "issued": time.time(),
            "expires": time.time() + self._settings.token_seconds,
            METHOD: credential,
            **self._scoped(scope, account),
        }
        value = secrets.token_urlsafe(48)
        self._store.put(_TOKENS, value, row)
        self._forget_expired()
        return value, row

    def _owner_of_token(self, token: object) -> tuple[Project, Row | None]:
        """Return the owner of a token, and the application credential that it came by. Raises Refusal (401)."""
        row = self._valid(token if isinstance(token, str) else None)
        if row is None:
            raise _unauthorized()
        return self._projects[row["account"]], row.get(METHOD)

    def _owner_of_credential(self, told: Any) -> tuple[Project, Row]:
        """Return whose application credential this is, and what its tokens tell of it. Raises Refusal (401) if it is wrong."""
        found = self._credentials.opened_by(told, map(_user, self._projects.values()))
        if found is None or found["account"] not in self._projects:
            raise _unauthorized()
        shown = {"id": found["id"], "name": found["name"], "restricted": not found["unrestricted"]}
        return self._projects[found["account"]], shown

    def _owner_of_password(self, told: Any) -> Project:
        """Return the project whose user these credentials are. Raises Refusal (401) if they are wrong; KeyError or AttributeError
        if they name no user.
        """
        password = str(told["password"])
        if "id" in told:
            found = [one for one in self._world.projects if _user(one)["id"] == told["id"]]
        else:
            name, domain = told["name"], told["domain"].get("name", told["domain"].get("id"))
            found = [one for one in self._world.projects if (one.username, one.domain) == (name, domain)]
        if not found or not secrets.compare_digest(found[0].password.encode(), password.encode()):
            raise _unauthorized()
        return found[0]

    def _scoped(self, scope: Any, account: Project) -> Row:
        """Return the scope of a new token: the account's project, its domain, or nothing. Raises Refusal (400, 401)."""
        if scope == "unscoped" or scope == {"unscoped": {}} or not scope:
            return {"project": None, "domain": False}
        if not isinstance(scope, dict):
            raise Refusal(400, "The scope is not an object.")
        wanted = scope.get("project")
        if isinstance(wanted, dict) and (
            wanted.get("id") == account.id or ("id" not in wanted and wanted.get("name") == account.name)
        ):
            return {"project": account.id, "domain": False}
        wanted = scope.get("domain")
        if isinstance(wanted, dict) and account.domain in (wanted.get("name"), wanted.get("id")):
            return {"project": None, "domain": True}
        raise _unauthorized()

    def _forget_expired(self) -> None:
        now = time.time()
        for value, row in list(self._store.table(_TOKENS).items()):
            if row["expires"] > now:
                break
            self._store.remove(_TOKENS, value)

    def _valid(self, token: str | None) -> Row | None:
        row = self._store.table(_TOKENS).get(token or "")
        if row is None or row["expires"] <= time.time() or row.get("account") not in self._projects:
            return None
        credential = row.get(METHOD)
        return None if credential is not None and self._credentials.is_over(credential["id"]) else row

    def _found(self, token: str, missing: int = 404) -> Row:
        if (row := self._valid(token)) is None:
            raise _unauthorized() if missing == 401 else Refusal(404, "Could not find token.")
        return row

    def _subject(self, headers: Mapping[str, str]) -> str:
        self._found(headers.get("x-auth-token", ""), missing=401)
        return headers.get("x-subject-token", "")

    def _shown(self, row: Row, root: str) -> Row:
        account = self._projects[row["account"]]
        token: Row = {
            "methods": row["methods"],
            "user": _user(account) | {"password_expires_at": None},
            "issued_at": _iso(row["issued"]),
            "expires_at": _iso(row["expires"]),
            "audit_ids": [],
        }
        if row.get(METHOD) is not None:
            token[METHOD] = row[METHOD]
        if row["project"] is not None or row["domain"]:
            token |= {"roles": _ROLES, "catalog": self._catalog(root)}
        if row["project"] is not None:
            token |= {"project": _project(account), "is_domain": False}
        elif row["domain"]:
            token["domain"] = _domain(account)
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
    """Return the path of a region's API. The API of the first region is at `/v1`, and also at `/<region>/v1`."""
    return "/v1" if region == world.regions[0] else f"/{region}/v1"


def _domain(account: Project) -> Row:
    return {"id": account.domain, "name": account.domain, "enabled": True}


def _project(account: Project) -> Row:
    domain = _domain(account)
    return {"id": account.id, "name": account.name, "domain_id": domain["id"], "domain": domain, "enabled": True}


def _user(account: Project) -> Row:
    domain = _domain(account)
    id_ = uuid5(NAMESPACE_DNS, f"{account.username}.{account.domain}").hex
    return {"id": id_, "name": account.username, "domain_id": domain["id"], "domain": domain, "enabled": True}


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


def _no_such_url() -> Refusal:
    return Refusal(404, "The requested URL was not found on the server.")


def _unauthorized() -> Refusal:
    return Refusal(401, "The request you have made requires authentication.")
