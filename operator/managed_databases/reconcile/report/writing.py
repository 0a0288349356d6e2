"""Writes `.status` when it differs, and enters the answer into what the process knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from managed_databases.kinds.verdicts import Verdict
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe import Observation
from managed_databases.reconcile.ports import Kube, Resource
from managed_databases.reconcile.report.announcing import Announcer
from managed_databases.reconcile.report.status import status


@dataclass(frozen=True)
class Writer:
    """`written` is told of each resource as it is after our write: the watch may not tell again."""

    kube: Kube
    clock: Clock
    written: Callable[[Resource], None]
    announcer: Announcer

    async def write(self, found: Observation, verdict: Verdict, facts: Mapping[str, Any] | None = None) -> bool:
        """Make `.status` what it shall be; return whether that was a write. Raises KubeError."""
        old = found.resource.status
        wanted = status(found.kind, found.seen, verdict, old, self.clock.now(), facts)
        if wanted == old:
            return False
        found.resource = await self.kube.write_status(found.resource, wanted)
        self.announcer.status_written(old, found.resource)
        self.written(found.resource)
        return True
