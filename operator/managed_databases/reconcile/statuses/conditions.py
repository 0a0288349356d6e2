"""Makes the conditions of a status, with their generation and times."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from managed_databases.kinds.shared_fields import Condition
from managed_databases.kinds.verdicts import Reason
from managed_databases.kinds.written import Written, written_as
from managed_databases.reconcile.told import ToldCondition
from managed_databases.visible import visible

Saying = tuple[bool | None, Reason, str]
"""Whether a condition is true (None: unknown), its reason, and its message: what has happened, and what to do."""

MAX_MESSAGE = 4_000
"""The most characters of a message. Messages quote the API, and a text that is too long would have the whole status refused."""

_STATUS: Final[Mapping[bool | None, Literal["True", "False", "Unknown"]]] = {
    True: "True",
    False: "False",
    None: "Unknown",
}
_condition = written_as(Condition)


def conditions(
    old: Iterable[ToldCondition], generation: int, says: Mapping[str, Saying], now: datetime
) -> list[Written]:
    """Return `status.conditions` (Kubernetes' `metav1.Condition`), one for each item of `says`, in their order.

    A condition's `lastTransitionTime` changes only when its `status` does, so that a pass at rest changes nothing.
    """
    before = {condition.type: condition for condition in old}
    stamped = []
    for type_, (truth, reason, text) in says.items():
        status = _STATUS[truth]
        last = before.get(type_)
        since = last.last_transition_time if last is not None and last.status == status else ""
        stamped.append(
            _condition(
                type=type_,
                status=status,
                reason=str(reason),
                message=as_message(text),
                observed_generation=generation,
                last_transition_time=since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        )
    return stamped


def as_message(text: str) -> str:
    """Return the text as the message of a condition: all of it visible, and no more than a status takes."""
    message = visible(text)
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 3]}..."


class StatusSummary(NamedTuple):
    """What `kubectl get` shows of a status: the reason and the message of the worst condition; no message if all is well."""

    reason: str | None
    message: str | None


_EVERY_KIND_HAS: Final = frozenset({"Ready", "Synced", "Reconciling", "Stalled"})


def summary(stamped: Iterable[Written]) -> StatusSummary:
    """Return the summary of the conditions that `conditions` has made.

    The worst comes first: the object serves not (Ready), a person must act (Stalled), something is odd (each condition that only
    some kinds have is bad news), the spec is not carried out yet (Synced).
    """
    by_type = {str(condition["type"]): condition for condition in stamped}
    bad = [by_type.get("Ready"), by_type.get("Stalled")]
    bad += [condition for type_, condition in by_type.items() if type_ not in _EVERY_KIND_HAS]
    bad.append(by_type.get("Synced"))
    for condition in bad:
        if condition is None or (condition["status"] == "True") is (condition["type"] in ("Ready", "Synced")):
            continue
        return StatusSummary(str(condition["reason"]), str(condition["message"]))
    synced = by_type.get("Synced")
    if synced is None:
        return StatusSummary(None, None)
    if synced["reason"] == Reason.IN_SYNC:
        return StatusSummary(str(Reason.READY), None)
    return StatusSummary(str(synced["reason"]), str(synced["message"]))
