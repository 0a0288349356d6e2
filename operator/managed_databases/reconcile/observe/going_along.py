"""Looks whether a resource that is being deleted still goes with its datastore, or has to be deleted by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from managed_databases.kinds.observed import Referred
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass

PATIENCE_SECONDS: Final = 60.0
"""Seconds that a resource waits for the deletion of its datastore while something holds that up. So whoever deletes a datastore
with all that is in it, one after the other, causes one call; and nobody's access stays open for longer.
"""


@dataclass(frozen=True)
class GoingAlong:
    clock: Clock

    def look(self, current: Pass, refs: Mapping[str, Referred]) -> tuple[dict[str, Referred], float | None]:
        """Return the references of a resource that is being deleted, and the seconds that it still waits for a datastore whose
        deletion is held up; None if nothing holds it up.

        Once they are over, the datastore does not count as `going` any more.
        """
        held_up = {field: each for field, each in refs.items() if each.going and each.held_up}
        if not held_up:
            current.memory.parent_goes()
            return {**refs}, None
        now = self.clock.monotonic()
        left = current.memory.parent_held_up_since(now) + PATIENCE_SECONDS - now
        if left > 0:
            return {**refs}, left
        return {**refs, **{field: replace(each, going=False) for field, each in held_up.items()}}, None
