"""Keeps the catalogues, by a task of its own: no pass waits for them, and nothing of them is watched.

Of each catalogue only digests are in memory. Once in a while all are listed, without their content: so one that somebody has
edited or deleted is put right. A look lists, deletes and writes, and each of the three goes on whatever else fails; what may not
be there is deleted first, and waits for no pause.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from managed_databases.reconcile.catalogues.failed_tries import AWAY_SECONDS, Failures
from managed_databases.reconcile.catalogues.port import Catalogues
from managed_databases.reconcile.catalogues.wanted import Digest, Wanted, Wishes
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.ports import AlreadyThere, KubeError, KubeRefused, NotThere

SETTLE_SECONDS: Final = 5.0
"""Seconds between what has changed and the look at it: what changes together is written once."""
LOOK_SECONDS: Final = 600.0
"""Seconds until the next look when nothing changes and nothing fails, and between two lists."""
PAUSE_SECONDS: Final = AWAY_SECONDS
"""Seconds without a write after several have failed, and until the next look when something fails."""
QUOTA_SECONDS: Final = 600.0
"""A catalogue is written for its quotas alone no more often than this."""
QUOTA_WRITES_EACH_SECOND: Final = 1.0
"""So many of all catalogues are written each second for their quotas alone, on average: thousands may share a project."""
_AT_ONCE: Final = 100
"""So many catalogues are compared before others get their turn."""
UNKNOWN: Final = Digest("", "")
"""Of a catalogue whose content is not as the operator has written it, or whose last write had no answer."""

Key = tuple[str, str]
"""A namespace, and the name of a project."""
Place = str | None
"""What is listed at once: a namespace, or with None all of them."""

log = structlog.get_logger()


class _Kept(NamedTuple):
    digest: Digest
    generation: int
    written_at: float


class CatalogueKeeper:
    """`watched` are the namespaces that the operator serves, empty for all. `told` is called when `trouble` has changed."""

    def __init__(
        self,
        catalogues: Catalogues,
        wishes: Wishes,
        clock: Clock,
        watched: tuple[str, ...] = (),
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.trouble: str | None = None
        """Why not all catalogues are as they should be; None if they are, or will be soon."""
        self._catalogues = catalogues
        self._wishes = wishes
        self._clock = clock
        self._places: tuple[Place, ...] = watched or (None,)
        self._told = told
        self._asked = asyncio.Event()
        self._kept: dict[Key, _Kept] = {}
        """Those that are there, or may be."""
        self._listed: dict[Place, float] = {}
        """When each place was listed, if its last list has worked: only there something is written."""
        self._write_at = 0.0
        """Before that nothing is written."""
        self._unlisted = Failures[Place](clock)
        self._undeleted = Failures[Key](clock)
        self._unwritten = Failures[Key](clock, ends_on_refusals=True)

    def notice(self) -> None:
        """Take note that something has changed on which catalogues may depend."""
        self._asked.set()

    async def run(self) -> None:
        """Look until cancelled: soon after something has changed, and now and then."""
        while True:
            await self._clock.sleep(SETTLE_SECONDS)
            self._asked.clear()
            try:
                seconds = await self.look()
            except Exception:
                log.exception("catalogues could not be kept")
                await self._clock.sleep(PAUSE_SECONDS)
            else:
                await self._clock.wait(self._asked, self._clock.monotonic() + seconds)

    async def look(self) -> float:
        """Delete what is not wanted, write what is missing or differs; return the seconds until the next look."""
        await self._list_due()
        wanted = await self._wishes.all()
        unwanted = [key for key in self._kept if key not in wanted and not self._wishes.is_untold(key[1])]
        self._undeleted.forget_all_but(unwanted)
        await self._undeleted.each(unwanted, self._delete)
        due = await self._due(wanted)
        self._unwritten.forget_all_but(due.keys())
        if self._clock.monotonic() >= self._write_at and await self._unwritten.each(
            due, lambda key: self._write(key, wanted[key], due[key])
        ):
            self._write_at = self._clock.monotonic() + PAUSE_SECONDS
        self._tell()
        fails = self._unlisted or self._undeleted or self._unwritten or self._clock.monotonic() < self._write_at
        return PAUSE_SECONDS if fails else LOOK_SECONDS

    def _tell(self) -> None:
        troubles = [
            f"catalogues that may not be there any more are not deleted: {why}" for why in self._undeleted.told()
        ]
        for why in (*self._unlisted.told(), *self._unwritten.told()):
            troubles.append(f"what namespaces can choose is not shown to all of them: {why}")
        trouble = troubles[0] if troubles else None
        if trouble == self.trouble:
            return
        if trouble is None:
            log.info("catalogues are kept again")
        else:
            log.warning("catalogues are not kept", why=trouble)
        self.trouble = trouble
        self._told()

    def _place(self, key: Key) -> Place:
        return None if self._places == (None,) else key[0]

    async def _due(self, wanted: dict[Key, Wanted]) -> dict[Key, Digest]:
        """Return what has to be written, with its digest."""
        found: dict[Key, Digest] = {}
        pace = max(QUOTA_SECONDS, len(wanted) / QUOTA_WRITES_EACH_SECOND)
        for number, (key, one) in enumerate(wanted.items()):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            digest = one.digest
            if digest is None or self._place(key) not in self._listed:
                continue
            if not _is_right(self._kept.get(key), digest, self._clock.monotonic() - pace):
                found[key] = digest
        return found

    async def _list_due(self) -> None:
        """Take what is there for known, where that was long ago. What cannot be listed stays known as it was."""
        old = self._clock.monotonic() - LOOK_SECONDS
        due = [place for place in self._places if place not in self._listed or self._listed[place] <= old]
        await self._unlisted.each(due, self._list)

    async def _list(self, place: Place) -> None:
        now = self._clock.monotonic()
        self._listed.pop(place, None)
        try:
            seen = await self._catalogues.list(place)
        except NotThere as error:
            missing = "the CustomResourceDefinition of DatabaseCatalogue is missing: apply those of this release"
            raise KubeRefused(missing) from error
        listed: dict[Key, _Kept] = {}
        for each in seen:
            key = each.namespace, each.name
            before = self._kept.get(key)
            digest, written_at = Digest.read(each.digest), now if before is None else before.written_at
            is_edited = each.is_edited if before is None else each.generation != before.generation
            listed[key] = _Kept(UNKNOWN if is_edited else digest, each.generation, written_at)
        self._kept = {key: kept for key, kept in self._kept.items() if self._place(key) != place} | listed
        self._listed[place] = now

    async def _write(self, key: Key, one: Wanted, digest: Digest) -> None:
        try:
            generation = await self._make_so(key, one, digest)
        except (NotThere, KubeRefused):
            raise
        except KubeError:  # it may be there nevertheless, and then it can be deleted
            self._is_there_somehow(key)
            raise
        self._kept[key] = _Kept(digest, generation, self._clock.monotonic())

    async def _make_so(self, key: Key, one: Wanted, digest: Digest) -> int:
        """Create or replace it, as it is there or not; return its generation."""
        namespace, content = key[0], one.content()
        try:
            if key in self._kept:
                return await self._catalogues.replace(namespace, one.project, str(digest), content)
            return await self._catalogues.create(namespace, one.project, str(digest), content)
        except AlreadyThere:
            self._is_there_somehow(key)
            return await self._catalogues.replace(namespace, one.project, str(digest), content)
        except NotThere:
            if self._kept.pop(key, None) is None:
                raise
            return await self._catalogues.create(namespace, one.project, str(digest), content)

    def _is_there_somehow(self, key: Key) -> None:
        self._kept[key] = _Kept(UNKNOWN, 0, self._clock.monotonic())

    async def _delete(self, key: Key) -> None:
        await self._catalogues.delete(*key)
        self._kept.pop(key, None)


def _is_right(kept: _Kept | None, digest: Digest, old_before: float) -> bool:
    """Return whether nothing has to be written; quotas alone only for a catalogue that was written before `old_before`."""
    if kept is None or kept.digest.content != digest.content:
        return False
    return kept.digest.quotas == digest.quotas or kept.written_at > old_before
