"""Computes the status that kstatus gives to a custom resource, for which Flux, `kpt` and `cli-utils` wait.

The rules are those of `Compute` in github.com/fluxcd/cli-utils/pkg/kstatus/status for kinds without special rules; a test
compares them with the original.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Word(StrEnum):
    """The statuses of kstatus that an existing resource can have."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


def kstatus(resource: Mapping[str, Any]) -> Word:
    """Return the status of a resource; `resource` is the whole object as Kubernetes shows it."""
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
