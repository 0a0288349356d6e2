"""What the API tells is in messages: their length is bounded, or the API server would refuse the whole status."""

from datetime import UTC, datetime

import pytest

from kinds.builders import datastore, seen_datastore
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.shared_fields import MAX_KEY
from managed_databases.kinds.verdicts import Done, Reason
from managed_databases.reconcile.report.conditions import MAX_MESSAGE, conditions
from managed_databases.reconcile.report.status import status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "kept"), [(0, 0), (MAX_MESSAGE, MAX_MESSAGE), (MAX_MESSAGE + 1, MAX_MESSAGE), (10**6, MAX_MESSAGE)]
)
def test_a_message_is_cut(length: int, kept: int) -> None:
    [told] = conditions((), 1, {"Stalled": (True, Reason.INVALID, "x" * length)}, NOW)
    assert len(told["message"]) == kept
    assert told["message"].endswith("...") is (length > kept)


def test_a_status_of_the_api_that_is_too_long_is_cut() -> None:
    observed = seen_datastore(external=datastore(status="S" * 10**6))
    told = status(KIND, observed, Done(Reason.IN_SYNC, "m"), {}, NOW)
    assert told["phase"] == "S" * 64
    KIND.status.model_validate(told)


def test_a_name_that_is_too_long_is_cut_where_the_identity_tells_it() -> None:
    observed = seen_datastore(external=datastore(name="n" * 10**5))
    identity = {"project": "p", "projectID": "0" * 32, "region": "r", "key": ["old"]}
    told = status(KIND, observed, Done(Reason.IN_SYNC, "m"), {"id": "i", "identity": identity}, NOW)
    assert max(map(len, told["identity"]["key"])) == MAX_KEY
    KIND.status.model_validate(told)
