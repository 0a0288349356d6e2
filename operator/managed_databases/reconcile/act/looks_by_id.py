"""GETs of single objects: what no list tells, and what is at work when the API says that something is busy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from managed_databases.api.errors import ApiError
from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.phases import is_pending
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.memory import LookMemory
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.scheduling.backoff import retry_delay
from managed_databases.reconcile.settings import ControllerSettings


class NotSeen(Enum):
    NOT_SEEN = "not seen"


NOT_SEEN: Final = NotSeen.NOT_SEEN
"""Stands for what is busy while it is not the turn of the pass to look."""


@dataclass(frozen=True)
class LooksById:
    """Keeps each resource's `LookMemory`: who was asked for in vain is asked for ever more rarely."""

    kinds: Mapping[str, CloudKind]
    clock: Clock
    settings: ControllerSettings
    draw: Callable[[], float]

    async def look(self, current: Pass) -> bool:
        """GET an object that is unsure, or that the first list did not show; return whether something was learned."""
        observed = current.observed
        if not isinstance(current, PassInProject) or observed.status.id is None or observed.presence.is_gone:
            return False
        creation, stays = observed.creation, self.is_followed_by_id(current)
        is_unlisted = observed.external is None and (creation.is_listed or creation.unlisted is not None)
        if not (is_unlisted or observed.presence.is_unsure or stays):
            current.memory.look = LookMemory()
            return False
        if self.clock.monotonic() < current.memory.look.again_at or not current.may_call():
            return False
        try:
            await current.session.get_object(current.kind, observed.status.id, current.priority, current.resource.key)
        except ApiError:
            self._was_in_vain(current)
            return False
        told = current.snapshot.get(observed.status.id)
        if stays or (told is not None and not told.is_whole):  # as often as one that is asked for in vain
            self._was_in_vain(current)
        else:
            current.memory.look = LookMemory()
        return True

    def is_followed_by_id(self, current: Pass) -> bool:
        """Whether nothing but a GET would tell that the cloud has ended its work on the object."""
        external = current.observed.external
        if not isinstance(current, PassInProject) or external is None or not is_pending(external):
            return False
        return current.session.lists.why_unlisted(current.kind.collection.name) is not None

    def seconds(self, current: Pass) -> float | None:
        """The seconds until the object may be asked for by its id again; None where a list will tell, or a turn is awaited."""
        observed = current.observed
        is_unsure = observed.presence.is_unsure or (observed.external is None and observed.status.id)
        is_unsure = is_unsure or self.is_followed_by_id(current)
        if not isinstance(current, PassInProject) or not is_unsure or current.context.waits_for_turn:
            return None
        return max(current.memory.look.again_at - self.clock.monotonic(), self.settings.min_backoff_seconds)

    def _was_in_vain(self, current: Pass) -> None:
        look = current.memory.look
        look.times += 1
        pause = retry_delay(look.times, self.draw, self.settings.min_backoff_seconds)
        look.again_at = self.clock.monotonic() + pause

    async def what_is_busy(self, current: PassInProject) -> CloudObject | NotSeen | None:
        """The pending one of the object and its datastore: "busy" is believed when one of them is. NOT_SEEN when it is not
        the pass's turn to look.
        """
        tries, external = current.memory.retry.busy_tries, current.observed.external
        asked = [] if external is None else [(current.kind, external.id)]
        if current.datastore_id is not None and (tries == 0 or external is None):
            parent = next(reference for reference in current.kind.references if reference.parent)
            asked.append((self.kinds[parent.kind], current.datastore_id))
        for kind, id_ in asked:
            if not current.may_call():
                return NOT_SEEN
            try:
                found = await current.session.get_object(kind, id_, current.priority, current.resource.key)
            except ApiError:
                return None
            if found is not None and is_pending(found):
                return found
        return None
