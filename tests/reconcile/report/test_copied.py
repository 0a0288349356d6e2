"""What is said of copies: by this process once it has looked, until then by the status as it is."""

from collections.abc import Mapping

import pytest

from managed_databases.kinds.keeper_views import CopiesView, KeptViews
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.report.copied import CONDITION, copied, copies, refused
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import Told
from reconcile.report.keeping import SAYS_NOTHING, kept, told

REFUSED = (Reason.COPY_REFUSED, "the namespace b does not take it")
NEW = CopiesView()
SAID = told(CONDITION, Reason.COPY_INCOMPLETE)
STAYS = {CONDITION: (True, Reason.COPY_INCOMPLETE, "as it was")}


@pytest.mark.parametrize(
    ("why", "view", "deleting", "old", "says"),
    [
        ("nobody asks for copies, and there is none", None, False, SAID, {}),
        ("all are as they should be", CopiesView(is_known=True), False, SAID, {}),
        ("one is not", CopiesView(is_known=True, told=REFUSED), False, SAID, {CONDITION: (True, *REFUSED)}),
        ("this process has not looked", NEW, False, SAID, STAYS),
        ("an earlier one has said nothing", NEW, False, SAYS_NOTHING, {}),
        ("another condition is not this one", NEW, False, told("Stalled", Reason.COPY_REFUSED), {}),
        ("a reason of another version is not repeated", NEW, False, told(CONDITION, "Newer"), {}),
        ("nor one of another condition", NEW, False, told(CONDITION, Reason.INVALID), {}),
        ("with the user the copies go", CopiesView(is_known=True, told=REFUSED), True, SAID, {}),
        ("also before anybody has looked", NEW, True, SAID, {}),
    ],
)
def test_the_condition(
    why: str, view: CopiesView | None, deleting: bool, old: Told, says: Mapping[str, Saying]
) -> None:
    assert copied(kept(KeptViews(copies=view), deleting=deleting), old) == says, why


REFUSAL: Saying = (True, Reason.COPY_REFUSED, "no")


@pytest.mark.parametrize(
    ("why", "says", "expected"),
    [
        ("a person must act", {CONDITION: REFUSAL}, REFUSAL),
        ("it is tried again by itself", {CONDITION: (True, Reason.COPY_INCOMPLETE, "no")}, None),
        ("all is well", {}, None),
        ("of something else", {"Stalled": REFUSAL}, None),
    ],
)
def test_what_waits_for_a_person(why: str, says: Mapping[str, Saying], expected: Saying | None) -> None:
    assert refused(says) == expected, why


OLD = Told({"copies": ["a/login", 5]})


@pytest.mark.parametrize(
    ("why", "view", "expected"),
    [
        ("nobody knows of any: the status keeps its own, to be looked for", None, ["a/login"]),
        ("there are others", CopiesView(names=("b/login", "c/login")), ["b/login", "c/login"]),
        ("there are none any more", CopiesView(), []),
    ],
)
def test_the_copies_that_there_may_be(why: str, view: CopiesView | None, expected: list[str]) -> None:
    assert copies(kept(KeptViews(copies=view)), OLD) == expected, why
