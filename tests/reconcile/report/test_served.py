"""What is said of Services: by this process once it has looked, until then by the status as it is."""

from collections.abc import Mapping

import pytest

from managed_databases.kinds.keeper_views import KeptViews, ServicesView
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.report.served import CONDITION, served
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import Told
from reconcile.report.keeping import SAYS_NOTHING, kept, told

TAKEN = ServicesView(is_known=True, told="somebody else has a Service db")
SAID = told(CONDITION, Reason.SERVICE_INCOMPLETE)


@pytest.mark.parametrize(
    ("why", "view", "deleting", "old", "message"),
    [
        ("nobody asks for Services, and there is none", None, False, SAID, None),
        ("all are as they should be", ServicesView(is_known=True), False, SAID, None),
        ("one is not", TAKEN, False, SAID, "somebody else has a Service db"),
        ("this process has not looked", ServicesView(), False, SAID, "as it was"),
        ("nor has it what to say yet", ServicesView(told="too early"), False, SAYS_NOTHING, None),
        ("another condition is not this one", ServicesView(), False, told("Stalled", "ServiceIncomplete"), None),
        ("however another version calls the reason", ServicesView(), False, told(CONDITION, "Newer"), "as it was"),
        ("with the datastore the Services go", TAKEN, True, SAID, None),
    ],
)
def test_the_condition(why: str, view: ServicesView | None, deleting: bool, old: Told, message: str | None) -> None:
    expected: Mapping[str, Saying] = {}
    if message is not None:
        expected = {CONDITION: (True, Reason.SERVICE_INCOMPLETE, message)}
    assert served(kept(KeptViews(services=view), deleting=deleting), old) == expected, why
