"""Which steps may be tried now. A failed step rests; it is let go at once when what it would do, or its ground, changes."""

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
from managed_databases.reconcile.act.drift_fight import FIGHT_CORRECTIONS, FIGHT_SECONDS, aim, drift_fight
from managed_databases.reconcile.act.effects import Effects
from managed_databases.reconcile.act.fingerprint import fingerprint, is_held, is_same_step
from managed_databases.reconcile.act.looks_by_id import NotSeen
from managed_databases.reconcile.act.secret_content import RESET, content_hash
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.decide.candidates import unclear_attempts
from managed_databases.reconcile.decide.failures import (
    BUSY_TRIES,
    kubernetes_refusal,
    meaning,
    meaning_of_busy,
    refused,
)
from managed_databases.reconcile.memory import FailedStep, Memory
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import KubeRefused
from managed_databases.reconcile.report.status import secret_name
from managed_databases.reconcile.scheduling.backoff import retry_delay
from managed_databases.reconcile.settings import ControllerSettings

_MAX_ASIDE = 16
REPAIRS_OF_A_SECRET = 5
DELETED_IN_VAIN = 8
"""After so many deletions that were accepted and did nothing a person is told."""
MAX_MADE_AGAIN = 3
MADE_AGAIN_SECONDS = 3600.0


class RetryPolicy:
    """Judges over each resource's `RetryMemory`."""

    def __init__(self, clock: Clock, settings: ControllerSettings, draw: Callable[[], float]) -> None:
        self._clock = clock
        self._settings = settings
        self._draw = draw
        self.effects = Effects(clock, settings, draw)

    def hold_back(self, current: Pass, verdict: Verdict) -> Verdict:
        """Return the verdict, or what to say while its step rests."""
        if not isinstance(verdict, Step):
            return verdict
        if isinstance(verdict, Credentials) and self._is_secret_fight(current, verdict):
            name = secret_name(current.kind, current.observed)
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
        """What waits does not hide what was refused before it."""
        refused = self._resting(current) if isinstance(told, Wait) else []
        return replace(refused[0], message="; ".join(each.message for each in (*refused, told))) if refused else told

    def _resting(self, current: Pass) -> list[Wait | Stall]:
        """What was refused of this generation, and rests."""
        retry = current.memory.retry
        now, generation = self._clock.monotonic(), current.observed.generation
        return [
            each.verdict
            for each in (*retry.aside, retry.held)
            if each is not None and is_set_aside(each) and now < each.until and each.generation == generation
        ]

    def rests(self, current: Pass) -> Callable[[Change], Stall | Wait | None]:
        """Return what to say of a change that was surely refused, or accepted without an effect, and rests; such a one holds
        up none of the others.
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
        """What to say while the step is under way: one that is tried again is as refused as before until it works, and so
        are those that rest beside it.
        """
        retry = current.memory.retry
        held = _held(current, step)
        rests = any(is_set_aside(each) for each in (retry.held, *retry.aside, *retry.accepted) if each is not None)
        if rests and retry.stalled is not None and retry.stalled[0] == current.observed.generation:
            return retry.stalled[1]
        return step if held is None else held.verdict

    def shown_at_rest(self, current: Pass, verdict: Verdict) -> Verdict:
        """What to say instead of a verdict that is no step: a creation that was refused stays so while it is looked once
        more whether the object is there, before it is tried again.
        """
        held = current.memory.retry.held
        if held is None or not isinstance(held.verdict, Stall) or not is_look_before_creation(current, verdict):
            return verdict
        return held.verdict if is_held(held, current, Create(verdict.reason, verdict.message)) else verdict

    def _is_fight(self, current: Pass, change: Change) -> bool:
        retry = current.memory.retry
        since = self._clock.monotonic() - FIGHT_SECONDS
        retry.corrections = [correction for correction in retry.corrections if correction[0] >= since]
        same = [c for c in retry.corrections if c[1:] == (aim(change.call), current.observed.generation)]
        return len(same) >= FIGHT_CORRECTIONS

    def _is_made_again_too_often(self, current: Pass) -> bool:
        retry = current.memory.retry
        since = self._clock.monotonic() - MADE_AGAIN_SECONDS
        retry.remade = [each for each in retry.remade if each[0] >= since]
        return sum(generation == current.observed.generation for _, generation in retry.remade) >= MAX_MADE_AGAIN

    def _is_secret_fight(self, current: Pass, step: Credentials) -> bool:
        """Whether the same has been written again and again. What differs by the cloud's doing may follow each other."""
        view, credential = current.observed.credential, current.kind.credential
        since = self._clock.monotonic() - FIGHT_SECONDS
        current.memory.password.repairs = [repair for repair in current.memory.password.repairs if repair[0] >= since]
        if view is None or credential is None:
            return False
        if step.step is PasswordStep.PREPARE and step.reason is Reason.PASSWORD_RESET:
            wanted = RESET
        elif step.step is PasswordStep.WRITE:
            value = view.password if credential.value_of is None else view.given
            wanted = RESET if value is None else content_hash(current, value)
        else:
            return False
        return sum(repair[1] == wanted for repair in current.memory.password.repairs) >= REPAIRS_OF_A_SECRET

    def failed(self, current: Pass, step: Step, error: ApiError, busy: CloudObject | NotSeen | None) -> Wait | Stall:
        """Remember the failure; return what to show."""
        retry = current.memory.retry
        now = self._clock.monotonic()
        before, last = _held(current, step), retry.held
        if last is not None and not is_set_aside(last) and (before is None or _is_later(last, before, step)):
            before = last  # the ground may change to and fro: it failed as often as it did
        failures = before.failures + 1 if before is not None else 1
        tries, now_seen = 0, _as_it_is(current)
        if isinstance(error, Busy) and isinstance(busy, NotSeen):
            tries = before.busy_tries if before is not None else 0
            verdict, least = meaning_of_busy(error, None, 0)
        elif isinstance(error, Busy) and not isinstance(busy, NotSeen):
            # Whatever has worked on it since the last refusal may have been its reason, seen at work or not.
            tries = before.busy_tries + 1 if before is not None and before.as_it_was == now_seen else 1
            verdict, least = meaning_of_busy(error, busy, tries)
        elif isinstance(error, NotFound) and failures > BUSY_TRIES:
            verdict, least = refused(error)  # what was only on its way, or on its way out, is seen by now
        else:
            verdict, least = meaning(error)
        pause = retry_delay(failures, self._draw, self._settings.min_backoff_seconds)
        if least is not None:
            pause = max(least, self._settings.min_backoff_seconds) if isinstance(verdict, Stall) else max(least, pause)
        self._set_aside(current, step)
        # The more of them rest, the longer each does: all together make no more calls than one.
        pause *= 1 + sum(now < held.until and not is_same_step(held, step) for held in retry.aside)
        unclear = isinstance(error, OutcomeUnknown)
        if unclear and isinstance(step, Create):
            before_it = current.observed.status.intent
            verdict = unclear_attempts(1 if before_it is None else before_it.attempt + 1) or verdict
        _hold(current, step, FailedStep(None, now + pause, verdict, failures, tries, now_seen, not unclear))
        return verdict

    def _set_aside(self, current: Pass, step: Step) -> None:
        """Keep what was refused or still rests beside this step, and nothing of this step."""
        retry = current.memory.retry
        held = retry.held
        if held is not None and (is_set_aside(held) or self._clock.monotonic() < held.until):
            retry.aside.append(held)
        retry.aside = [held for held in retry.aside if not is_held(held, current, step)][-_MAX_ASIDE:]
        retry.held = None

    def kubernetes_refused(self, current: Pass, step: Step, error: KubeRefused) -> Stall:
        """Remember that Kubernetes refused what the step has to write; return what to show."""
        before, verdict = _held(current, step), kubernetes_refusal(error)
        failures = before.failures + 1 if before is not None else 1
        pause = retry_delay(failures, self._draw, self._settings.min_backoff_seconds)
        self._set_aside(current, step)
        _hold(current, step, FailedStep(None, self._clock.monotonic() + pause, verdict, failures))
        return verdict

    def after_defect(self, memory: Memory) -> float:
        failures = memory.retry.held.failures + 1 if memory.retry.held else 1
        pause = retry_delay(failures, self._draw, self._settings.min_backoff_seconds)
        defect = Wait(Reason.UNREACHABLE, "a pass failed")
        memory.retry.held = FailedStep(None, self._clock.monotonic() + pause, defect, failures)
        return pause

    def succeeded(self, current: Pass, step: Step) -> None:
        """A step worked: the next failure is a first one. (A record is no proof of anything.)

        A deletion may be accepted and do nothing yet: it is not asked for again at once.
        """
        retry = current.memory.retry
        if _makes_again(step):
            retry.remade.append((self._clock.monotonic(), current.observed.generation))
        if isinstance(step, Change):
            retry.corrections.append((self._clock.monotonic(), aim(step.call), current.observed.generation))
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
        """The seconds until a resting step may be tried again; zero when its rest ended while the pass said so."""
        retry = current.memory.retry
        now = self._clock.monotonic()
        held = [each for each in (retry.held, *retry.aside, *retry.accepted) if each is not None]
        over = [each for each in held if each.until <= now and not each.has_woken and _says(verdict, each)]
        for each in over:
            each.has_woken = True  # once, as the same words may be said for a reason of today
        return 0.0 if over else min((each.until - now for each in held if each.until > now), default=None)


def is_look_before_creation(current: Pass, verdict: Verdict) -> bool:
    return (
        isinstance(current, PassInProject)
        and not current.observed.creation.has_looked
        and verdict.reason is Reason.LOOKING
    )


def _makes_again(verdict: Verdict) -> bool:
    return isinstance(verdict, Record) and verdict.reason is Reason.GONE


def is_set_aside(held: FailedStep) -> bool:
    """Whether it was refused for a reason of its own: other steps go past it, and it counts for none of them."""
    return isinstance(held.verdict, Stall)


def _says(verdict: Verdict, held: FailedStep) -> bool:
    """Whether the verdict is the held one, alone or with others."""
    return verdict is held.verdict or (
        type(verdict) is type(held.verdict)
        and verdict.reason is held.verdict.reason
        and held.verdict.message in verdict.message
    )


def _is_later(held: FailedStep, before: FailedStep, step: Step) -> bool:
    return is_same_step(held, step) and held.failures > before.failures


def _held(current: Pass, step: Step) -> FailedStep | None:
    """What is remembered of this step, on the same ground."""
    retry = current.memory.retry
    return next(
        (held for held in (retry.held, *retry.aside) if held is not None and is_held(held, current, step)),
        None,
    )


def _as_it_is(current: Pass) -> object:
    """Differs once the cloud has worked on the object, or on what it refers to: something of them, `updated_at` at
    least, is another then.
    """
    return [current.observed.external, *(referred.object for referred in current.observed.refs.values())]


def _hold(current: Pass, step: Step, held: FailedStep) -> None:
    held.step, held.generation = fingerprint(held, current, step), current.observed.generation
    current.memory.retry.held = held
