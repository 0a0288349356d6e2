"""What is said of restarts: by this process once it has looked, until then by the status as it is."""

from collections.abc import Mapping
from typing import Any

import pytest

from managed_databases.kinds.keeper_views import KeptViews, RestartView
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.report.restarted import CONDITION, restarted, restarted_for
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import Told
from reconcile.report.keeping import SAYS_NOTHING, kept, told

ASKS: dict[str, Any] = {"rolloutRestart": [{"kind": "Deployment", "name": "shop"}]}
WAITS = (Reason.RESTARTING, "Deployment shop is restarted")
KNOWN, KNOWN_AND_WAITS, NEW = RestartView(is_known=True), RestartView(is_known=True, told=WAITS), RestartView()
SAID = told(CONDITION, Reason.RESTART_INCOMPLETE, restartedFor="old")
GOES_ON = {CONDITION: (True, Reason.RESTARTING, "as it was")}
STAYS = {CONDITION: (True, Reason.RESTART_INCOMPLETE, "as it was")}


@pytest.mark.parametrize(
    ("why", "spec", "view", "deleting", "old", "says"),
    [
        ("all have the login", ASKS, KNOWN, False, SAID, {}),
        ("one has not", ASKS, KNOWN_AND_WAITS, False, SAID, {CONDITION: (True, *WAITS)}),
        ("nobody asks for restarts any more", {}, KNOWN_AND_WAITS, False, SAID, {}),
        ("nor is anybody there who looks", ASKS, None, False, SAID, STAYS),
        ("this process has not looked", ASKS, NEW, False, SAID, STAYS),
        ("what it has begun to say does not count", ASKS, RestartView(told=WAITS), False, SAID, STAYS),
        ("an earlier one has said nothing", ASKS, NEW, False, SAYS_NOTHING, {}),
        ("it is under way still", ASKS, NEW, False, told(CONDITION, "Restarting"), GOES_ON),
        ("another condition is not this one", ASKS, NEW, False, told("Stalled", "RestartIncomplete"), {}),
        ("a reason of another version is not repeated", ASKS, NEW, False, told(CONDITION, "Newer"), {}),
        ("nor one of another condition", ASKS, NEW, False, told(CONDITION, "Invalid"), {}),
        ("for a login that goes nothing is restarted", ASKS, KNOWN_AND_WAITS, True, SAID, {}),
        ("also before anybody has looked", ASKS, NEW, True, SAID, {}),
    ],
)  # fmt: skip
def test_the_condition(
    why: str, spec: dict[str, Any], view: RestartView | None, deleting: bool, old: Told, says: Mapping[str, Saying]
) -> None:
    assert restarted(kept(KeptViews(restart=view), deleting=deleting, **spec), old) == says, why


@pytest.mark.parametrize(
    ("why", "spec", "view", "expected"),
    [
        ("they have a new login", ASKS, RestartView(settled="new"), "new"),
        ("they are not through with it", ASKS, KNOWN_AND_WAITS, "old"),
        ("nobody has looked", ASKS, None, "old"),
        ("nobody asks for restarts: the next one who does begins anew", {}, RestartView(settled="new"), None),
    ],
)
def test_the_login_that_the_workloads_have(
    why: str, spec: dict[str, Any], view: RestartView | None, expected: str | None
) -> None:
    assert restarted_for(kept(KeptViews(restart=view), **spec), SAID) == expected, why
