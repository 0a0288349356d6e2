"""Changes that take time: an object is pending until its change has ended.

A change is a row of the store, so that it survives a restart. A timer of the event loop waits for the end of each change. Where
a server stands behind the object (`backing.py`), it makes the change then, before the object's row does; what it refuses ends in
ERROR.
"""

import asyncio
import random
import time
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from managed_databases.sandbox.backing import Backing, ChangeRefused
from managed_databases.sandbox.digests import digest
from managed_databases.sandbox.settings import Settings
from managed_databases.sandbox.spaces import Space, Spaces
from managed_databases.sandbox.store import Row, Store

_CHANGES: Final = "changes"
_ACTIONS_KEPT: Final = 20_000
_REALISTIC_SECONDS: Final = (5 * 60, 15 * 60)


def now_text(settings: Settings) -> str:
    """Return the present time in UTC without a zone, as the API writes times."""
    now = datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)
    return now.isoformat(timespec="microseconds" if settings.microseconds else "seconds")


class Changes:
    """Begins and ends changes, and keeps the action that the API shows for each."""

    def __init__(self, store: Store, spaces: Spaces, settings: Settings, backing: Backing | None = None) -> None:
        self._store = store
        self._spaces = spaces
        self._settings = settings
        self._backing = backing
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def begin(
        self,
        space: Space,
        collection: str,
        row: Row,
        status: str,
        *,
        action: str,
        request_id: str,
        then: Row | None = None,
        password: str | None = None,
    ) -> Row:
        """Store `row` with the pending status `status`; at the end of the change it gets the fields of `then` and is ACTIVE.

        With PENDING_DELETE the object is removed instead, with everything that belongs to it. `password` becomes the object's
        password at the end; the store has only a digest of it. Returns the row as it is now.
        """
        now = now_text(self._settings)
        row = {**row, "status": status, "updated_at": now}
        space.put(collection, row)
        action_id = self._tell(space, collection, row, action, request_id, now)
        change = {
            "id": str(uuid4()),
            "project": space.project.id,
            "region": space.region,
            "collection": collection,
            "object": row["id"],
            "action": action_id,
            "delete": status == "PENDING_DELETE",
            "then": then or {},
            "digest": digest(password) if password else None,
            "sealed": self._sealed(space, collection, row, password),
            "due": time.time() + self._seconds(collection),
        }
        self._store.put(_CHANGES, change["id"], change)
        self._wait_for(change)
        return row

    def make(self, space: Space, collection: str, row: Row, then: Row, action: str, request_id: str) -> Row:
        """Make a change at once: the object gets the fields of `then` and keeps its status. Returns the row as it is now."""
        now = now_text(self._settings)
        row = {**row, **then, "updated_at": now}
        space.put(collection, row)
        told = space.objects("actions")[self._tell(space, collection, row, action, request_id, now)]
        space.put("actions", told | {"status": "DONE", "finished_at": now})
        return row

    def wait_for_all(self) -> None:
        """Start the timers of all changes under way: after a start, and when manual mode ends."""
        for change in list(self._store.table(_CHANGES).values()):
            if self._spaces.has(change["project"], change["region"]):
                self._wait_for(change)
            else:
                self._drop(change["id"])

    def stop_waiting(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def stop(self) -> None:
        """Stop what is being carried out: it is carried out again after the next start."""
        self.stop_waiting()
        for task in list(self._at_work.values()):
            task.cancel()
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    def complete(self, *, id_: str | None = None, collection: str | None = None, failed: bool = False) -> int:
        """End the changes under way of one object, one collection, or all; return how many. With `failed` they end in ERROR."""
        chosen = [
            change
            for change in self._store.table(_CHANGES).values()
            if id_ in (None, change["object"]) and collection in (None, change["collection"])
        ]
        for change in chosen:
            if failed:
                self._finish(change["id"], failed=True)
            else:
                self._end(change["id"])
        return len(chosen)

    def forget(self, ids: Iterable[str]) -> None:
        """Drop the changes under way of these objects, which are gone or were changed by the admin API."""
        gone = set(ids)
        for change in [change for change in self._store.table(_CHANGES).values() if change["object"] in gone]:
            self._drop(change["id"])

    def _seconds(self, collection: str) -> float:
        if self._settings.realistic and collection == "datastores":
            return random.uniform(*_REALISTIC_SECONDS)  # noqa: S311 (no secret)
        return self._settings.delay_seconds

    def _wait_for(self, change: Row) -> None:
        if self._settings.manual or change["id"] in self._timers:
            return
        loop = asyncio.get_running_loop()
        self._timers[change["id"]] = loop.call_later(max(0.0, change["due"] - time.time()), self._end, change["id"])

    def carry_out_too(
        self, space: Space, collection: str, row: Row, *, gone: bool = False, password: str | None = None
    ) -> None:
        """Let the server follow what was changed without a change of its own: by the admin API."""
        if self._backing is not None:
            sealed = self._sealed(space, collection, row, password)
            self._keep(row["id"], self._backing.carry_out(space, collection, row, gone=gone, sealed=sealed))

    def _sealed(self, space: Space, collection: str, row: Row, password: str | None) -> str | None:
        if self._backing is None or password is None:
            return None
        datastore = row if collection == "datastores" else space.find("datastores", row["datastore_id"])
        return self._backing.sealed(datastore["type_id"], password) if datastore is not None else None

    def _keep(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that the garbage collector does not take; what it raises was told by who does the work."""
        task = asyncio.ensure_future(work)
        self._at_work[key] = task

        def ended(task: asyncio.Task[None]) -> None:
            self._at_work.pop(key, None)
            if (
                not task.cancelled()
                and (error := task.exception()) is not None
                and not isinstance(error, ChangeRefused)
            ):
                asyncio.get_running_loop().call_exception_handler({"message": "a change failed", "exception": error})
                self._finish(key, failed=True)

        task.add_done_callback(ended)

    def _drop(self, change_id: str) -> Row | None:
        if timer := self._timers.pop(change_id, None):
            timer.cancel()
        return self._store.remove(_CHANGES, change_id)

    def _end(self, change_id: str) -> None:
        if self._backing is None:
            self._finish(change_id)
        elif change_id not in self._at_work:
            self._keep(change_id, self._carry_out(self._backing, change_id))

    async def _carry_out(self, backing: Backing, change_id: str) -> None:
        """Let the server make the change, and end it. Until then it stays in the store, to be made again after a restart."""
        change = self._store.table(_CHANGES).get(change_id)
        if change is None:
            return
        space = self._spaces.of(change["project"], change["region"])
        try:
            if (row := space.find(change["collection"], change["object"])) is not None:
                wanted = row | change["then"]
                gone, sealed = change["delete"], change.get("sealed")
                await backing.carry_out(space, change["collection"], wanted, gone=gone, sealed=sealed)
        except ChangeRefused:
            self._finish(change_id, failed=True)
        else:
            self._finish(change_id)

    def _finish(self, change_id: str, *, failed: bool = False) -> None:
        change = self._drop(change_id)
        if change is None:
            return
        space = self._spaces.of(change["project"], change["region"])
        row = space.find(change["collection"], change["object"])
        now = now_text(self._settings)
        if action := space.find("actions", change["action"]):
            ended = {"status": "ERROR" if failed else "DONE", "updated_at": now, "finished_at": now}
            space.put("actions", action | ended)
        if row is not None and failed:
            space.put(change["collection"], row | {"status": "ERROR", "updated_at": now})
        elif row is not None and change["delete"]:
            space.remove(change["collection"], row["id"])
        elif row is not None:
            finished = {"creation_finished_at": now} if row.get("creation_finished_at", now) is None else {}
            space.put(change["collection"], row | {"status": "ACTIVE", "updated_at": now} | finished | change["then"])
            if change["digest"]:
                self._store.put("digests", row["id"], {"digest": change["digest"]})
        self._store.flush()

    def _tell(self, space: Space, collection: str, row: Row, name: str, request_id: str, now: str) -> str:
        id_ = str(uuid4())
        action = {
            "id": id_,
            "name": name,
            "status": "PENDING",
            "project_id": space.project.id,
            "datastore_id": row["id"] if collection == "datastores" else row.get("datastore_id"),
            "request_id": request_id,
            "created_at": now,
            "updated_at": now,
            "started_at": now,
            "finished_at": None,
        }
        actions = space.objects("actions")
        if len(actions) >= _ACTIONS_KEPT:
            space.remove("actions", next(iter(actions)))
        space.put("actions", action)
        return id_
