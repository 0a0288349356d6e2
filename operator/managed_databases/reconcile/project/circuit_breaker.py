"""A circuit breaker: while a project's API does not answer, the operator sends it only a probe from time to time."""

from managed_databases.reconcile.clock import Clock

_LOOK_SECONDS = 5.0


class CircuitBreaker:
    """Opens after `threshold` calls in a row that ended without a clear answer or could not be sent, if at least one of them was
    the operator's own reading. (A resource's call may be one that the API never answers, while it answers all others.) Any
    answer, also a refusal, closes the circuit.

    While the circuit is open, one call may be made every `probe_seconds` seconds. `next_probe` is the moment of the clock of the
    next one; it has no meaning while the circuit is closed. `times_closed` counts how often the API came back.
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
        """Enter the end of a call; `ok`: the API answered; `is_own`: it was the operator's own reading. Return whether the call
        opened or closed the circuit.
        """
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
        """Return whether a reading of the operator's own should be made now: only that is missing to open the circuit. True at
        most once in each interval.
        """
        now = self._clock.monotonic()
        if self.is_open or self._failures < self._threshold or now < self._look_again:
            return False
        self._look_again = now + _LOOK_SECONDS
        return True

    def may_probe(self) -> bool:
        """Take the probe of this interval: return True at most once in each interval, and False while the circuit is closed."""
        now = self._clock.monotonic()
        if not self.is_open or now < self.next_probe:
            return False
        self.next_probe = now + self._probe_seconds
        return True
