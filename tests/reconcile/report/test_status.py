"""From the intent on there is something to lose: the same write tells the admission policy that the resource is protected."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kinds.builders import seen_user
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.shared_fields import Intent
from managed_databases.kinds.verdicts import Create, Reason, Wait
from managed_databases.reconcile.report.status import status
from managed_databases.reconcile.told import Told

NOW = datetime(2026, 1, 31, tzinfo=UTC)
INTENT: dict[str, Any] = {"attempt": 1, "waitSeconds": 30.0}
CREATE = Create(Reason.ABSENT, "no such object in the cloud yet")
UNCLEAR = Wait(Reason.LOOKING, "the outcome is unknown")


@pytest.mark.parametrize(
    ("why", "verdict", "old", "facts", "protected"),
    [
        ("nothing was begun", CREATE, {}, NOTHING, None),
        ("the intent is written now", CREATE, {}, Facts(intent=Intent.model_validate(INTENT)), True),
        ("it was written in this pass, which saw none", UNCLEAR, {"intent": INTENT}, NOTHING, True),
        ("it was surely refused", UNCLEAR, {"intent": INTENT}, Facts(intent=None), None),
    ],
)
def test_protected_from_the_intent_on(
    why: str, verdict: Any, old: dict[str, Any], facts: Facts, protected: bool | None
) -> None:
    assert status(KIND, seen_user(), verdict, Told(old), NOW, facts).get("protected") is protected, why
