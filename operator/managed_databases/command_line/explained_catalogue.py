"""What `explain` says of a `DatabaseCatalogue`, which waits for nothing: what it is for, and how it is read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from managed_databases.command_line.explaining import Link, as_json
from managed_databases.command_line.tables import age, moment
from managed_databases.kinds.database_catalogue import CATALOGUE
from managed_databases.kube.connection import FIELD_MANAGER
from managed_databases.visible import visible

Raw = Mapping[str, Any]


def catalogue_line(raw: Raw, now: datetime) -> str:
    """Return the sentence for people."""
    return visible(f"{_name(raw)} {_sentence(raw, now)}")


def catalogue_as_json(raw: Raw, now: datetime) -> dict[str, Any]:
    """Return the same for programs, with the fields that every resource has."""
    return as_json(Link(_name(raw), "", "there")) | {"message": _sentence(raw, now), "since": _written_at(raw)}


def _name(raw: Raw) -> str:
    return f"{CATALOGUE.name} {raw['metadata']['namespace']}/{raw['metadata']['name']}"


def _sentence(raw: Raw, now: datetime) -> str:
    namespace, name = raw["metadata"]["namespace"], raw["metadata"]["name"]
    left_out = raw.get("leftOut")
    lack = f"without all that is on offer ({left_out})" if left_out else "with nothing left out"
    return (
        f"tells what the namespace {namespace} may choose in the project {name}: written {age(_written_at(raw), now)} "
        f"ago, {lack}; `kubectl get {CATALOGUE.short_names[0]} {name} -n {namespace} -o yaml` shows it"
    )


def _written_at(raw: Raw) -> str | None:
    """Return when the operator has written it last, as Kubernetes writes times."""
    entries = raw["metadata"].get("managedFields") or ()
    times: list[str] = [
        each["time"] for each in entries if each.get("manager") == FIELD_MANAGER and moment(each.get("time"))
    ]
    created: str | None = raw["metadata"].get("creationTimestamp")
    return max(times, default=created)
