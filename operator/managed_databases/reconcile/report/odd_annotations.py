"""Annotations that have the operator's prefix and no effect: a person who mistyped one would wait in vain."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.registry import GROUP
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.annotations import (
    APPROVE,
    FORCE_DELETE,
    OF_PEOPLE,
    OWNED_BY,
    PAUSED,
    RECREATE,
    ROTATE_PASSWORD,
    rotation_request,
)
from managed_databases.reconcile.decide.differences import awaited_approvals
from managed_databases.reconcile.statuses.conditions import Saying

ODD_ANNOTATION: Final = "OddAnnotation"
"""The condition that tells of them, as long as they are there. It stands beside Ready, and decides nothing."""
_SWITCHES: Final = (FORCE_DELETE, PAUSED)
_HASH: Final = re.compile("[0-9a-f]{12}")


def odd_annotations(kind: CloudKind, observed: Observed, *, is_approval_odd: bool) -> str | None:
    """Return what to say about annotations of a resource that have no effect; None if there are none.

    The approval comes first: a new process looks for it in the message, the end of which may be cut off.
    """
    told = []
    if is_approval_odd:
        approval = told_approval(observed.annotations[APPROVE])
        told.append(
            f"the annotation {approval} approves nothing: it takes the value that the message of a waiting change names"
        )
    recreate = observed.annotations.get(RECREATE)
    if recreate is not None and recreate not in (observed.status.id, *observed.status.lost_ids):
        told.append(
            f"the annotation {RECREATE} has an effect only with the id of this resource's object, once that is gone"
        )
    if (unasked := _changes_no_password(kind, observed)) is not None:
        told.append(f"the annotation {ROTATE_PASSWORD} has no effect: {unasked}")
    return "; ".join([*told, *_mistyped(observed.annotations)]) or None


def told_approval(value: str) -> str:
    """Return how the annotation that approves a change is told: a value that no change has may be a secret, pasted by mistake."""
    return f"{APPROVE}: {value}" if _HASH.fullmatch(value) else APPROVE


def is_approval_odd(kind: CloudKind, observed: Observed, before: tuple[str, bool] | None, *, was_told: bool) -> bool:
    """Return whether the annotation that approves a change approves none, and never did as far as is known.

    One that is left of a change that was made is not odd, whatever else waits by now. `before` is the approval at the last look
    and whether it was odd; a process that has only started believes what the status says (`was_told`): the change may be made.
    """
    value = observed.annotations.get(APPROVE)
    if value is None:
        return False
    awaited = awaited_approvals(kind, observed)
    if awaited is not None and value in awaited:
        return False
    if not _HASH.fullmatch(value):
        return True
    if before is not None and before[0] == value:
        return before[1]
    if awaited is None:
        return was_told
    return before is not None or was_told


def odd_annotation(observed: Observed) -> Mapping[str, Saying]:
    """Return the condition, or none."""
    told = observed.odd_annotations
    return {} if told is None else {ODD_ANNOTATION: (True, Reason.ODD_ANNOTATION, told)}


def _changes_no_password(kind: CloudKind, observed: Observed) -> str | None:
    """Return why the annotation that asks for another password gets none; None if it does, if it got one, or if there is none."""
    asked, credential, told = rotation_request(observed.annotations), kind.credential, observed.status.rotation
    if asked is None:
        return None
    if credential is None or credential.set_password is None or not credential.applies(observed):
        return "this resource has no password that the operator changes"
    is_answered = told is not None and told.handled_request == asked
    if credential.given(observed.spec) is not None and not is_answered:
        return "a password of yours changes when you write another one into its Secret"
    return None


def _mistyped(annotations: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(annotations.items()):
        if not name.startswith(f"{GROUP}/") or name == OWNED_BY:
            continue
        if name not in OF_PEOPLE:
            meant = nearest(
                name.removeprefix(f"{GROUP}/"), [each.removeprefix(f"{GROUP}/") for each in OF_PEOPLE], most=1
            )
            hint = f"did you mean {GROUP}/{meant[0]}?" if meant else f"there are {', '.join(OF_PEOPLE)}"
            yield f"the annotation {name} has no effect: {hint}"
        elif name in _SWITCHES and value not in ("true", "false"):
            yield f'the annotation {name} has an effect only with the value "true"'
