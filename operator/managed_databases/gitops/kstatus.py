"""The word that kstatus has for a custom resource: what Flux waits for, and `kpt` and `cli-utils` with it.

The rules are those of `Compute` in github.com/fluxcd/cli-utils/pkg/kstatus/status as far as they concern a resource that
kstatus knows nothing special of; a test holds them against the original.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Word(StrEnum):
    """kstatus' words, as far as a resource that exists can have them."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


def kstatus(resource: Mapping[str, Any]) -> Word:
    """`resource` is the whole object as Kubernetes shows it."""
    metadata, status = resource["metadata"], resource.get("status", {})
    if metadata.get("deletionTimestamp"):
        return Word.TERMINATING
    if "observedGeneration" in status and status["observedGeneration"] != metadata.get("generation"):
        return Word.IN_PROGRESS
    for condition in status.get("conditions", ()):
        match condition["type"], condition["status"]:
            case "Reconciling", "True":
                return Word.IN_PROGRESS
            case "Stalled", "True":
                return Word.FAILED
    ready = next((each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"), "True")
    return Word.CURRENT if ready == "True" else Word.IN_PROGRESS
