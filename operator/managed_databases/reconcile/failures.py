"""What a failed call means for a resource (design, Errors from the API)."""

from typing import Any

from managed_databases.api.errors import (
    ApiError,
    Busy,
    Forbidden,
    Invalid,
    NeverSent,
    NotFound,
    RateLimited,
    Refused,
    TooLarge,
    Unauthorized,
)
from managed_databases.kinds.verdicts import Reason, Stall, Wait

SLOW_SECONDS = 600.0
"""How long a refused step rests before it is tried again for its own sake (design: every 10 min, slow lane)."""
BUSY_TRIES = 3
LONGEST_WAIT_SECONDS = 3600.0
"""The longest that one call waits because the API asks for it."""


def is_refusal(error: ApiError) -> bool:
    """The API changed nothing, for certain: it says so itself, or was never asked."""
    return isinstance(error, Refused | NeverSent) and not error.is_from_the_way


def meaning(error: ApiError) -> tuple[Wait | Stall, float | None]:
    """Return what to show, and the least seconds until the next try; None leaves them to the backoff.

    A `Busy` is asked back for first; see `meaning_of_busy`.
    """
    match error:
        case Invalid() | Forbidden():
            reason = Reason.FORBIDDEN if isinstance(error, Forbidden) else Reason.INVALID
            return Stall(reason, f"the API refuses: {error.message}", SLOW_SECONDS), SLOW_SECONDS
        case RateLimited():
            longest = min(error.retry_after_seconds or 0.0, LONGEST_WAIT_SECONDS) or None
            return Wait(Reason.RATE_LIMITED, "the API asks to call less often"), longest
        case Unauthorized():
            return Wait(Reason.PROJECT_NOT_READY, "the project's credentials are refused"), None
        case NotFound():
            return Wait(Reason.LOOKING, f"the API does not find what the call needs: {error.message}"), None
        case Refused():
            return Stall(Reason.REFUSED, f"the API refuses: {error.message}", SLOW_SECONDS), SLOW_SECONDS
        case NeverSent():
            return Wait(Reason.UNREACHABLE, f"the API cannot be reached: {error.message}"), None
        case TooLarge():
            return Wait(Reason.UNREACHABLE, f"the API's answer is not believed: {error.message}"), None
        case _:
            return Wait(Reason.UNREACHABLE, f"the API did not answer clearly: {error.message}"), None


def meaning_of_busy(error: Busy, busy: Any, tries: int) -> tuple[Wait | Stall, float | None]:
    """`busy` is the object that was found pending, None when nothing is: three tries, then a person must look."""
    if busy is not None:
        return Wait(Reason.BUSY, f"the cloud is at work on {busy.id} ({busy.status}): {error.message}"), None
    if tries < BUSY_TRIES:
        return Wait(Reason.BUSY, f"the API refuses for now: {error.message}"), None
    return Stall(Reason.REFUSED, f"the API refuses: {error.message}", SLOW_SECONDS), SLOW_SECONDS
