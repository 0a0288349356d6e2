"""Conditions, stamped in one place."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from managed_databases.kinds.verdicts import Reason
from managed_databases.visible import visible

Saying = tuple[bool | None, Reason, str]
"""A condition's truth (None: unknown), its reason, and what happened and what to do."""

MAX_MESSAGE = 4_000
"""Characters of a message. The API's texts stand in it: one that is too long must not make the whole status refused."""

_STATUS = {True: "True", False: "False", None: "Unknown"}


def conditions(
    old: Sequence[Mapping[str, Any]], generation: int, says: Mapping[str, Saying], now: datetime
) -> list[dict[str, Any]]:
    """Return `status.conditions` (Kubernetes' `metav1.Condition`), one for each saying, in their order.

    `lastTransitionTime` moves only when the status does, so that a pass at rest changes nothing.
    """
    before = {condition.get("type"): condition for condition in old}
    stamped = []
    for type_, (truth, reason, text) in says.items():
        status, message = _STATUS[truth], visible(text)
        last = before.get(type_)
        unmoved = last is not None and last.get("status") == status and last.get("lastTransitionTime")
        stamped.append(
            {
                "type": type_,
                "status": status,
                "reason": str(reason),
                "message": message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 3]}...",
                "observedGeneration": generation,
                "lastTransitionTime": unmoved or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
    return stamped
