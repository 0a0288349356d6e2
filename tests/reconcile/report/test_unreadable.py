"""A pass that cannot end says why, and keeps all else that stood in the status, whatever that is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.report.unreadable import troubled_status, unreadable_status
from managed_databases.reconcile.told import Told

NOW = datetime(2026, 1, 31, tzinfo=UTC)
TROUBLE = Stall(Reason.OPERATOR_DEFECT, "a defect")
ODD: dict[str, Any] = {"id": 5, "identity": ["x"], "managed": [], "lostIDs": None, "strange": {"a": [1.5]}}


def resource(status: dict[str, Any], deleting_since: str | None = None) -> Resource:
    return Resource(ResourceKey("DatabaseUser", "shop", "app"), "1", "1", 3, "", deleting_since, (), {}, {}, status)


def ready(status: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": status, "lastTransitionTime": "2025-01-01T00:00:00Z"}]}


def said(status: dict[str, object]) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status, each.reason) for each in Told(status).conditions}


@pytest.mark.parametrize(
    ("why", "before", "deleting", "expected"),
    [
        ("it was ready", ready("True"), None, ("True", "Ready")),
        ("it was not", ready("False"), None, ("False", "OperatorDefect")),
        ("nothing is known", {}, None, ("False", "OperatorDefect")),
        ("it is being deleted", ready("True"), "2026-01-30T00:00:00Z", ("False", "OperatorDefect")),
    ],
)
def test_what_is_known_of_ready_stays(
    why: str, before: dict[str, Any], deleting: str | None, expected: tuple[str, str]
) -> None:
    told = said(troubled_status(resource(before, deleting), TROUBLE, NOW))
    assert told.pop("Ready") == expected, why
    assert told == {
        "Synced": ("False", "OperatorDefect"),
        "Reconciling": ("False", "OperatorDefect"),
        "Stalled": ("True", "OperatorDefect"),
    }


def test_of_what_cannot_be_read_nobody_knows_whether_it_is_ready() -> None:
    told = said(unreadable_status(resource(ready("True")), "another version", NOW))
    assert (told["Ready"], told["Stalled"]) == (("Unknown", "InvalidSpec"), ("True", "InvalidSpec"))


def test_all_else_stays_as_it_stood_there() -> None:
    for told in (troubled_status(resource(ODD), TROUBLE, NOW), unreadable_status(resource(ODD), "why", NOW)):
        assert {**told, **ODD} == told
        assert told.keys() - ODD.keys() == {"conditions", "observedGeneration", "reason", "message"}
        assert told["observedGeneration"] == 3
