"""Application credentials of the identity service (Keystone v3): a secret that opens one project, without the user's password."""

import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from managed_databases.sandbox.answers import Answer, Refusal
from managed_databases.sandbox.digests import digest, is_of
from managed_databases.sandbox.projects import Project
from managed_databases.sandbox.store import Row, Store
from managed_databases.sandbox.validation import Schema, failures

METHOD: Final = "application_credential"

_TABLE: Final = "application_credentials"
_MALFORMED: Final = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect. The client is "
    "assumed to be in error."
)
_SCHEMA: Final[Schema] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": {"type": ["string", "null"]},
        "secret": {"type": ["string", "null"]},
        "expires_at": {"type": ["string", "null"]},
        "roles": {"type": "array", "items": {"type": "object"}},
        "unrestricted": {"type": ["boolean", "null"]},
    },
}


class ApplicationCredentials:
    """The application credentials of all users. `roles` are those that every token of a project has."""

    def __init__(self, store: Store, roles: list[Row]) -> None:
        self._store = store
        self._roles = roles

    def answer(
        self,
        method: str,
        account: Project,
        token: Row,
        user: Row,
        id_: str | None,
        query: Mapping[str, str],
        body: Any,
        url: str,
    ) -> Answer:
        """Answer a request about the application credentials of a user; `url` is their address. Raises Refusal.

        `token` is the request's own. An application credential manages others only if it is unrestricted.
        """  # fmt: skip
        if method in ("POST", "DELETE") and (token.get(METHOD) or {}).get("restricted"):
            why = (
                "Using method 'application_credential' is not allowed for managing additional application credentials."
            )
            raise forbidden(why)
        match method, id_:
            case "GET" | "HEAD", None:
                rows = [
                    self._shown(row, url) for row in self._of(user) if query.get("name", row["name"]) == row["name"]
                ]
                return Answer(200, {_TABLE: rows, "links": {"self": url, "next": None, "previous": None}})
            case "POST", None:
                return Answer(201, {METHOD: self._made(account, token, user, body, url)})
            case "GET" | "HEAD", str():
                return Answer(200, {METHOD: self._shown(self._found(user, id_), url)})
            case "DELETE", str():
                self._store.remove(_TABLE, self._found(user, id_)["id"])
                return Answer(204)
        raise Refusal(405, "The method is not allowed for the requested URL.")

    def opened_by(self, told: Any, users: Iterable[Row]) -> Row | None:
        """Return the application credential that these credentials are; None if they are wrong, or expired.

        `told` has the id or, with the user, the name; `users` are all users. Raises KeyError, TypeError or AttributeError if
        `told` does not say which one.
        """
        secret = str(told["secret"])
        if "id" in told:
            row = self._store.table(_TABLE).get(str(told["id"]))
        else:
            user = next((user for user in users if _is(user, told["user"])), None)
            row = next((row for row in self._of(user) if row["name"] == told["name"]), None) if user else None
        if row is None or self.is_over(row["id"]) or not is_of(secret, row["digest"]):
            return None
        return row

    def is_over(self, id_: str) -> bool:
        """Return whether an application credential is deleted or expired: its tokens end with it."""
        row = self._store.table(_TABLE).get(id_)
        return row is None or (row["expires"] is not None and row["expires"] <= time.time())

    def _made(self, account: Project, token: Row, user: Row, body: Any, url: str) -> Row:
        told = body.get(METHOD) if isinstance(body, dict) else None
        if wrong := failures(_SCHEMA, {} if told is None else told):
            where, message = next(iter(wrong.items()))
            raise Refusal(400, f"Invalid input for field '{where}': {message}" if where else message)
        assert isinstance(told, dict)
        if token["project"] is None:
            raise forbidden("identity:create_application_credential")
        if any(row["name"] == told["name"] for row in self._of(user)):
            # [assumed: the end of the message]
            why = f"Duplicate entry found with name {told['name']}."
            raise Refusal(409, f"Conflict occurred attempting to store application_credential - {why}")
        secret = told.get("secret") or secrets.token_urlsafe(64)
        row = {
            "id": uuid4().hex,
            "name": told["name"],
            "description": told.get("description"),
            "account": account.id,
            "user": user["id"],
            "roles": self._granted(told.get("roles")),
            "expires": _expiry(told.get("expires_at")),
            "unrestricted": bool(told.get("unrestricted")),
            "digest": digest(secret),
        }
        self._store.put(_TABLE, row["id"], row)
        return self._shown(row, url) | {"secret": secret}

    def _granted(self, told: list[Row] | None) -> list[Row]:
        """Return the roles that were asked for; without any all that the token has. Raises Refusal (400, 404)."""
        granted = []
        for asked in told or self._roles:
            found = [role for role in self._roles if asked.get("id", role["id"]) == role["id"]]
            if "id" not in asked:
                found = [role for role in found if asked.get("name") == role["name"]]
                if not found:
                    raise Refusal(404, f"Could not find role: {asked.get('name')}.")
            if not found:
                why = "Cannot create an application credential with unassigned role"
                raise Refusal(400, f"Invalid application credential: {why}")
            granted += found
        return granted

    def _of(self, user: Row) -> list[Row]:
        return [row for row in self._store.table(_TABLE).values() if row["user"] == user["id"]]

    def _found(self, user: Row, id_: str) -> Row:
        for row in self._of(user):
            if row["id"] == id_:
                return row
        raise Refusal(404, f"Could not find Application Credential: {id_}.")

    @staticmethod
    def _shown(row: Row, url: str) -> Row:
        expires = None
        if row["expires"] is not None:
            expires = datetime.fromtimestamp(row["expires"], UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        told = {name: row[name] for name in ("id", "name", "description", "roles", "unrestricted")}
        return told | {
            "project_id": row["account"],
            "expires_at": expires,
            "links": {"self": f"{url}/{row['id']}"},
        }


def forbidden(action: str) -> Refusal:
    return Refusal(403, f"You are not authorized to perform the requested action: {action}.")


def _is(user: Row, asked: Any) -> bool:
    """Return whether a user is the one that is named by id, or by name and domain."""
    if "id" in asked:
        return bool(user["id"] == asked["id"])
    domain = asked["domain"]
    return (user["name"], user["domain_id"]) == (asked["name"], domain.get("name", domain.get("id")))


def _expiry(told: str | None) -> float | None:
    """Return the end in seconds since 1970. Raises Refusal (400) for what is no time, or is over."""
    if told is None:
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as error:
        raise Refusal(400, f"Timestamp not in expected format. {_MALFORMED}") from error
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if seconds <= time.time():
        raise Refusal(400, f"The 'expires_at' must not be before now. {_MALFORMED}")
    return seconds
