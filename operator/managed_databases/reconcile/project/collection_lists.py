"""The collections of one project: which of them are listed, how often, and which resources wait for a list."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

from managed_databases.api.collections import DATASTORES
from managed_databases.api.models import CloudObject
from managed_databases.kinds.database_project import PollSecondsOf
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.defects import Defects
from managed_databases.reconcile.project.polling import CollectionPoller, OddRows
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.project.project_objects import ProjectObjects
from managed_databases.reconcile.project.project_status import NEEDS_A_PERSON
from managed_databases.reconcile.scheduling.allowance import Allowance

SYNCS_AT_ONCE: Final = 3
SYNC_SECONDS: Final = 10.0
"""After some requested syncs at once, a namespace gets one LIST of a collection in this number of seconds."""

_CHANGED_BY: Final = {"floating-ips": DATASTORES.name}
"""Sections of the API without objects of their own, and the collection whose objects a call in such a section changes."""


class CollectionLists:
    """The snapshots and pollers of a project. A collection gets a snapshot when it is first read (`snapshot`), and a poller when
    a pass first orders its list (`poll`).

    The poller ends by itself when no pass has ordered the list for long. The snapshot is then emptied, as if it had never been
    listed, and stays the collection's snapshot, so that code that still has it sees that it must not be believed.
    """

    def __init__(
        self,
        objects: ProjectObjects,
        client: ProjectClient,
        clock: Clock,
        settings: ControllerSettings,
        defects: Defects,
        *,
        draw: Callable[[], float],
        listed: Callable[[str], None],
        troubled: Callable[[], None],
        is_foreign: Callable[[Sequence[CloudObject]], bool],
        is_awaited: Callable[[str, str], bool],
        look_seconds: Callable[[], float],
    ) -> None:
        """`listed` is told the collection of each LIST that was applied, `troubled` when `troubles` or `odd_rows` change.

        `is_foreign`, `is_awaited` (of a collection and an id) and `look_seconds` are as `CollectionPoller` describes them.
        """
        self._objects = objects
        self._client = client
        self._clock = clock
        self._settings = settings
        self._defects = defects
        self._draw = draw
        self._listed = listed
        self._troubled = troubled
        self._is_foreign = is_foreign
        self._is_awaited = is_awaited
        self._look_seconds = look_seconds
        self._pollers: dict[str, CollectionPoller] = {}
        self._arrivals: asyncio.Queue[CollectionPoller] = asyncio.Queue()
        self._poll_seconds: int | None = None
        self._poll_seconds_of = PollSecondsOf()
        self._wishes: dict[str, dict[ResourceKey, int]] = {}
        self._syncs = Allowance(clock, SYNCS_AT_ONCE, SYNC_SECONDS)

    # --- snapshots ---

    def snapshot(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        """Return the collection's snapshot; it is always the same object. This orders no list: a new collection is not listed
        before a call of `poll`.
        """
        return self._objects.of(kind).snapshot

    def poll(self, kind: CloudKind) -> None:
        """Order that the collection is listed, from now on or further on. A pass that needs the list orders it in each look."""
        known = self._objects.of(kind)
        poller = self._pollers.get(known.name)
        if poller is None:
            poller = self._pollers[known.name] = CollectionPoller(
                known,
                self._objects,
                self._client,
                self._clock,
                self._settings,
                draw=self._draw,
                rest_seconds=partial(self._rest_seconds, known.name),
                listed=self._listed,
                troubled=self._troubled,
                is_foreign=self._is_foreign,
                is_awaited=partial(self._is_awaited, known.name),
                look_seconds=self._look_seconds,
                idle=self._forget_collection,
            )
            self._arrivals.put_nowait(poller)
        poller.needed()

    def need(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        """Order that the collection is listed, and return its snapshot."""
        self.poll(kind)
        return self.snapshot(kind)

    def _forget_collection(self, name: str) -> None:
        """Empty the snapshot of a collection that nobody needs any more: a later pass waits for its first list."""
        del self._pollers[name]
        self._objects.known[name].snapshot.clear()

    @property
    def snapshots(self) -> Mapping[str, CollectionSnapshot[CloudObject]]:
        """Return the snapshots that are kept up to date, by collection name."""
        return {name: self._objects.known[name].snapshot for name in self._pollers}

    # --- how often ---

    def poll_every(self, seconds: int | None, of: PollSecondsOf | None) -> None:
        """Set the project's intervals between two lists at rest, in seconds; None: as the settings say."""
        before = (self._poll_seconds, self._poll_seconds_of)
        self._poll_seconds, self._poll_seconds_of = seconds, of or PollSecondsOf()
        if (self._poll_seconds, self._poll_seconds_of) != before:
            for poller in self._pollers.values():
                poller.reconsider()

    def wish(self, collection: str, key: ResourceKey, seconds: int | None) -> None:
        """Set the most seconds between two lists that a resource asks for; None: it asks for none, or is deleted."""
        wishes = self._wishes.setdefault(collection, {})
        if wishes.get(key) == seconds:
            return
        if seconds is None:
            del wishes[key]
            return
        wishes[key] = seconds
        if poller := self._pollers.get(collection):
            poller.reconsider()

    def expect(self, key: ResourceKey, collections: Collection[str]) -> None:
        """Set the collections whose LISTs a person's change of this resource waits for; these replace the earlier ones."""
        for name, poller in self._pollers.items():
            poller.expect(key, expected=name in collections)

    def forget(self, key: ResourceKey) -> None:
        """Forget a deleted resource and what it asked for."""
        for collection in self._wishes:
            self.wish(collection, key, None)
        self.expect(key, ())

    def _rest_seconds(self, collection: str) -> float:
        usual = self._poll_seconds_of.of(collection) or self._poll_seconds or self._settings.poll_seconds
        return min((usual, *self._wishes.get(collection, {}).values()))

    # --- a LIST soon: of a collection that nobody polls there is none ---

    def request(self, collection: str) -> None:
        """List that collection as soon as possible; if a LIST is under way, list it once more afterwards."""
        if poller := self._pollers.get(collection):
            poller.request()

    def request_all(self) -> None:
        for poller in self._pollers.values():
            poller.request()

    def probe(self) -> None:
        """List one of the collections, to find out whether the API answers."""
        if self._pollers:
            self._pollers.get(DATASTORES.name, next(iter(self._pollers.values()))).request()

    def sync(self, collection: str, namespace: str) -> None:
        """List a collection because a resource of this namespace asks for a sync: as soon as possible, but only some at once
        for one namespace; further requests share one LIST a little later.
        """
        if poller := self._pollers.get(collection):
            poller.request_by(self._syncs.moment((collection, namespace)))

    def hurry_after(self, operation: str) -> None:
        """List the collection that this call may have changed at the interval of pending objects."""
        section = operation.partition(".")[0]
        if poller := self._pollers.get(_CHANGED_BY.get(section, section)):
            poller.hurry()

    # --- what is wrong with them ---

    def why_unlisted(self, collection: str) -> Wait | Stall | None:
        """Return why a collection cannot be listed at present; None if it can be, as far as is known."""
        if self._client.circuit.is_open:
            return Wait(Reason.UNREACHABLE, f"{collection} cannot be listed: the API does not answer")
        poller = self._pollers.get(collection)
        if poller is None or poller.failure is None:
            return None
        reason, message = poller.failure
        return Stall(reason, message) if reason in NEEDS_A_PERSON else Wait(reason, message)

    @property
    def troubles(self) -> tuple[tuple[Reason, str], ...]:
        """Return the collections that cannot be listed, and why, in the order of their names."""
        troubles = (poller.trouble for _, poller in sorted(self._pollers.items()))
        return tuple(trouble for trouble in troubles if trouble is not None)

    @property
    def odd_rows(self) -> tuple[OddRows, ...]:
        """Return, for each collection, the rows of its last list that could not be read whole."""
        return tuple(poller.odd for _, poller in sorted(self._pollers.items()))

    # --- running ---

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                poller = await self._arrivals.get()
                group.create_task(self._defects.lasting(poller.name, poller.run), name=f"poller in {self._client.name}")
