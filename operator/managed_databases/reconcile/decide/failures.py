"""What a failed call means for a resource (docs/architecture.md, Errors)."""

import hashlib
from traceback import extract_tb

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
from managed_databases.api.models import CloudObject
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.ports import AlreadyThere, KubeError, KubeRefused, NotThere, WriteConflict

SLOW_SECONDS = 600.0
"""The seconds after which a refused step is tried again without any other cause."""
BUSY_TRIES = 3
KUBERNETES_SECONDS = 60.0
"""The seconds after which a read that Kubernetes refused is tried again: no event tells when it would be allowed."""
MAX_WAIT_SECONDS = 3600.0
"""The most seconds that one call waits because the API asks for it (Retry-After)."""
OLD_VIEW = (WriteConflict, AlreadyThere, NotThere)
"""What Kubernetes says when it has another version than ours."""
MAX_OLD_VIEW_SECONDS = 60.0
"""The longest pause while that is so, over and over."""


def pause_after_kube_error(error: KubeError, times: int) -> float:
    """Return the seconds until the next look: our view was old, or Kubernetes is away. `times` in a row it was so.

    What makes a view old for long, such as a watch that is told nothing, ends with a resync at the latest.
    """
    if isinstance(error, OLD_VIEW):
        first = 1.0 if isinstance(error, NotThere) else 0.2
        return float(min(first * 2 ** (min(times, 16) - 1), MAX_OLD_VIEW_SECONDS))
    return 30.0 if isinstance(error, KubeRefused) else 5.0


def kubernetes_refusal(error: KubeRefused) -> Stall:
    """Return the stall for a refusal of Kubernetes, in Kubernetes' own words; values that were to be written are masked."""
    return Stall(
        Reason.KUBERNETES_REFUSES,
        f"Kubernetes refuses {error}. Mend that there (a quota, an admission policy, an immutable Secret, the "
        "operator's permissions); it is tried again by itself, and at once on a change of the spec or the Secret",
        KUBERNETES_SECONDS,
    )


def defect(error: Exception, uid: str) -> tuple[str, Stall]:
    """Return a defect's incident and the stall to show. The log has the details under the same incident; the stall shows none
    of the error's text.

    The same defect of the same resource has the same incident, in any process.
    """
    frames = extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    incident = hashlib.sha256(f"{uid} {type(error).__name__} {place}".encode()).hexdigest()[:10]
    return incident, Stall(
        Reason.OPERATOR_DEFECT,
        f"a defect of the operator ({type(error).__name__}): nothing is done for this resource until it is gone. The "
        f"operator's log has the details in the line with incident={incident}; please report it. It is tried again "
        "by itself",
    )


def is_refusal(error: ApiError) -> bool:
    """Return whether the API has surely changed nothing: it refused the call, or the call was never sent."""
    return isinstance(error, Refused | NeverSent) and not error.is_from_the_way


def meaning(error: ApiError) -> tuple[Wait | Stall, float | None]:
    """Return the verdict to show for an error, and the least seconds until the next try; None: as the backoff says.

    For a `Busy` the caller looks at the object first, and then asks `meaning_of_busy`.
    """
    match error:
        case Invalid() | Forbidden():
            reason = Reason.FORBIDDEN if isinstance(error, Forbidden) else Reason.INVALID
            return Stall(reason, f"the API refuses: {error.message}", SLOW_SECONDS), SLOW_SECONDS
        case RateLimited():
            longest = min(error.retry_after_seconds or 0.0, MAX_WAIT_SECONDS) or None
            return Wait(Reason.RATE_LIMITED, "the API asks to call less often"), longest
        case Unauthorized():
            return Wait(Reason.PROJECT_NOT_READY, "the project's credentials are refused"), None
        case NotFound():
            return Wait(Reason.LOOKING, f"the API does not find what the call needs: {error.message}"), None
        case Refused():
            return refused(error)
        case NeverSent():
            return Wait(Reason.UNREACHABLE, f"the API cannot be reached: {error.message}"), None
        case TooLarge():
            return Wait(Reason.UNREACHABLE, f"the API's answer is not believed: {error.message}"), None
        case _:
            return Wait(Reason.UNREACHABLE, f"the API did not answer clearly: {error.message}"), None


def refused(error: ApiError) -> tuple[Stall, float]:
    """Return the stall for a refusal that does not go away by waiting, and the seconds until the next try."""
    return Stall(Reason.REFUSED, f"the API refuses: {error.message}", SLOW_SECONDS), SLOW_SECONDS


def meaning_of_busy(error: Busy, busy: CloudObject | None, tries: int) -> tuple[Wait | Stall, float | None]:
    """Return the verdict to show for a `Busy`, and the least seconds until the next try.

    `busy` is the object that was found pending; if None is, the call is tried three times, and then a person must look.
    """
    if busy is not None:
        return Wait(Reason.BUSY, f"the cloud is at work on {busy.id} ({busy.status}): {error.message}"), None
    if tries < BUSY_TRIES:
        return Wait(Reason.BUSY, f"the API refuses for now: {error.message}"), None
    return refused(error)
