"""The routes of the API, as one table from requests to operations."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from managed_databases.sandbox import datastore_operations, datastores, objects, readings, user_offers
from managed_databases.sandbox.answers import Answer, Refusal
from managed_databases.sandbox.calling import Call
from managed_databases.sandbox.catalogue import CAPABILITIES, LIMITS
from managed_databases.sandbox.schemas import SCHEMAS
from managed_databases.sandbox.sections import SECTIONS, Section
from managed_databases.sandbox.validation import Schema

Handler = Callable[[Call, str], Answer]


@dataclass(frozen=True)
class Operation:
    """The handler of a request, and the schema of its body; with `schema` None the body is not read.

    `status` is the status of a successful answer; from 400 on the operation is always refused. `creates`: the status depends on
    `Settings.creation_status`.
    """

    handle: Handler
    schema: Schema | None = None
    status: int = 200
    creates: bool = False


Routes = dict[tuple[str, str, str], Operation]
"""(method, section, tail) -> operation. The tail is "" for the section, "{id}" for an object, "{id}/x" below it."""


def find(method: str, segments: list[str]) -> tuple[Operation, str]:
    """Return the operation and the id in its path (or ""). `segments` follow `/v1`. Raises Refusal (404, 405)."""
    section = segments[0] if segments else ""
    if len(segments) == 2 and (section, segments[1]) in _FIXED:
        tail, id_ = segments[1], ""
    else:
        id_ = segments[1] if len(segments) > 1 else ""
        tail = "/".join(["{id}", *segments[2:]]) if id_ else ""
    if operation := ROUTES.get((method, section, tail)):
        return operation, id_
    if allowed := [other for other in ("GET", "POST", "PUT", "DELETE") if (other, section, tail) in ROUTES]:
        raise Refusal(405, "The method is not allowed for the requested URL.", {"Allow": ", ".join(allowed)})
    raise Refusal(404, "The requested URL was not found on the server.")


def in_words(method: str, segments: list[str]) -> tuple[str, str]:
    """Return what a request is about and what it does, as in `datastore cannot be resized`."""
    section = SECTIONS.get(segments[0], SECTIONS["datastores"])
    if segments[-1] == "resize":
        return section.word, "resized"
    is_creation = method == "POST" and segments[0] == section.name
    return section.word, "created" if is_creation else "deleted" if _deletes(method, segments) else "updated"


def _deletes(method: str, segments: list[str]) -> bool:
    return method == "DELETE" and len(segments) == 2


_FIXED: Final = frozenset({("datastores", "count")})


def _of_section(section: Section) -> Routes:
    name = section.name
    routes: Routes = {
        ("GET", name, ""): Operation(lambda call, _: objects.list_all(section, call)),
        ("GET", name, "{id}"): Operation(partial(objects.get, section)),
    }
    if section.creates is not None:
        routes["POST", name, ""] = Operation(
            lambda call, _: objects.create(section, call), section.creates, creates=True
        )
        routes["DELETE", name, "{id}"] = Operation(partial(objects.delete, section), status=204)
    if section.updates is not None:
        routes["PUT", name, "{id}"] = Operation(partial(objects.update, section), section.updates)
    return routes


def _of_datastores() -> Routes:
    def operation(method: str, tail: str, name: str) -> Routes:
        handle = datastore_operations.operation(name)
        schema = None if method == "DELETE" else SCHEMAS[f"datastores.{name}"]
        return {(method, "datastores", tail): Operation(handle, schema)}

    routes: Routes = {
        ("POST", "datastores", ""): Operation(
            lambda call, _: datastores.create(call), SCHEMAS["datastores.create"], creates=True
        ),
        ("DELETE", "datastores", "{id}"): Operation(datastore_operations.delete, status=204),
        ("GET", "datastores", "count"): Operation(
            lambda call, _: objects.count_by_engine(SECTIONS["datastores"], call)
        ),
        ("GET", "datastores", "{id}/logs"): Operation(readings.logs),
        ("GET", "datastores", "{id}/metrics"): Operation(readings.metrics),
        ("GET", "datastores", "{id}/databases-metrics"): Operation(readings.databases_metrics),
    }
    routes |= operation("PUT", "{id}", "rename")
    routes |= operation("POST", "{id}/resize", "resize")
    routes |= operation("DELETE", "{id}/log-platform", "log-platform")
    for name in (
        "config",
        "pooler",
        "firewall",
        "security-groups",
        "password",
        "backups",
        "protection",
        "log-platform",
    ):
        routes |= operation("PUT", f"{{id}}/{name}", name)
    return routes


def _quotas(call: Call, _: str) -> Answer:
    """[assumed: field names]"""
    limits = call.cloud.settings.quota
    rows = [{"name": name, "used": used, "limit": limits[name]} for name, used in datastores.used(call).items()]
    return Answer(200, {"quotas": rows})


def _forbidden(call: Call, _: str) -> Answer:
    """Refuse the deprecated operations, which change the catalogue: no project may use them [assumed]."""
    raise Refusal(403, "You are not authorized to perform this action.")


def _floating_ips(*, present: bool) -> Handler:
    return lambda call, _: datastore_operations.set_floating_ip(call, present=present)


_DEPRECATED: Final = {
    "available-extensions": ("POST ", "PUT {id}", "DELETE {id}"),
    "configuration-parameters": ("POST ", "DELETE {id}"),
    "flavors": ("POST ", "PUT {id}", "DELETE {id}", "PUT {id}/host", "DELETE {id}/host"),
}

ROUTES: Final[Routes] = {
    route: operation for section in SECTIONS.values() for route, operation in _of_section(section).items()
}
ROUTES.update(_of_datastores())
ROUTES.update(
    {
        ("GET", "quotas", ""): Operation(_quotas),
        ("GET", "limits", ""): Operation(lambda call, _: Answer(200, {"limits": LIMITS})),
        ("GET", "capabilities", ""): Operation(lambda call, _: Answer(200, {"capabilities": CAPABILITIES})),
        ("GET", "roles", ""): Operation(user_offers.list_roles),
        ("GET", "user-setting-parameters", ""): Operation(user_offers.list_parameters),
        ("GET", "user-setting-parameters", "{id}"): Operation(user_offers.get_parameter),
        ("PUT", "users", "{id}/roles"): Operation(user_offers.set_roles, SCHEMAS["users.roles"]),
        ("PUT", "users", "{id}/settings"): Operation(user_offers.set_settings, SCHEMAS["users.settings"]),
        ("POST", "floating-ips", ""): Operation(_floating_ips(present=True), SCHEMAS["floating-ips.create"], 204),
        ("DELETE", "floating-ips", ""): Operation(_floating_ips(present=False), SCHEMAS["floating-ips.delete"], 204),
    }
)
for _name, _calls in _DEPRECATED.items():
    for _call in _calls:
        _method, _, _tail = _call.partition(" ")
        ROUTES[_method, _name, _tail] = Operation(_forbidden, status=403)
