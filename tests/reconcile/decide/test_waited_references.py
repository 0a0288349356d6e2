"""Which references hold up a step, and which make that nothing can be compared."""

from dataclasses import replace

import pytest

from kinds.builders import DATASTORE_SPEC, parent
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.decide.waited_references import reference_problem, unknown_reference
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

PROBLEM = Wait(Reason.PARENT_NOT_READY, "waits for ManagedDatastore main")
USABLE, AT_WORK = parent(), replace(parent(), problem=PROBLEM)
UNKNOWN = Referred("ManagedDatastore main", problem=PROBLEM)
IN_MAIN = {"datastoreRef": {"name": "main"}}
TOPIC = Stage(resource("KafkaTopic", "t", spec=IN_MAIN)).current
USER = Stage(resource("DatabaseUser", "app", spec=IN_MAIN)).current
GRANT_SPEC = IN_MAIN | {"databaseRef": {"name": "orders"}, "userRef": {"name": "app"}}
GRANT = Stage(resource("DatabaseGrant", "g", spec=GRANT_SPEC)).current
COPY = Stage(resource("ManagedDatastore", "copy", spec=DATASTORE_SPEC)).current


@pytest.mark.parametrize(
    ("why", "referred", "holds_up", "is_unknown"),
    [
        ("it can be used", USABLE, False, False),
        ("it is at work", AT_WORK, True, False),
        ("it is not known", UNKNOWN, True, True),
    ],
)
def test_what_a_reference_holds_up(why: str, referred: Referred, holds_up: bool, is_unknown: bool) -> None:
    observed = replace(TOPIC.observed, refs={"datastoreRef": referred})
    assert (reference_problem(TOPIC.kind, observed) is PROBLEM) == holds_up, why
    assert (unknown_reference(TOPIC.kind, observed) is PROBLEM) == is_unknown, why


def test_what_is_not_waited_for_holds_nothing_up() -> None:
    """The database of a user may itself wait for that user."""
    observed = replace(USER.observed, refs={"datastoreRef": USABLE, "databaseRef": UNKNOWN})
    assert reference_problem(USER.kind, observed) is None
    assert unknown_reference(USER.kind, observed) is None


def test_what_only_the_creation_reads_holds_up_only_that() -> None:
    observed = replace(COPY.observed, refs={"restore.datastoreRef": UNKNOWN})
    assert reference_problem(COPY.kind, observed, at_creation=True) is PROBLEM
    assert reference_problem(COPY.kind, observed) is None
    assert unknown_reference(COPY.kind, observed) is None


def test_what_is_not_referred_to_is_no_problem() -> None:
    observed = replace(USER.observed, refs={})
    assert reference_problem(USER.kind, observed) is None
    assert unknown_reference(USER.kind, observed) is None


@pytest.mark.parametrize("first", [USABLE, Referred("ManagedDatabase orders")])
def test_a_problem_of_any_of_them_counts(first: Referred) -> None:
    observed = replace(GRANT.observed, refs={"databaseRef": first, "userRef": UNKNOWN})
    assert reference_problem(GRANT.kind, observed) is PROBLEM
    assert unknown_reference(GRANT.kind, observed) is PROBLEM
