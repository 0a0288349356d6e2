"""The admin API below `/sandbox`, which only a sandbox has. It needs no authentication; docs/sandbox.md lists its calls."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from uuid import uuid4

from managed_databases.sandbox import datastores
from managed_databases.sandbox.answers import Answer, Refusal
from managed_databases.sandbox.calling import Cloud
from managed_databases.sandbox.changes import now_text
from managed_databases.sandbox.digests import digest, is_of
from managed_databases.sandbox.faults import Faults, fault_of
from managed_databases.sandbox.openapi import openapi
from managed_databases.sandbox.sections import SECTIONS
from managed_databases.sandbox.settings import DEFAULT_QUOTA, UNSETTLED, choices
from managed_databases.sandbox.spaces import Spaces
from managed_databases.sandbox.store import Row
from managed_databases.sandbox.traffic import Traffic
from managed_databases.sandbox.validation import Schema, failures

_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_SWITCH: Final[Schema] = {"type": "boolean"}


def _of_setting(name: str) -> Schema:
    possible = choices(name)
    if not possible:
        return {"type": "integer", "minimum": 0}
    return _SWITCH if possible == (False, True) else {"type": "string", "enum": list(possible)}


_SETTINGS: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "delay": _SECONDS,
        "token_seconds": _SECONDS,
        "parameters_of": {"type": "array", "items": {"type": "string"}},
        **dict.fromkeys(("manual", "realistic"), _SWITCH),
        **{name: _of_setting(name) for name in UNSETTLED},
        "quota": {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: {"type": "integer", "minimum": 0} for key in DEFAULT_QUOTA},
        },
    },
}


class Admin:
    """Answers the requests below `/sandbox`."""

    def __init__(self, cloud: Cloud, spaces: Spaces, traffic: Traffic, faults: Faults) -> None:
        self._cloud = cloud
        self._spaces = spaces
        self._traffic = traffic
        self._faults = faults

    def answer(self, method: str, name: str, query: Mapping[str, str], body: Any) -> Answer:
        """Answer one request. Raises Refusal: 400 for an invalid body, 404 for an unknown call or object."""
        match method, name:
            case "GET", "health":
                return Answer(200, {"status": "ok"})
            case "GET", "openapi.json":
                return Answer(200, openapi())
            case "GET", "requests":
                return self._requests(query)
            case "DELETE", "requests":
                self._traffic.clear()
                return Answer(204)
            case "GET", "objects":
                return Answer(200, {"objects": self._objects(query.get("collection"))})
            case "GET", "faults":
                return Answer(200, {"faults": self._faults.all()})
            case "DELETE", "faults":
                self._faults.clear()
                return Answer(204)
            case "GET", "ca.crt":
                if self._cloud.backing is None:
                    raise Refusal(404, "no servers run here: start the sandbox with --engines")
                return Answer(
                    200, self._cloud.backing.certificate().read_bytes(), {"Content-Type": "application/x-pem-file"}
                )
            case "GET", "hosts":
                return Answer(200, self._hosts().encode(), {"Content-Type": "text/plain"})
            case "GET", "engines":
                return Answer(200, {"engines": self._cloud.backing.told() if self._cloud.backing else []})
            case "GET", "settings":
                return Answer(200, self._settings())
            case "POST", _ if handle := getattr(self, f"_post_{name}", None):
                try:
                    answer: Answer = handle({} if body is None else body)
                except (KeyError, TypeError, AttributeError, ValueError) as error:
                    raise Refusal(400, f"{name}: {type(error).__name__}: {error}") from error
                return answer
        raise Refusal(404, f"no {method} /sandbox/{name}")

    def _requests(self, query: Mapping[str, str]) -> Answer:
        try:
            shown = self._traffic.shown(query.get("method"), query.get("path"), query.get("project"))
        except ValueError as error:
            raise Refusal(400, str(error)) from error
        return Answer(200, {"requests": shown})

    def _objects(self, collection: str | None) -> list[Row]:
        names = [collection] if collection else [name for name in SECTIONS if name != "actions"]
        return [
            {**row, "region": space.region} | ({} if collection else {"collection": name})
            for space in self._spaces.all()
            for name in names
            for row in space.objects(name).values()
        ]

    def _hosts(self) -> str:
        """Return lines for /etc/hosts: where the servers of datastores are."""
        if self._cloud.backing is None:
            return ""
        rows = [row for space in self._spaces.all() for row in space.objects("datastores").values()]
        lines = [(address, *names) for row in rows for address, names in datastores.names_by_address(row).items()]
        return "".join(f"{' '.join(line)}\n" for line in lines)

    def _settings(self) -> Row:
        settings = asdict(self._cloud.settings)
        return {"delay": settings.pop("delay_seconds"), **settings}

    def _post_complete(self, body: Row) -> Answer:
        done = self._cloud.changes.complete(
            id_=body.get("id"), collection=body.get("collection"), failed=bool(body.get("fail"))
        )
        return Answer(200, {"completed": done})

    def _post_login(self, body: Row) -> Answer:
        datastore_id, username, password = body["datastore_id"], body["username"], body["password"]
        account = datastore_id
        if username:
            space = self._spaces.holding("datastores", datastore_id)
            key = {"datastore_id": datastore_id, "name": username}
            account = space.with_key_of("users", key) if space else None
        told = self._cloud.store.table("digests").get(account or "")
        gone = account is None or not any(self._spaces.holding(name, account) for name in ("datastores", "users"))
        return Answer(200, {"ok": not gone and told is not None and is_of(str(password), told["digest"])})

    def _post_faults(self, body: Row) -> Answer:
        fault = fault_of(body)
        self._faults.add(fault, self._cloud.store.tables)
        return Answer(200, {"id": fault.id})

    def _post_edit(self, body: Row) -> Answer:
        collection, id_, told = body["collection"], body["id"], dict(body["fields"])
        space = self._spaces.holding(collection, id_)
        row = space.find(collection, id_) if space else None
        if space is None or row is None:
            raise Refusal(404, f"no {id_} in {collection}")
        if password := told.pop("password", told.pop("redis_password", None)):
            self._cloud.store.put("digests", id_, {"digest": digest(password)})
            self._cloud.changes.carry_out_too(space, collection, row, password=password)
        if "status" in told:
            self._cloud.changes.forget([id_])
        space.put(collection, row | {"updated_at": now_text(self._cloud.settings)} | told | {"id": id_})
        return Answer(200, {"object": space.find(collection, id_)})

    def _post_create(self, body: Row) -> Answer:
        world = self._spaces.world
        project, region = body.get("project") or world.projects[0].id, body.get("region") or world.regions[0]
        if self._cloud.backing is not None:
            raise Refusal(400, "create: not where real servers run, which need their time; use the API")
        space, told, now = self._spaces.of(project, region), dict(body["body"]), now_text(self._cloud.settings)
        if body["collection"] not in SECTIONS:
            raise Refusal(400, f"no collection {body['collection']}")
        password = told.pop("password", told.pop("redis_password", None))
        if body["collection"] == "datastores":
            row = datastores.ready(told, project, region, self._cloud.settings)
        else:
            frame = {"id": str(uuid4()), "project_id": project, "created_at": now, "updated_at": now}
            row = {**frame, "status": "ACTIVE", **SECTIONS[body["collection"]].defaults, **told}
        space.put(body["collection"], row)
        if password:
            self._cloud.store.put("digests", row["id"], {"digest": digest(password)})
        return Answer(200, {"object": row})

    def _post_vanish(self, body: Row) -> Answer:
        space = self._spaces.holding(body["collection"], body["id"])
        if space is None:
            raise Refusal(404, f"no {body['id']} in {body['collection']}")
        self._cloud.changes.forget([body["id"]])
        if (row := space.find(body["collection"], body["id"])) is not None:
            self._cloud.changes.carry_out_too(space, body["collection"], row, gone=True)
        space.remove(body["collection"], body["id"])
        return Answer(204)

    def _post_settings(self, body: Row) -> Answer:
        settings = self._cloud.settings
        if wrong := failures(_SETTINGS, body):
            raise Refusal(400, f"settings: {wrong.get('') or wrong}")
        for name, value in body.items():
            if name == "quota":
                settings.quota.update(value)
            else:
                setattr(settings, "delay_seconds" if name == "delay" else name, value)
        if settings.manual:
            self._cloud.changes.stop_waiting()
        else:
            self._cloud.changes.wait_for_all()
        return Answer(200, self._settings())
