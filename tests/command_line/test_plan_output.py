"""What a plan says of all its steps together."""

import json

import pytest

from managed_databases.command_line.options import Form
from managed_databases.command_line.plan import ResourcePlan, rows
from managed_databases.command_line.plan_command import exit_code, show_plan, summary
from managed_databases.command_line.planning import Planned, PlannedAction
from managed_databases.kinds.verdicts import Reason, Risk
from managed_databases.reconcile.ports import ResourceKey

BLOCKED = Planned(PlannedAction.BLOCKED, Risk.NONE, "it cannot be read", Reason.INVALID_SPEC)
RESIZED = Planned(PlannedAction.CHANGE, Risk.RESTART, "the nodes get another flavor")


def entry(name: str, *steps: Planned) -> ResourcePlan:
    return ResourcePlan(ResourceKey("ManagedDatastore", "shop", name), list(steps))


@pytest.mark.parametrize(
    ("why", "entries", "told", "code"),
    [
        ("at rest", [entry("a")], "1 as it is; the worst risk is none", 0),
        ("changed", [entry("a", RESIZED)], "1 change, 0 as they are; the worst risk is restart", 4),
        ("refused", [entry("a", BLOCKED)], "1 cannot be done, 0 as they are; no risk is known", 5),
        (
            "both",
            [entry("a", RESIZED), entry("b", BLOCKED)],
            "1 change, 1 cannot be done, 0 as they are; the worst risk is restart",
            5,
        ),
    ],
)
def test_the_worst_risk(why: str, entries: list[ResourcePlan], told: str, code: int) -> None:
    assert (summary(entries), exit_code(entries)) == (f"plan: {told}", code), why


def test_what_cannot_be_done_has_no_risk(capsys: pytest.CaptureFixture[str]) -> None:
    entries = [entry("a", BLOCKED)]
    assert [row[1] for row in rows(entries)] == [""]
    show_plan(entries, [], Form.JSON)
    told = json.loads(capsys.readouterr().out)
    assert (told["risk"], told["plan"][0]["steps"][0]["risk"]) == (None, None)
