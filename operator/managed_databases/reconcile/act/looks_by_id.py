"""GETs of single objects: of those that no list shows, and of those that may be at work when the API says that something is
busy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from managed_databases.api.errors import ApiError
from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.phases import is_pending
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.scheduling.backoff import retry_delay


class NotSeen(Enum):
    """The type of NOT_SEEN."""

    NOT_SEEN = "not seen"


NOT_SEEN: Final = NotSeen.NOT_SEEN
"""Stands for the busy object when it is not the turn of the pass to look for it."""


@dataclass(frozen=True)
class LooksById:
    """GETs objects by their ids, and keeps each resource's `LookMemory`: an object that is asked for in vain is asked for ever
    more rarely.
    """

    kinds: Mapping[str, CloudKind]
    clock: Clock
    settings: ControllerSettings
    draw: Callable[[], float]

    async def look(self, current: Pass) -> bool:
        """GET the resource's object if its state is unsure, or if no list shows it; return whether the GET was answered."""
        observed = current.observed
        if not isinstance(current, PassInProject) or observed.status.id is None or observed.presence.is_gone:
            return False
        creation, stays = observed.creation, self.is_followed_by_id(current)
        is_unlisted = observed.external is None and (creation.is_listed or creation.unlisted is not None)
        if not (is_unlisted or observed.presence.is_unsure or stays):
            current.memory.look.was_of_use()
            return False
        if self.clock.monotonic() < current.memory.look.again_at or not current.may_call():
            return False
        try:
            await current.session.get_object(current.kind, observed.status.id, current.priority, current.resource.key)
        except ApiError:
            self._was_in_vain(current)
            return False
        told = current.snapshot.get(observed.status.id)
        if stays or (told is not None and not told.is_whole):  # the next GET comes as late as after one in vain
            self._was_in_vain(current)
        else:
            current.memory.look.was_of_use()
        return True

    def is_followed_by_id(self, current: Pass) -> bool:
        """Return whether the object is pending and its collection cannot be listed, so that only a GET shows the end of the
        work.
        """
        external = current.observed.external
        if not isinstance(current, PassInProject) or external is None or not is_pending(external):
            return False
        return current.session.lists.why_unlisted(current.kind.collection.name) is not None

    def seconds(self, current: Pass) -> float | None:
        """Return the seconds until the next GET of the object; None if a list will show it, or if the resource waits for its
        turn.
        """
        observed = current.observed
        is_unsure = observed.presence.is_unsure or (observed.external is None and observed.status.id)
        is_unsure = is_unsure or self.is_followed_by_id(current)
        if not isinstance(current, PassInProject) or not is_unsure or current.context.waits_for_turn:
            return None
        return max(current.memory.look.again_at - self.clock.monotonic(), self.settings.min_backoff_seconds)

    def _was_in_vain(self, current: Pass) -> None:
        look = current.memory.look
        pause = retry_delay(look.times + 1, self.draw, self.settings.min_backoff_seconds)
        look.was_in_vain(self.clock.monotonic(), pause)

    async def what_is_busy(self, current: PassInProject) -> CloudObject | NotSeen | None:
        """Return the object, or its datastore, whichever is pending; None if neither is, or if a GET fails. NOT_SEEN if it is
        not the turn of the pass to look.

        Only if one of the two is pending, the operator believes the API that something is busy.
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
