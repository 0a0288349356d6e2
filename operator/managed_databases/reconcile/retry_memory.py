"""What the process remembers of steps that failed, and of changes that were made again and again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from managed_databases.kinds.verdicts import Stall, Verdict, Wait
from managed_databases.reconcile.step_fingerprint import Fingerprint

_MAX_ASIDE: Final = 16
"""The most failed steps that are remembered beside the last one."""


@dataclass
class FailedStep:
    """A step that has failed and may not be tried again yet, unless its fingerprint changes."""

    step: Fingerprint | None
    """What the step would do, and on what it is based; None after a pass that failed by a defect."""
    until: float
    """The moment when the step may be tried again."""
    verdict: Wait | Stall
    """What the status says while the step rests."""
    failures: int
    """How many times in a row the step has failed."""
    busy_tries: int = 0
    """How many times in a row the API refused the step as busy although nothing was found at work, while the objects that the
    step is about stayed `as_it_was`.
    """
    as_it_was: object = None
    statuses_count: bool = True
    """Whether the cloud's statuses are part of the fingerprint. False when the step may have worked: then a status may change
    by the effect of the step itself.
    """
    generation: int = 0
    """The generation of the spec that the step was for."""
    has_woken: bool = False
    """Whether another pass was asked for because the step's rest ended while a pass still showed `verdict`."""

    @property
    def was_refused(self) -> bool:
        """Whether the step was refused for a reason of its own: other steps are tried nevertheless, and its failures do not
        count for them.
        """
        return isinstance(self.verdict, Stall)

    def stands_on(self, step: Fingerprint, generation: int) -> None:
        """Note the fingerprint, which is made of what is held here, and the generation of the spec."""
        self.step, self.generation = step, generation

    def may_be_tried(self, now: float) -> None:
        """End the rest, if it has not ended."""
        self.until = min(self.until, now)

    def has_asked_for_a_pass(self) -> None:
        """Only once: the same message may be shown again for a new reason."""
        self.has_woken = True


@dataclass(slots=True)
class RetryMemory:
    """Which steps rest, and which changes were made again and again."""

    held: FailedStep | None = None
    """The step that failed last."""
    aside: list[FailedStep] = field(default_factory=list)
    """Other steps that have failed and rest."""
    accepted: list[FailedStep] = field(default_factory=list)
    """The changes that the API has accepted, until the object is seen without need of them."""
    corrections: list[tuple[float, object, int]] = field(default_factory=list)
    """The last changes: the moment, the aim (`act/drift_fight.py`), and the generation of the spec."""
    remade: list[tuple[float, int]] = field(default_factory=list)
    """The last times that an object that was gone was given up to be made again: the moment, and the generation of the spec."""
    stalled: tuple[int, Stall] | None = None
    """The generation of the spec and the stall that the status shows; None if it shows another verdict."""

    @property
    def busy_tries(self) -> int:
        return 0 if self.held is None else self.held.busy_tries

    @property
    def remembered(self) -> list[FailedStep]:
        return [each for each in (self.held, *self.aside, *self.accepted) if each is not None]

    def has_failed(self, step: FailedStep) -> None:
        self.held = step

    def set_aside(self, now: float, is_of_the_step: Callable[[FailedStep], bool]) -> None:
        """Keep what was refused or still rests beside a step, and nothing of that step."""
        held = self.held
        if held is not None and (held.was_refused or now < held.until):
            self.aside.append(held)
        self.aside = [each for each in self.aside if not is_of_the_step(each)][-_MAX_ASIDE:]
        self.held = None

    def was_accepted(self, change: FailedStep, before: FailedStep | None) -> None:
        """`before`: what is remembered of the same change."""
        self.accepted = [*(each for each in self.accepted if each is not before), change]

    def forget_accepted(self, now: float, seconds: float) -> None:
        """Forget the changes that might have been tried again for so many seconds."""
        self.accepted = [each for each in self.accepted if now < each.until + seconds]

    def had_effect(self, left: Iterable[FailedStep]) -> None:
        """Only the changes that are `left` are still needed."""
        self.accepted = [*left]

    def was_corrected(self, aim: object, generation: int, now: float) -> None:
        self.corrections.append((now, aim, generation))

    def corrections_since(self, since: float, aim: object, generation: int) -> int:
        """Return how often this was corrected; what is older than `since` is forgotten."""
        self.corrections = [correction for correction in self.corrections if correction[0] >= since]
        return sum(correction[1:] == (aim, generation) for correction in self.corrections)

    def was_made_again(self, generation: int, now: float) -> None:
        self.remade.append((now, generation))

    def made_again_since(self, since: float, generation: int) -> int:
        """Return how often what was gone was made again; what is older than `since` is forgotten."""
        self.remade = [each for each in self.remade if each[0] >= since]
        return sum(each[1] == generation for each in self.remade)

    def was_told(self, generation: int, verdict: Verdict) -> None:
        self.stalled = (generation, verdict) if isinstance(verdict, Stall) else None

    def begin_anew(self) -> None:
        """Let every step be tried at once, because a person asks for a sync.

        Corrections still count: whether somebody else changes the same field does not depend on the request.
        """
        self.held = None
        self.aside.clear()
        self.accepted.clear()
        self.remade.clear()
