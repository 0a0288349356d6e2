"""Logs and metrics of a datastore, made up: one reading for each minute since its creation.

[assumed: paths, fields, that `start` and `end` are times like the API's own, that the latest are kept under a `limit`]
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from managed_databases.sandbox.answers import Answer, invalid
from managed_databases.sandbox.calling import Call, unsupported
from managed_databases.sandbox.catalogue import TYPES
from managed_databases.sandbox.store import Row

_MAX_ITEMS: Final = 1000
"""The most readings in one answer."""

_STEP: Final = timedelta(minutes=1)
_SPAN: Final = timedelta(hours=1)
"""Without a `start`, the readings of this time before `end` are shown."""

_JOBS: Final = {"mysql-error": "ready for connections", "mysql-slow": "a query took 2 s"}


def logs(call: Call, id_: str) -> Answer:
    """Answer the log lines of the requested jobs, addresses and databases. Raises Refusal (400, 404)."""
    row = call.find("datastores", "datastore", id_)
    if not (kind := TYPES[row["type_id"]]).engine.logs:
        raise unsupported("logs are", kind)
    jobs = _chosen(call, "job", list(_JOBS))
    ips = _chosen(call, "ips", [instance["ip"] for instance in row["instances"]])
    databases = _chosen(call, "databases", _databases(call, id_)) if "databases" in call.query else [None]
    lines = [
        {"timestamp": _text(moment), "job": job, "ip": ip, "database": database, "message": _JOBS[job]}
        for moment in _moments(call, row)
        for job in jobs
        for ip in ips
        for database in databases
    ]
    return Answer(200, {"logs": lines[-_limit(call) :]})


def metrics(call: Call, id_: str) -> Answer:
    """Answer the use of the disk in percent. Raises Refusal (400, 404)."""
    row = call.find("datastores", "datastore", id_)
    values = [[_text(moment), row["disk_used"]] for moment in _moments(call, row)]
    return Answer(200, {"metrics": [{"name": "disk_used_percent", "values": values}]})


def databases_metrics(call: Call, id_: str) -> Answer:
    """Answer the size of each database in bytes. Raises Refusal (400, 404)."""
    row = call.find("datastores", "datastore", id_)
    values = [[_text(moment), 8_000_000] for moment in _moments(call, row)]
    shown = [{"name": "size_bytes", "database": name, "values": values} for name in _databases(call, id_)]
    return Answer(200, {"metrics": shown})


def _moments(call: Call, row: Row) -> list[datetime]:
    """Return the whole minutes from `start` to `end`, both inclusive, while the datastore was there; the latest 1000."""
    now = datetime.now(UTC)
    end = min(_time(call, "end", now), now)
    earliest = datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC, second=0, microsecond=0)
    start = max(_time(call, "start", max(end - _SPAN, earliest)), earliest)
    return list(_backwards(end.replace(second=0, microsecond=0), start))[::-1]


def _backwards(moment: datetime, start: datetime) -> Iterator[datetime]:
    for _ in range(_MAX_ITEMS):
        if moment < start:
            return
        yield moment
        moment -= _STEP


def _time(call: Call, name: str, missing: datetime) -> datetime:
    if name not in call.query:
        return missing
    try:
        told = datetime.fromisoformat(call.query[name])
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise invalid({name: f"{call.query[name]!r} is not a 'date-time'"}) from error


def _limit(call: Call) -> int:
    told = call.query.get("limit", str(_MAX_ITEMS))
    if not told.isascii() or not told.isdigit() or len(told) > 18:
        raise invalid({"limit": f"{told!r} is not of type 'integer'"})
    if int(told) < 1:
        raise invalid({"limit": f"{told} is less than the minimum of 1"})
    return min(int(told), _MAX_ITEMS)


def _chosen(call: Call, name: str, there: list[Any]) -> list[Any]:
    """Return those of what is there that are named in the query, separated by commas; without it all."""
    wanted = call.query.get(name)
    return there if wanted is None else [one for one in there if one in wanted.split(",")]


def _databases(call: Call, datastore_id: str) -> list[str]:
    return [row["name"] for row in call.space.objects("databases").values() if row["datastore_id"] == datastore_id]


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
