"""Reads the API's latest actions of datastores that are pending, to show what the cloud is doing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from managed_databases.api.collections import ACTIONS
from managed_databases.api.errors import ApiError
from managed_databases.api.models import Action, CloudObject
from managed_databases.kinds.phases import PENDING
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.scheduling.work_queue import Priority

_KEPT = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger()


@dataclass(frozen=True)
class _Read:
    """The state of a datastore when its actions were last read, and the moment of that reading."""

    status: str | None
    updated_at: datetime | None
    at: float


class ActionReader:
    """Reads the actions of datastores whose resources show them, after each LIST of the datastores.

    The actions of a pending datastore are read when the datastore has changed, or after `every_seconds`; those of a datastore
    that is no longer pending once more; those of a datastore at rest never. `changed` is called with the id of a datastore whose
    actions differ.
    """

    def __init__(
        self, client: ProjectClient, clock: Clock, every_seconds: float, changed: Callable[[str], None]
    ) -> None:
        self._client = client
        self._clock = clock
        self._every_seconds = every_seconds
        self._changed = changed
        self._shown: set[str] = set()
        self._reads: dict[str, _Read] = {}
        self._snapshot: CollectionSnapshot[CloudObject] | None = None
        self._listed = asyncio.Event()
        self.actions: dict[str, tuple[Action, ...]] = {}
        """The latest five actions by datastore id, the newest first."""

    def show(self, id_: str) -> None:
        """Note that a resource shows the actions of this datastore."""
        self._shown.add(id_)

    def listed(self, snapshot: CollectionSnapshot[CloudObject]) -> None:
        """Look which actions to read, after a LIST of the datastores."""
        self._snapshot = snapshot
        self._listed.set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._listed.wait()
            self._listed.clear()
            assert self._snapshot is not None
            for id_ in sorted(self._shown):
                datastore = self._snapshot.get(id_)
                if datastore is not None:
                    await self._look(datastore)
                elif self._snapshot.is_gone(id_):
                    self._shown.discard(id_)
                    self._reads.pop(id_, None)
                    self.actions.pop(id_, None)

    async def _look(self, datastore: CloudObject) -> None:
        before = self._reads.get(datastore.id)
        now = _Read(datastore.status, datastore.updated_at, self._clock.monotonic())
        if datastore.status in PENDING:
            is_due = (
                before is None
                or (before.status, before.updated_at) != (now.status, now.updated_at)
                or now.at - before.at >= self._every_seconds
            )
        else:
            is_due = before is not None
        if not is_due:
            return
        try:
            reply = await self._client.send(ACTIONS.list(datastore_id=datastore.id), Priority.LOW)
        except ApiError as error:
            log.info(
                "actions not read",
                project=self._client.name,
                datastore=datastore.id,
                error=type(error).__name__,
                request_id=error.request_id,
            )
            return
        if datastore.status in PENDING:
            self._reads[datastore.id] = now
        else:
            self._reads.pop(datastore.id, None)
        latest = _latest(datastore.id, reply.value or ())
        if latest != self.actions.get(datastore.id, ()):
            self.actions[datastore.id] = latest
            self._changed(datastore.id)


def _latest(datastore_id: str, actions: tuple[Action, ...]) -> tuple[Action, ...]:
    own = [action for action in actions if action.datastore_id in (None, datastore_id)]
    own.sort(key=lambda action: (action.created_at or action.started_at or _LONG_AGO, action.id), reverse=True)
    return tuple(own[:_KEPT])
