"""What an attempt of unknown outcome may have made, and what is said until that is known."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kinds.builders import MAIN, OTHER, uuid
from managed_databases.api.models import Topic
from managed_databases.kinds.observed import CreationView, SameKey
from managed_databases.kinds.shared_fields import Intent
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.decide.candidates import (
    candidates,
    fields_that_differ,
    looking,
    unclear_attempts,
    unreadable_since,
    wait_after,
)
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource
from reconcile.passes import KINDS

OLD, NEW = (Topic(id=uuid(n), name="t", datastore_id=MAIN, partitions=3) for n in (80, 81))
LISTED = CreationView()
ELSEWHERE = NEW.model_copy(update={"datastore_id": OTHER})


def intent(attempt: int = 1, others: tuple[str, ...] = (OLD.id,)) -> Intent:
    expected: dict[str, object] = {"datastore_id": MAIN, "name": "t"}
    return Intent(attempt=attempt, others=others, wait_seconds=60.0, expected=expected)


@pytest.mark.parametrize(
    ("why", "namesakes", "found"),
    [
        ("nothing is there", (), []),
        ("what was there before", (OLD,), []),
        ("what is new", (OLD, NEW), [NEW]),
        ("what is new and of another make", (ELSEWHERE,), []),
    ],
)
def test_what_it_may_have_made(why: str, namesakes: tuple[Topic, ...], found: list[Topic]) -> None:
    assert candidates(KINDS["KafkaTopic"], namesakes, intent()) == found, why


@pytest.mark.parametrize(
    ("why", "expected", "actual", "differ"),
    [
        ("equal", {"a": 1}, {"a": 1, "b": 2}, []),
        ("another value", {"a": 1, "b": 2}, {"a": 3, "b": 2}, ["a"]),
        ("the spec does not tell", {"a": None}, {"a": 1}, []),
        ("the API does not tell", {"a": 1, "b": 1}, {"a": None}, []),
    ],
)
def test_which_fields_differ(
    why: str, expected: Mapping[str, object], actual: Mapping[str, object], differ: list[str]
) -> None:
    assert fields_that_differ(expected, actual) == differ, why


def test_several_attempts_without_an_answer_ask_for_a_person() -> None:
    assert unclear_attempts(2) is None
    stall = unclear_attempts(3, 7.0)
    assert isinstance(stall, Stall)
    assert (stall.reason, stall.retry_seconds) == (Reason.DUPLICATE_SUSPECTED, 7.0)
    at_once = unclear_attempts(3)
    assert at_once is not None
    assert at_once.retry_seconds is None
    assert isinstance(wait_after(intent(3), 7.0, LISTED), Stall)
    waits = wait_after(intent(2), 7.0, LISTED)
    assert isinstance(waits, Wait)
    assert (waits.reason, waits.seconds) == (Reason.LOOKING, 7.0)
    assert wait_after(intent(), 0.0, LISTED) == Wait(Reason.LOOKING, waits.message, None), "only a list is missing"


@pytest.mark.parametrize("seconds", [7.0, 0.0])
@pytest.mark.parametrize("why", [Wait(Reason.RATE_LIMITED, "not now"), Stall(Reason.REFUSED, "never", 600.0)])
def test_a_list_that_cannot_be_had_is_told_once_only_it_is_missing(why: Wait | Stall, seconds: float) -> None:
    creation = CreationView(unlisted=why)
    told = looking(creation, "it is looked for", seconds)
    if seconds:
        assert told == Wait(Reason.LOOKING, "it is looked for", seconds)
    else:
        assert told == replace(why, message=f"it is looked for; {why.message}")
    assert wait_after(intent(), seconds, creation).reason is told.reason
    assert looking(LISTED, "it is looked for", seconds) == Wait(Reason.LOOKING, "it is looked for", seconds or None)


@pytest.mark.parametrize(("unreadable", "named"), [((), None), ((OLD.id,), None), ((OLD.id, NEW.id), NEW.id)])
def test_what_is_new_and_tells_no_key_is_waited_for(unreadable: tuple[str, ...], named: str | None) -> None:
    topic = resource("KafkaTopic", "t", spec={"datastoreRef": {"name": "main"}})
    observed = Stage(topic, same_key=SameKey(unreadable=unreadable)).current.observed
    said = unreadable_since(observed, intent())
    assert (said is None) == (named is None)
    if said is not None and named is not None:
        assert named in said.message
        assert OLD.id not in said.message
