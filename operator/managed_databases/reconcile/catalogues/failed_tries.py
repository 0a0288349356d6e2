"""What was tried and failed: it rests, and then comes after all that has not failed. So what always fails holds up no other."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final, Generic, NamedTuple, TypeVar

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.ports import KubeError, KubeRefused, NotThere

REST_SECONDS: Final = 600.0
"""Seconds until the next try after a refusal. After so many seconds it is also told that something has no answer."""
AWAY_SECONDS: Final = 60.0
"""Seconds until the next try after a request that had no answer."""
MAX_FAILURES: Final = 3
"""After so many failures others are expected to fail as well, and wait for the next look."""
_GOING: Final = "being terminated"
"""What the API server says of a namespace that is being deleted."""

K = TypeVar("K")


class _Failure(NamedTuple):
    since: float
    until: float
    """Until then it rests."""
    why: str | None
    """None: it ends by itself, and nobody has to know."""
    tell_at: float


class Failures(Generic[K]):
    """`ends_on_refusals`: many refusals end a round as requests without an answer always do."""

    def __init__(self, clock: Clock, *, ends_on_refusals: bool = False) -> None:
        self._clock = clock
        self._ends_on_refusals = ends_on_refusals
        self._failed: dict[K, _Failure] = {}

    def __len__(self) -> int:
        return len(self._failed)

    def told(self) -> list[str]:
        """Return why something fails, first what has failed for the longest time; without what may end by itself."""
        now = self._clock.monotonic()
        return [each.why for each in self._failed.values() if each.why is not None and each.tell_at <= now]

    def forget_all_but(self, keys: Collection[K]) -> None:
        """The others are not to be tried any more."""
        self._failed = {key: failure for key, failure in self._failed.items() if key in keys}

    async def each(self, keys: Iterable[K], work: Callable[[K], Awaitable[None]]) -> bool:
        """Do the work for each key that does not rest, and note which fail; return whether so many failed that the round has
        ended. Raises what is no KubeError.
        """
        now = self._clock.monotonic()
        failures = 0
        for key in sorted((key for key in keys if self._until(key) <= now), key=self._until):
            failures += await self._does_count(key, work)
            if failures >= MAX_FAILURES:
                return True
        return False

    def _until(self, key: K) -> float:
        failure = self._failed.get(key)
        return 0.0 if failure is None else failure.until

    async def _does_count(self, key: K, work: Callable[[K], Awaitable[None]]) -> bool:
        """Do the work; return whether it failed in a way in which that of others will fail."""
        try:
            await work(key)
        except NotThere:  # its namespace
            self._note(key, None, REST_SECONDS, 0.0)
            return False
        except KubeRefused as error:
            is_going = _GOING in str(error)
            self._note(key, None if is_going else str(error), REST_SECONDS, 0.0)
            return self._ends_on_refusals and not is_going
        except KubeError as error:
            self._note(key, str(error), AWAY_SECONDS, REST_SECONDS)
            return True
        self._failed.pop(key, None)
        return False

    def _note(self, key: K, why: str | None, rest_seconds: float, untold_seconds: float) -> None:
        now = self._clock.monotonic()
        known = self._failed.get(key)
        since = now if known is None else known.since
        self._failed[key] = _Failure(since, now + rest_seconds, why, since + untold_seconds)
