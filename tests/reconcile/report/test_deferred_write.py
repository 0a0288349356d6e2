"""The id of what was just made waits for the end of the cloud's work, and for nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, uuid
from managed_databases.kinds.facts import NOTHING, Facts
from managed_databases.kinds.verdicts import Done, Reason, Stall, Verdict, Wait
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.report.deferred_write import DeferredWrite
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

MADE = uuid(80)
SECONDS = 90.0
TOPIC = resource(
    "KafkaTopic",
    "t",
    spec={"datastoreRef": {"name": "main"}},
    intent=True,
    inside=MAIN,
    status={"observedGeneration": 1},
)
CLUSTER = resource("ManagedDatastore", "t", spec=DATASTORE_SPEC, intent=True, status={"observedGeneration": 1})
AT_WORK = Wait(Reason.PENDING, "the cloud makes it")


def without(field: str) -> Resource:
    return replace(TOPIC, status={name: value for name, value in TOPIC.status.items() if name != field})


def seconds_left(of: Resource, facts: Facts, verdict: Verdict, *, made: str | None = MADE, after: float = 0.0) -> float:
    stage = Stage(of)
    if made is not None:
        stage.current.memory.creation.was_made(made, stage.clock.moment)
    stage.current.context.facts = facts
    stage.clock.moment += after
    return DeferredWrite(stage.clock, SECONDS).seconds_left(stage.current, verdict)


ROWS: list[tuple[str, dict[str, Any], float]] = [
    ("the cloud is at work on it", {}, SECONDS),
    ("it has been so for a while", {"after": 30.0}, 60.0),
    ("and now it is too long", {"after": SECONDS}, 0.0),
    ("nothing is to be written", {"facts": NOTHING}, 0.0),
    ("there is no id to write", {"facts": Facts(phase="PENDING_CREATE")}, 0.0),
    ("the id is of something that was found", {"facts": Facts(id=uuid(81))}, 0.0),
    ("this process has made nothing", {"made": None}, 0.0),
    ("nor was anything made", {"facts": Facts(phase="PENDING_CREATE"), "made": None}, 0.0),
    ("the work has ended", {"verdict": Done()}, 0.0),
    ("a person must act", {"verdict": Stall(Reason.PENDING, "it takes too long")}, 0.0),
    ("it waits for something else", {"verdict": Wait(Reason.LOOKING, "for a list")}, 0.0),
    ("no intent would find it after a crash", {"of": without("intent")}, 0.0),
    ("the status is of an older spec", {"of": replace(TOPIC, generation=2)}, 0.0),
    ("the status has said nothing yet", {"of": without("observedGeneration")}, 0.0),
    ("a datastore costs money from the first moment", {"of": CLUSTER}, 0.0),
]


@pytest.mark.parametrize(("why", "given", "seconds"), ROWS)
def test_seconds_left(why: str, given: dict[str, Any], seconds: float) -> None:
    usual: dict[str, Any] = {"of": TOPIC, "facts": Facts(id=MADE), "verdict": AT_WORK}
    assert seconds_left(**usual | given) == seconds, why


def test_much_later_it_is_less_than_nothing() -> None:
    assert seconds_left(TOPIC, Facts(id=MADE), AT_WORK, after=1000.0) < 0
