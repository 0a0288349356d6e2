"""The API server's audit log: who asked it for what, and what it answered."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class AuditEvent:
    """One request. What a request does not have (a list has no name) is an empty string."""

    verb: str
    user: str
    resource: str
    group: str
    namespace: str
    name: str
    subresource: str
    code: int
    uri: str
    agent: str
    at: datetime
    """When the request came in."""

    @classmethod
    def parsed(cls, event: dict[str, Any]) -> "AuditEvent":
        about = event.get("objectRef", {})
        return cls(
            verb=event["verb"],
            user=event["user"].get("username", ""),  # a request that nobody could be told from: 401
            resource=about.get("resource", ""),
            group=about.get("apiGroup", ""),
            namespace=about.get("namespace", ""),
            name=about.get("name", ""),
            subresource=about.get("subresource", ""),
            code=event.get("responseStatus", {}).get("code", 0),
            uri=event["requestURI"],
            agent=event.get("userAgent", ""),
            at=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        )

    def fits(self, wanted: dict[str, object]) -> bool:
        """Every wanted field has that value, or one of those when a tuple is wanted."""
        return all(
            getattr(self, field) in (value if isinstance(value, tuple) else (value,)) for field, value in wanted.items()
        )


class AuditLog:
    """What was written to the file since this was made. Lines are read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = path.stat().st_size if path.exists() else 0
        self._events: list[AuditEvent] = []

    def events(self, **wanted: object) -> list[AuditEvent]:
        """Return the events that fit, oldest first."""
        with self._path.open("rb") as log:
            log.seek(self._read_bytes)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._read_bytes += len(line)
                self._events.append(AuditEvent.parsed(json.loads(line)))
        return [event for event in self._events if event.fits(wanted)]
