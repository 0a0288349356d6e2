"""Decides which steps may be tried now. A failed step rests, until what it would do, or what it is based on, changes."""

from collections.abc import Callable
from dataclasses import replace

from managed_databases.api.errors import ApiError, Busy, NotFound, OutcomeUnknown
from managed_databases.api.models import CloudObject
from managed_databases.kinds.verdicts import (
    Change,
    Create,
    Credentials,
    Delete,
    LetGo,
    PasswordStep,
    Reason,
    Record,
    Stall,
    Step,
    Verdict,
    Wait,
)
from managed_databases.reconcile.act.desired_secret import RESET, content_hash, to_write
from managed_databases.reconcile.act.drift_fight import FIGHT_CORRECTIONS, FIGHT_SECONDS, aim, drift_fight
from managed_databases.reconcile.act.effects import Effects
from managed_databases.reconcile.act.fingerprint import fingerprint, is_held, is_same_step
from managed_databases.reconcile.act.looks_by_id import NotSeen
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.decide.candidates import unclear_attempts
from managed_databases.reconcile.decide.failures import (
    BUSY_TRIES,
    kubernetes_refusal,
    meaning,
    meaning_of_busy,
    refused,
)
from managed_databases.reconcile.memory import Memory
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import KubeRefused
from managed_databases.reconcile.report.status import password_secret, secret_name
from managed_databases.reconcile.retry_memory import FailedStep
from managed_databases.reconcile.scheduling.backoff import retry_delay

REPAIRS_OF_A_SECRET = 5
"""After so many equal corrections of a Secret within FIGHT_SECONDS the operator stops correcting for a while."""
DELETED_IN_VAIN = 8
"""After so many deletions that the API has accepted and not made, the status says that a person must look."""
MAX_MADE_AGAIN = 3
"""The most times that an object that was gone is made again within MADE_AGAIN_SECONDS, for one generation of the spec."""
MADE_AGAIN_SECONDS = 3600.0


class RetryPolicy:
    """Keeps each resource's `RetryMemory`, and decides by it. `draw` returns a random number in [0, 1)."""

    def __init__(self, clock: Clock, settings: ControllerSettings, draw: Callable[[], float]) -> None:
        self._clock = clock
        self._settings = settings
        self._draw = draw
        self.effects = Effects(clock, settings, draw)

    def hold_back(self, current: Pass, verdict: Verdict) -> Verdict:
        """Return the verdict; if it is a step that rests, the Wait or Stall to show instead."""
        if not isinstance(verdict, Step):
            return verdict
        if isinstance(verdict, Credentials) and self._is_secret_fight(current, verdict):
            is_mounted = verdict.step is PasswordStep.MOUNT
            name = (secret_name if is_mounted else password_secret)(current.kind, current.observed)
            return Stall(
                Reason.DRIFT_FIGHT,
                f"the Secret {name} had to be put right {REPAIRS_OF_A_SECRET} times in ten minutes: something else "
                "changes what is in it; see its managedFields for who that is. It is left alone for a while; keys of "
                "other names may be added to it",
            )
        if _makes_again(verdict) and self._is_made_again_too_often(current):
            return Stall(
                Reason.DRIFT_FIGHT,
                f"{current.observed.status.id} is gone from the cloud as {MAX_MADE_AGAIN} others before it within an hour: "
                "something else deletes what is made here, or the API does not show it. It is left alone for a while, and goes "
                "on at once if it is there again",
            )
        is_away = isinstance(current, PassInProject) and current.session.circuit.is_open
        if is_away and not isinstance(verdict, Record | LetGo):
            return Wait(
                Reason.UNREACHABLE, "the API does not answer: one call in a while is tried, and all goes on then"
            )
        held = _held(current, verdict)
        if held is not None and self._clock.monotonic() < held.until:
            return self._beside(current, held.verdict)
        return verdict

    def _beside(self, current: Pass, told: Wait | Stall) -> Wait | Stall:
        """Return `told`; for a wait, the first refusal of this generation with all messages, because a wait must not hide
        refusals.
        """
        refused = self._resting(current) if isinstance(told, Wait) else []
        return replace(refused[0], message="; ".join(each.message for each in (*refused, told))) if refused else told

    def _resting(self, current: Pass) -> list[Wait | Stall]:
        """Return the verdicts of the steps that were refused for this generation, and rest."""
        retry = current.memory.retry
        now, generation = self._clock.monotonic(), current.observed.generation
        return [
            each.verdict
            for each in (*retry.aside, retry.held)
            if each is not None and each.was_refused and now < each.until and each.generation == generation
        ]

    def rests(self, current: Pass) -> Callable[[Change], Stall | Wait | None]:
        """Return a function that returns why a change rests: it was surely refused, had no effect, or is a fight; None if it
        may be tried. A change that rests holds up none of the others.
        """

        def rests(change: Change) -> Stall | Wait | None:
            if self._is_fight(current, change):
                return drift_fight(change)
            if resting := self.effects.resting(current, change):
                return resting
            held = _held(current, change)
            is_resting = held is not None and self._clock.monotonic() < held.until
            return held.verdict if is_resting and held is not None and isinstance(held.verdict, Stall) else None

        return rests

    def shown_while(self, current: Pass, step: Step) -> Verdict:
        """Return the verdict to show while the step is under way.

        A step that is tried again shows its refusal until it works. While other refused steps rest beside it, the stall that was
        shown last for this generation stays.
        """
        retry = current.memory.retry
        held = _held(current, step)
        rests = any(each.was_refused for each in retry.remembered)
        if rests and retry.stalled is not None and retry.stalled[0] == current.observed.generation:
            return retry.stalled[1]
        return step if held is None else held.verdict

    def shown_at_rest(self, current: Pass, verdict: Verdict) -> Verdict:
        """Return the verdict to show for a verdict that is no step.

        Before a refused creation is tried again, the operator looks once more whether the object is there: meanwhile the refusal
        is shown.
        """
        held = current.memory.retry.held
        if held is None or not isinstance(held.verdict, Stall) or not is_look_before_creation(current, verdict):
            return verdict
        return held.verdict if is_held(held, current, Create(verdict.reason, verdict.message)) else verdict

    def _is_fight(self, current: Pass, change: Change) -> bool:
        since, generation = self._clock.monotonic() - FIGHT_SECONDS, current.observed.generation
        return current.memory.retry.corrections_since(since, aim(change.call), generation) >= FIGHT_CORRECTIONS

    def _is_made_again_too_often(self, current: Pass) -> bool:
        since = self._clock.monotonic() - MADE_AGAIN_SECONDS
        return current.memory.retry.made_again_since(since, current.observed.generation) >= MAX_MADE_AGAIN

    def _is_secret_fight(self, current: Pass, step: Credentials) -> bool:
        """Return whether the same content was written into the Secret REPAIRS_OF_A_SECRET times. Contents that differ, because
        the cloud has changed something, may follow one another.
        """
        view, credential = current.observed.credential, current.kind.credential
        if view is None or credential is None:
            return False
        is_of_another_hand = view.is_set_back or view.is_unvouched
        is_reset = step.step is PasswordStep.PREPARE and step.reason is Reason.PASSWORD_RESET
        if is_reset or (step.step in (PasswordStep.PREPARE, PasswordStep.CONFIRM) and is_of_another_hand):
            wanted = RESET
        elif step.step is PasswordStep.MOUNT and view.turns is not None:
            wanted = view.turns.content
        elif step.step is PasswordStep.WRITE:
            value = to_write(view, credential)
            wanted = RESET if value is None else content_hash(current, value)
        else:
            return False
        since = self._clock.monotonic() - FIGHT_SECONDS
        return current.memory.password.repairs_since(since, wanted) >= REPAIRS_OF_A_SECRET

    def failed(self, current: Pass, step: Step, error: ApiError, busy: CloudObject | NotSeen | None) -> Wait | Stall:
        """Remember that the API has refused the step, or has not answered; return the Wait or Stall to show.

        `busy` is the object that was found pending after a refusal as busy (`LooksById.what_is_busy`).
        """
        retry = current.memory.retry
        now = self._clock.monotonic()
        before, last = _held(current, step), retry.held
        if last is not None and not last.was_refused and (before is None or _is_later(last, before, step)):
            before = last  # what the step is based on may change to and fro: its failures count all the same
        failures = before.failures + 1 if before is not None else 1
        tries, now_seen = 0, _as_it_is(current)
        if isinstance(error, Busy) and isinstance(busy, NotSeen):
            tries = before.busy_tries if before is not None else 0
            verdict, least = meaning_of_busy(error, None, 0)
        elif isinstance(error, Busy) and not isinstance(busy, NotSeen):
            # If something has worked on the objects since the last refusal, that may have been the reason for it.
            tries = before.busy_tries + 1 if before is not None and before.as_it_was == now_seen else 1
            verdict, least = meaning_of_busy(error, busy, tries)
        elif isinstance(error, NotFound) and failures > BUSY_TRIES:
            verdict, least = refused(error)  # an object that was only just being made or deleted would be seen by now
        else:
            verdict, least = meaning(error)
        pause = retry_delay(failures, self._draw, self._settings.min_backoff_seconds)
        if least is not None:
            pause = max(least, self._settings.min_backoff_seconds) if isinstance(verdict, Stall) else max(least, pause)
        self._set_aside(current, step)
        # The more steps rest, the longer each of them does: all together make no more calls than one.
        pause *= 1 + sum(now < held.until and not is_same_step(held, step) for held in retry.aside)
        unclear = isinstance(error, OutcomeUnknown)
        if unclear and isinstance(step, Create):
            before_it = current.observed.status.intent
            verdict = unclear_attempts(1 if before_it is None else before_it.attempt + 1) or verdict
        _hold(current, step, FailedStep(None, now + pause, verdict, failures, tries, now_seen, not unclear))
        return verdict

    def _set_aside(self, current: Pass, step: Step) -> None:
        """Keep the failures of other steps that were refused or still rest, and forget those of this step."""
        current.memory.retry.set_aside(self._clock.monotonic(), lambda held: is_held(held, current, step))

    def kubernetes_refused(self, current: Pass, step: Step, error: KubeRefused) -> Stall:
        """Remember that Kubernetes has refused what the step has to write; return the stall to show."""
        before, verdict = _held(current, step), kubernetes_refusal(error)
        failures = before.failures + 1 if before is not None else 1
        pause = retry_delay(failures, self._draw, self._settings.min_backoff_seconds)
        self._set_aside(current, step)
        _hold(current, step, FailedStep(None, self._clock.monotonic() + pause, verdict, failures))
        return verdict

    def after_defect(self, memory: Memory) -> float:
        """Remember that a pass has failed by a defect of the operator; return the seconds until the next pass."""
        failures = memory.retry.held.failures + 1 if memory.retry.held else 1
        pause = retry_delay(failures, self._draw, self._settings.min_backoff_seconds)
        defect = Wait(Reason.UNREACHABLE, "a pass failed")
        memory.retry.has_failed(FailedStep(None, self._clock.monotonic() + pause, defect, failures))
        return pause

    def succeeded(self, current: Pass, step: Step) -> None:
        """Note that a step has worked, so that its next failure is a first one. A Record proves nothing, so it changes nothing
        here but the count of objects made again.

        A deletion that was accepted may have no effect yet: it rests, so that it is not asked for again at once.
        """
        retry = current.memory.retry
        if _makes_again(step):
            retry.was_made_again(current.observed.generation, self._clock.monotonic())
        if isinstance(step, Change):
            retry.was_corrected(aim(step.call), current.observed.generation, self._clock.monotonic())
            self.effects.was_accepted(current, step)
        if isinstance(step, Create | Change | Credentials):
            self._set_aside(current, step)
        elif isinstance(step, Delete):
            before = retry.held
            times = before.failures + 1 if before is not None and is_held(before, current, step) else 1
            pause = retry_delay(times, self._draw, self._settings.min_backoff_seconds)
            told: Wait | Stall = Wait(Reason.DELETING, "the API has accepted the deletion, and still shows the object")
            if times > DELETED_IN_VAIN:
                told = Stall(
                    Reason.PENDING_TOO_LONG,
                    f"the API has accepted the deletion of {current.observed.status.id} many times, and still shows it: "
                    "look there, or ask the provider's support with this id; it is asked for again by itself",
                )
            _hold(
                current,
                step,
                FailedStep(None, self._clock.monotonic() + pause, told, times, statuses_count=False),
            )

    def again_seconds(self, current: Pass, verdict: Verdict) -> float | None:
        """Return the seconds until a resting step may be tried again; zero if its rest has ended while the pass still showed
        it; None if no step rests.
        """
        now, held = self._clock.monotonic(), current.memory.retry.remembered
        over = [each for each in held if each.until <= now and not each.has_woken and _says(verdict, each)]
        for each in over:
            each.has_asked_for_a_pass()
        return 0.0 if over else min((each.until - now for each in held if each.until > now), default=None)


def is_look_before_creation(current: Pass, verdict: Verdict) -> bool:
    """Return whether the verdict waits for a list before the object is made, be it that this list cannot be had at present."""
    creation = current.observed.creation
    reasons = {Reason.LOOKING} if creation.unlisted is None else {Reason.LOOKING, creation.unlisted.reason}
    return not creation.has_looked and verdict.reason in reasons


def _makes_again(verdict: Verdict) -> bool:
    return isinstance(verdict, Record) and verdict.reason is Reason.GONE


def _says(verdict: Verdict, held: FailedStep) -> bool:
    """Return whether the verdict shows the verdict of `held`, alone or together with others."""
    return verdict is held.verdict or (
        type(verdict) is type(held.verdict)
        and verdict.reason is held.verdict.reason
        and held.verdict.message in verdict.message
    )


def _is_later(held: FailedStep, before: FailedStep, step: Step) -> bool:
    return is_same_step(held, step) and held.failures > before.failures


def _held(current: Pass, step: Step) -> FailedStep | None:
    """Return what is remembered of this step if everything that it is based on is as it was then; else None."""
    retry = current.memory.retry
    return next(
        (held for held in (retry.held, *retry.aside) if held is not None and is_held(held, current, step)),
        None,
    )


def _as_it_is(current: Pass) -> object:
    """Return a value that differs once the cloud has worked on the object, or on the objects that it refers to: at least their
    `updated_at` differs then.
    """
    observed = current.observed
    return [observed.external, *(referred.object for referred in observed.refs.values()), *observed.needed.values()]


def _hold(current: Pass, step: Step, held: FailedStep) -> None:
    held.stands_on(fingerprint(held, current, step), current.observed.generation)
    current.memory.retry.has_failed(held)
