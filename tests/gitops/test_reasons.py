"""The table of reasons: complete, and what it says is what the conditions, a real Lua and the rules of kstatus say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitops.lua import health as health_in_lua
from managed_databases.gitops.argo_cd import SUSPENDED, Health
from managed_databases.gitops.explanations import EXPLANATIONS
from managed_databases.gitops.explanations.explanation import Who
from managed_databases.gitops.kstatus import Word
from managed_databases.gitops.reasons import WAYS, Row, Way, rows
from managed_databases.kinds.verdicts import ASKS_BESIDE, Reason
from parsed import parsed

SOURCES = Path(__file__).parents[2] / "operator" / "managed_databases"
ROWS = [] if {*Reason} - {*WAYS} else [*rows()]
WAITS, STALLS, DONE = (
    {Way.WAIT, Way.GOING_WAIT, Way.PROJECT_WAITS, Way.PROJECT_CHANGE, Way.PROJECT_STALLS},
    {Way.STALL, Way.GOING_STALL, Way.PROJECT_STALLS},
    {Way.DONE},
)
STEPS = {Way.STEP, Way.GOING_STEP}
CONSTRUCTORS = {"Wait": WAITS, "Stall": STALLS, "Done": DONE} | dict.fromkeys(
    ("Create", "Change", "Record", "Delete", "Release", "Credentials", "Arrange"), STEPS
)


def named(row: Row) -> str:
    return f"{row.reason}, {row.way.name.lower()}"


def test_every_reason_has_its_rows() -> None:
    missing = sorted(reason.name for reason in {*Reason} - {*WAYS})
    assert not missing, (
        f"what do Flux, Argo CD and the alert make of {', '.join(missing)}? Add a line for each to WAYS in "
        "managed_databases/gitops/reasons.py (the ways in which it is decided: WAIT, STALL, ...), then `make fix`"
    )


def test_every_way_in_which_a_reason_is_decided_is_in_the_table() -> None:
    missing = [
        f"{where}: {constructor}(Reason.{reason.name}, ...)"
        for where, constructor, reason in decided()
        if not CONSTRUCTORS[constructor] & {*WAYS.get(reason, ())}
    ]
    assert not missing, f"add the way to WAYS in managed_databases/gitops/reasons.py, then `make fix`: {missing}"


def decided() -> Iterator[tuple[str, str, Reason]]:
    """Yield each place in the sources where a verdict is made of a reason that is written there."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CONSTRUCTORS:
                for part in (part for argument in node.args for part in ast.walk(argument)):
                    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):  # noqa: SIM102
                        if part.value.id == "Reason":
                            yield f"{path.relative_to(SOURCES)}:{part.lineno}", node.func.id, Reason[part.attr]


def test_the_places_are_found() -> None:
    assert len({reason for _, _, reason in decided()}) > 40


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_the_reason_stands_in_a_condition(row: Row) -> None:
    conditions = row.resource["status"]["conditions"]
    assert row.reason in {each["reason"] for each in conditions}
    frame = {each["type"]: each["status"] for each in conditions}
    assert frame.keys() >= {"Ready", "Synced", "Reconciling", "Stalled"}
    assert (frame["Reconciling"], frame["Stalled"]) != ("True", "True"), (
        "either work is under way, or a person must act"
    )
    assert frame["Synced"] == "False" or frame["Reconciling"] == "False"


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_nothing_looks_like_success_but_success(row: Row) -> None:
    """Where the cloud is not as the spec says, every tool says so; but for what was asked to be told only, and
    for what asks a person besides while the object serves.
    """
    if row.says("Synced") == "False" and row.reason not in {Reason.DRIFT, *ASKS_BESIDE}:
        assert row.kstatus is not Word.CURRENT
        assert row.argo_cd is not Health.HEALTHY
    if row.says("Ready") == "False":
        assert row.kstatus is not Word.CURRENT
        assert row.argo_cd is not Health.HEALTHY


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_search_for_false_finds_what_waits_for_a_person(row: Row) -> None:
    """`kubectl get databases | grep False`: these two conditions are the columns that can say it."""
    told = {each["type"]: each["status"] for each in row.resource["status"]["conditions"]}
    if told["Stalled"] == "True":
        assert "False" in (told["Ready"], told["Synced"])


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_who_must_act_is_told_at_once_everywhere(row: Row) -> None:
    going = "deletionTimestamp" in row.resource["metadata"]
    assert row.alerts == (row.says("Stalled") == "True")
    if row.alerts and not going:
        assert row.kstatus is Word.FAILED, "a wait ends at once"
        assert row.argo_cd is (Health.SUSPENDED if row.reason in SUSPENDED else Health.DEGRADED)
    if row.says("Reconciling") == "True" and not going:
        assert (row.kstatus, row.argo_cd) == (Word.IN_PROGRESS, Health.PROGRESSING)


def test_the_alert_that_is_documented_is_the_one_in_the_table() -> None:
    alerts = (SOURCES.parents[1] / "helm/managed-databases-operator/files/alerts.yaml").read_text()
    (rule,) = re.findall(r"- alert: ManagedDatabasesStalled\n +expr: (.*)\n", alerts)
    assert rule == 'sum by (kind, namespace) (managed_databases_resources{state="stalled"}) > 0'


@pytest.mark.parametrize(
    ("reason", "way", "kstatus", "argo_cd"),
    [
        (Reason.NOT_REVERSIBLE, Way.STALL, Word.FAILED, Health.DEGRADED),
        (Reason.DUPLICATE_SUSPECTED, Way.STALL, Word.FAILED, Health.DEGRADED),
        (Reason.PAUSED, Way.STALL, Word.FAILED, Health.SUSPENDED),
        (Reason.PAUSED, Way.DONE, Word.CURRENT, Health.SUSPENDED),
        (Reason.APPROVAL_NEEDED, Way.STALL, Word.FAILED, Health.SUSPENDED),
        (Reason.DISK_FULL, Way.CLOUD, Word.FAILED, Health.DEGRADED),
        (Reason.DOWN, Way.CLOUD, Word.FAILED, Health.DEGRADED),
        (Reason.COPY_REFUSED, Way.SIDE, Word.FAILED, Health.DEGRADED),
        *(
            (reason, Way.SIDE, Word.CURRENT, Health.HEALTHY)
            for reason in sorted(ASKS_BESIDE - {Reason.CATALOGUES_INCOMPLETE})
        ),
        (Reason.CATALOGUES_INCOMPLETE, Way.PROJECT_SIDE, Word.CURRENT, Health.HEALTHY),
        (Reason.SERVICE_INCOMPLETE, Way.SIDE, Word.FAILED, Health.DEGRADED),
        (Reason.STATUS_UNGUARDED, Way.PROJECT_SIDE, Word.FAILED, Health.DEGRADED),
        (Reason.DEGRADED, Way.CLOUD, Word.CURRENT, Health.DEGRADED),
        (Reason.PENDING, Way.WAIT, Word.IN_PROGRESS, Health.PROGRESSING),
        (Reason.PARENT_NOT_READY, Way.PARENT, Word.IN_PROGRESS, Health.PROGRESSING),
        (Reason.PARENT_MISSING, Way.WAIT, Word.IN_PROGRESS, Health.PROGRESSING),
        (Reason.PROTECTED, Way.GOING_STALL, Word.TERMINATING, Health.PROGRESSING),
    ],
)
def test_what_was_promised(reason: Reason, way: Way, kstatus: Word, argo_cd: Health) -> None:
    (row,) = (row for row in ROWS if (row.reason, row.way) == (reason, way))
    assert (row.kstatus, row.argo_cd) == (kstatus, argo_cd)


@pytest.mark.parametrize("row", [row for row in ROWS if row.way in (Way.SIDE, Way.PROJECT_SIDE)], ids=named)
def test_what_asks_a_person_besides_is_found_by_false(row: Row) -> None:
    """`kubectl get databases -A | grep False` finds all that needs a person, and nothing else that only serves on."""
    asks = EXPLANATIONS[row.reason].who is not Who.NOBODY
    assert (row.says("Ready"), row.says("Synced")) == ("True", "False" if asks else "True")


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_real_lua_says_the_same(row: Row) -> None:
    for resource in filter(None, (row.resource, row.before_it_was_usable)):
        if "deletionTimestamp" not in resource["metadata"]:  # Argo CD does not ask the script then
            said, message = health_in_lua(resource)
            assert said == row.argo_cd
            assert message in {each["message"] for each in resource["status"]["conditions"]}


@pytest.mark.parametrize("status", [{}, {"observedGeneration": -1}, {"observedGeneration": 1, "conditions": []}])
@pytest.mark.parametrize("annotations", [None, {"manageddatabases.io/paused": "false"}])
def test_what_was_not_looked_at_yet_is_under_way(status: dict[str, Any], annotations: dict[str, str] | None) -> None:
    metadata = {"name": "main", "generation": 2} | ({"annotations": annotations} if annotations else {})
    said, message = health_in_lua({"metadata": metadata, "status": status} if status else {"metadata": metadata})
    assert (said, message) == ("Progressing", "the operator has not looked at it yet")
