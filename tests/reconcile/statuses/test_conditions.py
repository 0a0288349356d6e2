"""Messages may contain texts of the API: their length is bounded, or the API server would refuse the whole status."""

from datetime import UTC, datetime

import pytest

from kinds.builders import datastore, seen_datastore
from managed_databases.kinds.managed_datastore import KIND
from managed_databases.kinds.shared_fields import MAX_KEY, Condition
from managed_databases.kinds.verdicts import Done, Reason
from managed_databases.reconcile.report.status import status
from managed_databases.reconcile.statuses.conditions import MAX_MESSAGE, Saying, StatusSummary, conditions, summary
from managed_databases.reconcile.told import Told, ToldCondition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "kept"), [(0, 0), (MAX_MESSAGE, MAX_MESSAGE), (MAX_MESSAGE + 1, MAX_MESSAGE), (10**6, MAX_MESSAGE)]
)
def test_a_message_is_cut(length: int, kept: int) -> None:
    [told] = conditions((), 1, {"Stalled": (True, Reason.INVALID, "x" * length)}, NOW)
    message = Condition.model_validate(told).message
    assert len(message) == kept
    assert message.endswith("...") is (length > kept)


OLD = "2025-01-01T00:00:00Z"
NEW = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("why", "old", "since"),
    [
        ("there was none", {}, NEW),
        ("it stays", {"type": "Ready", "status": "True", "lastTransitionTime": OLD}, OLD),
        (
            "another reason is no transition",
            {"type": "Ready", "status": "True", "reason": "x", "lastTransitionTime": OLD},
            OLD,
        ),
        ("it was not so", {"type": "Ready", "status": "False", "lastTransitionTime": OLD}, NEW),
        ("it was not known", {"type": "Ready", "status": "Unknown", "lastTransitionTime": OLD}, NEW),
        ("it did not say since when", {"type": "Ready", "status": "True"}, NEW),
        ("another condition", {"type": "Synced", "status": "True", "lastTransitionTime": OLD}, NEW),
        ("a null is nothing", {"type": "Ready", "status": "True", "lastTransitionTime": None}, NEW),
    ],
)
def test_since_when_it_is_so(why: str, old: dict[str, str | None], since: str) -> None:
    [told] = conditions([ToldCondition(old)], 2, {"Ready": (True, Reason.READY, "usable")}, NOW)
    assert told == {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "usable",
        "observedGeneration": 2,
        "lastTransitionTime": since,
    }, why


@pytest.mark.parametrize(("truth", "status"), [(True, "True"), (False, "False"), (None, "Unknown")])
def test_each_is_a_condition_of_the_model(truth: bool | None, status: str) -> None:
    [told] = conditions((), 1, {"Ready": (truth, Reason.READY, "")}, NOW)
    assert Condition.model_validate(told).model_dump(by_alias=True) == told
    assert told["status"] == status


def test_a_status_of_the_api_that_is_too_long_is_cut() -> None:
    observed = seen_datastore(external=datastore(status="S" * 10**6))
    told = status(KIND, observed, Done(Reason.IN_SYNC, "m"), Told({}), NOW)
    assert told["phase"] == "S" * 64
    KIND.status.model_validate(told)


def test_a_name_that_is_too_long_is_cut_where_the_identity_tells_it() -> None:
    observed = seen_datastore(external=datastore(name="n" * 10**5))
    identity = {"project": "p", "projectID": "0" * 32, "region": "r", "key": ["old"]}
    told = status(KIND, observed, Done(Reason.IN_SYNC, "m"), Told({"id": "i", "identity": identity}), NOW)
    whole = KIND.status.model_validate(told)
    assert whole.identity is not None
    assert max(map(len, whole.identity.key)) == MAX_KEY


SERVES: Saying = (True, Reason.READY, "usable")
FITS: Saying = (True, Reason.IN_SYNC, "the cloud matches the spec")
NO: Saying = (False, Reason.IN_SYNC, "the cloud matches the spec")
REFUSED = (Reason.INVALID, "no such version")


def of_all(ready: Saying, synced: Saying, stalled: Saying, **more: Saying) -> dict[str, Saying]:
    return {"Ready": ready, "Synced": synced, "Reconciling": NO, "Stalled": stalled, **more}


@pytest.mark.parametrize(
    ("why", "says", "shown"),
    [
        ("all is well", of_all(SERVES, FITS, NO), ("Ready", None)),
        ("it serves with an older spec", of_all(SERVES, (False, *REFUSED), (True, *REFUSED)), REFUSED),
        (
            "it serves not, and the spec is refused",
            of_all((False, Reason.DOWN, "the cloud says DOWN"), (False, *REFUSED), (True, *REFUSED)),
            (Reason.DOWN, "the cloud says DOWN"),
        ),
        (
            "nobody knows whether it serves",
            of_all((None, Reason.LOOKING, "not seen yet"), FITS, NO),
            (Reason.LOOKING, "not seen yet"),
        ),
        (
            "it serves with less than it should",
            of_all(SERVES, FITS, NO, Degraded=(True, Reason.DEGRADED, "a node is away")),
            (Reason.DEGRADED, "a node is away"),
        ),
        (
            "a person must act, and it serves with less than it should",
            of_all(SERVES, (False, *REFUSED), (True, *REFUSED), Degraded=(True, Reason.DEGRADED, "a node is away")),
            REFUSED,
        ),
        ("it did so before", of_all(SERVES, FITS, NO, Degraded=(False, Reason.DEGRADED, "no more")), ("Ready", None)),
        (
            "a step is under way while it serves",
            of_all(SERVES, (False, Reason.RENAMING, "gets its name"), NO),
            (Reason.RENAMING, "gets its name"),
        ),
        (
            "it is left as it is",
            of_all(SERVES, (True, Reason.NOT_TOLD, "the API does not tell"), NO),
            (Reason.NOT_TOLD, "the API does not tell"),
        ),
        ("nothing is said yet", {}, (None, None)),
    ],
)
def test_a_summary_tells_the_worst(why: str, says: dict[str, Saying], shown: tuple[str | None, str | None]) -> None:
    assert summary(conditions((), 1, says, NOW)) == StatusSummary(*shown)
