"""How long the status need not name an object that the operator has just made."""

from dataclasses import dataclass

from managed_databases.kinds.verdicts import Reason, Verdict, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import Pass


@dataclass(frozen=True)
class DeferredWrite:
    """Lets the id of an object wait for the end of the cloud's work, so that one write says both (ADR 0027).

    The status has the intent meanwhile. After a crash the intent finds the object by the same proof as after a lost answer.
    """

    clock: Clock
    seconds: float
    """For so many seconds after the answer to the POST the write may be deferred."""

    def seconds_left(self, current: Pass, verdict: Verdict) -> float:
        """Return the seconds for which the write of the pass's facts may be deferred; 0 or less if it has to be made now.

        It may be deferred only for an object in a datastore on which the cloud is at work, and if the status has the intent and
        speaks of the spec's newest generation.
        """
        facts, creation, told = current.context.facts, current.memory.creation, current.resource.told
        may_be = (
            current.kind.is_inside
            and facts.id is not None
            and facts.id == creation.created_id
            and isinstance(verdict, Wait)
            and verdict.reason is Reason.PENDING
            and told.intent is not None
            and told.observed_generation == current.resource.generation
        )
        return creation.write_from(self.seconds) - self.clock.monotonic() if may_be else 0.0
