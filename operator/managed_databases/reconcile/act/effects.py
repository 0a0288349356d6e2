"""Changes that the API accepts and does not make: they rest like failed steps, until the object is seen without need of them."""

from collections.abc import Callable

from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.phases import PENDING
from managed_databases.kinds.verdicts import Change, Reason, Stall, Wait
from managed_databases.reconcile.act.drift_fight import FIGHT_CORRECTIONS, FIGHT_SECONDS, drift_fight
from managed_databases.reconcile.act.fingerprint import fingerprint, is_held
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.decide.waited_references import unknown_reference
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.retry_memory import FailedStep
from managed_databases.reconcile.scheduling.backoff import retry_delay

_SLOWEST = 5
"""The number of failures that gives the longest pause (`retry_delay`)."""


class Effects:
    """Keeps `RetryMemory.accepted` of each resource."""

    def __init__(self, clock: Clock, settings: ControllerSettings, draw: Callable[[], float]) -> None:
        self._clock = clock
        self._settings = settings
        self._draw = draw

    def resting(self, current: Pass, change: Change) -> Stall | Wait | None:
        """Return the verdict for a change that the API has accepted without an effect; None if the change does not rest."""
        before = _before(current, change)
        return before.verdict if before is not None and self._clock.monotonic() < before.until else None

    def was_accepted(self, current: Pass, change: Change) -> None:
        """Note that the API has accepted the change. Until its effect is seen the change rests like a failed one.

        Changes that have had no effect FIGHT_CORRECTIONS times are tried one at a time, so that all of them together make no more
        calls than one would.
        """
        retry = current.memory.retry
        before = _before(current, change)
        others = [each for each in retry.accepted if each is not before]
        times, begin = before.failures + 1 if before is not None else 1, self._clock.monotonic()
        told: Wait | Stall = Wait(
            Reason.PENDING, f"the API has accepted {change.call.operation}, and does not show what it changes"
        )
        pause = retry_delay(times, self._draw, self._settings.min_backoff_seconds)
        if times >= FIGHT_CORRECTIONS:
            told = drift_fight(change)
            begin = max([begin, *(each.until for each in others if each.failures >= FIGHT_CORRECTIONS)])
            pause = retry_delay(_SLOWEST, self._draw, self._settings.min_backoff_seconds)
        held = FailedStep(None, begin + pause, told, times, statuses_count=False)
        held.stands_on(fingerprint(held, current, change), current.observed.generation)
        retry.was_accepted(held, before)

    def forget_what_shows(self, current: Pass) -> None:
        """Forget the changes that the object does not need any more: they have had their effect.

        If one that often had no effect is among them, the others that had none may be tried again at once.
        """
        retry = current.memory.retry
        observed, now = current.observed, self._clock.monotonic()
        retry.forget_accepted(now, FIGHT_SECONDS)
        if (
            not retry.accepted
            or observed.external is None
            or observed.presence.is_unsure
            or observed.deleting
            or observed.external.status in PENDING
        ):
            return
        if (
            observed.problem is not None
            or observed.moved is not None
            or unknown_reference(current.kind, observed) is not None
        ):
            return  # object and spec cannot be compared
        try:
            needed = list(current.kind.changes(observed))
        except SpecRefused:
            return
        left = [each for each in retry.accepted if any(is_held(each, current, change) for change in needed)]
        if any(each.failures >= FIGHT_CORRECTIONS for each in retry.accepted if each not in left):
            for each in left:
                each.may_be_tried(now)
        retry.had_effect(left)


def _before(current: Pass, change: Change) -> FailedStep | None:
    return next((each for each in current.memory.retry.accepted if is_held(each, current, change)), None)
