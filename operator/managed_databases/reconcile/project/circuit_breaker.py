"""A project whose API does not answer is left alone, but for a probe now and then."""

from managed_databases.reconcile.clock import Clock

_LOOK_SECONDS = 5.0


class Circuit:
    """Opens after `threshold` calls in a row of unknown outcome or never sent, at least one of which was the operator's own
    reading: what somebody asks for may be the very thing that the API has no answer to, and the others go on. Any answer,
    also a refusal, closes it.

    While it is open one call per `probe_seconds` may be made. `next_probe` is the clock's moment of the next one; it
    means nothing while the circuit is closed. `times_closed` counts how often the API came back.
    """

    def __init__(self, clock: Clock, threshold: int = 5, probe_seconds: float = 30.0) -> None:
        self._clock = clock
        self._threshold = threshold
        self._probe_seconds = probe_seconds
        self._failures = 0
        self._own_failures = 0
        self._look_again = 0.0
        self.is_open = False
        self.next_probe = 0.0
        self.times_closed = 0

    def record(self, ok: bool, *, is_own: bool = True) -> bool:
        """Enter how a call ended, `ok` when the API answered; return whether the circuit opened or closed by it."""
        was_open = self.is_open
        self._failures = 0 if ok else self._failures + 1
        self._own_failures = 0 if ok else self._own_failures + is_own
        self.is_open = not ok and (was_open or (self._failures >= self._threshold and self._own_failures > 0))
        if self.is_open and not was_open:
            self.next_probe = self._clock.monotonic() + self._probe_seconds
        if was_open and not self.is_open:
            self.times_closed += 1
        return self.is_open != was_open

    def needs_a_look(self) -> bool:
        """Whether only a reading of the operator's own is missing to know that the API does not answer: True now and then."""
        now = self._clock.monotonic()
        if self.is_open or self._failures < self._threshold or now < self._look_again:
            return False
        self._look_again = now + _LOOK_SECONDS
        return True

    def may_probe(self) -> bool:
        """Take the probe of this interval: True at most once in each, and False while the circuit is closed."""
        now = self._clock.monotonic()
        if not self.is_open or now < self.next_probe:
            return False
        self.next_probe = now + self._probe_seconds
        return True
