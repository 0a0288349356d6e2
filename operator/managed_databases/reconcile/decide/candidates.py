"""Finds the cloud objects that an attempt to create, of unknown outcome, may have made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.observed import CreationView, Observed
from managed_databases.kinds.shared_fields import Intent
from managed_databases.kinds.verdicts import Reason, Stall, Wait

MAX_UNCLEAR_ATTEMPTS = 2
"""After this number of attempts of unknown outcome, with no object to be seen, the resource asks a person to look."""


def candidates(kind: CloudKind, namesakes: Sequence[CloudObject], intent: Intent) -> list[CloudObject]:
    """Return the namesakes that the attempt may have made: objects that are new since then, and equal to the intent in all
    fields that never change.
    """
    return [
        namesake
        for namesake in namesakes
        if namesake.id not in intent.others and not fields_that_differ(intent.expected, kind.expected_of(namesake))
    ]


def looking(creation: CreationView, message: str, seconds: float = 0.0) -> Stall | Wait:
    """Return the wait for a list that comes in `seconds` more seconds, or once it can be had. If only the list is missing, and it
    cannot be had, that is told.
    """
    if not seconds and creation.unlisted is not None:
        return replace(creation.unlisted, message=f"{message}; {creation.unlisted.message}")
    return Wait(Reason.LOOKING, message, seconds or None)


def wait_after(intent: Intent, seconds: float, creation: CreationView) -> Stall | Wait:
    """Return the wait of `seconds` more seconds after an attempt of unknown outcome, or for the list after that."""
    told = "the last attempt to create may have worked: the operator waits, and the next list after that will tell"
    return unclear_attempts(intent.attempt, seconds) or looking(creation, told, seconds)


def unclear_attempts(attempt: int, seconds: float = 0.0) -> Stall | None:
    """Return the stall after several attempts without a clear answer; None after the first ones."""
    if attempt <= MAX_UNCLEAR_ATTEMPTS:
        return None
    return Stall(
        Reason.DUPLICATE_SUSPECTED,
        "attempts to create have ended without a clear answer again and again, and the API shows nothing that they made: look "
        "there. What shows is taken; if nothing does, it is tried again after a long pause",
        retry_seconds=seconds or None,
    )


def unreadable_since(observed: Observed, intent: Intent) -> Wait | None:
    """Return the wait for a new object without a readable key, which the attempt may have made; None if there is no such
    object.
    """
    if new := sorted(set(observed.same_key.unreadable) - set(intent.others)):
        return Wait(
            Reason.LOOKING,
            f"the last attempt may have made {', '.join(new)}, of which the API does not tell enough: nothing is made again "
            "until it does, or that is gone",
        )
    return None


def fields_that_differ(expected: Mapping[str, object], actual: Mapping[str, object]) -> list[str]:
    """Return the names of the fields that differ. A field that the spec or the API does not tell (None) proves nothing."""
    return [field for field, value in expected.items() if value is not None and actual.get(field) not in (None, value)]
