"""When a resource that failed is tried again."""

from collections.abc import Callable

_BASE_SECONDS = (2.0, 20.0, 120.0, 300.0, 600.0)
_JITTER = 0.25


def retry_delay(failures: int, draw: Callable[[], float], min_seconds: float = 2.0) -> float:
    """Return the seconds to wait after that many failures in a row: in [base, 1.25 * base).

    `draw` returns a random number in [0, 1). The base is 2, 20, 120, 300 and then 600 seconds, and never below `min_seconds`
    (for example what a Retry-After asked for). Jitter only adds to the base: with two calls in each attempt, a resource that
    always fails makes at most 8 calls in its first five minutes and at most 12 in any hour after that, whatever is drawn.
    Raises ValueError for `failures` below 1.
    """
    if failures < 1:
        raise ValueError(f"nothing failed: failures is {failures}")
    base = max(_BASE_SECONDS[min(failures, len(_BASE_SECONDS)) - 1], min_seconds)
    return base * (1 + _JITTER * draw())
