"""A project at a glance."""

from datetime import UTC, datetime

import pytest

from command_line.resources import SINCE, ready, resource, stalls, told, waits
from managed_databases.command_line.glance import (
    WIDTH,
    Glance,
    Leader,
    Spending,
    as_json,
    counts,
    page,
    spending,
    troubles,
)
from managed_databases.command_line.status_command import exit_code

NOW = datetime(2026, 11, 29, 10, 5, tzinfo=UTC)
METRICS = """\
# TYPE managed_databases_budget_left_calls gauge
managed_databases_budget_left_calls{cause="people",project="cloud"} 40.0
managed_databases_budget_left_calls{cause="time",project="cloud"} 20.5
managed_databases_budget_left_calls{cause="time",project="other"} 1.0
# TYPE managed_databases_list_age_seconds gauge
managed_databases_list_age_seconds{collection="datastores",project="cloud"} 12.0
managed_databases_list_age_seconds{collection="users",project="other"} 99.0
"""
RESOURCES = [
    resource("DatabaseUser", "app", {}, ready(phase="ACTIVE")),
    resource("DatabaseUser", "late", {}, waits("ParentNotReady", "waits")),
    resource("DatabaseUser", "wrong", {}, stalls("Invalid", "x" * 500, phase="ACTIVE")),
    resource("KafkaTopic", "new", {}, {"observedGeneration": -1}),
]


def glance(**changed: object) -> Glance:
    quotas = [{"name": "ram", "used": 1, "limit": 2}]
    told = {
        "name": "cloud",
        "project": resource("DatabaseProject", "cloud", {}, ready(region="region-1", projectID="p", quotas=quotas)),
        "counts": counts(RESOURCES),
        "troubles": troubles(RESOURCES),
        "leader": Leader("operator-1", SINCE, 15),
        "spending": spending(METRICS, "cloud"),
    }
    return Glance(**(told | changed))  # type: ignore[arg-type]


WHOLE = f"""\
project         cloud
state           ready (Ready), for 5m
region          region-1
cloud project   p
leader          operator-1, renewed 5m ago (it does not seem to run)
calls left      40 for people, 20 for time

KIND           ALL   READY   WAITING   STALLED   NOT LOOKED AT   IN THE CLOUD
DatabaseUser   3     1       1         1         0               2 ACTIVE
KafkaTopic     1     0       0         0         1               -

NEEDS A LOOK              STATE           REASON           FOR   MESSAGE
DatabaseUser shop/wrong   stalled         Invalid          5m    {"x" * (WIDTH - 65 - 3)}...
KafkaTopic shop/new       not looked at   -                5m    no operator has looked at generation 1 of the spec yet
DatabaseUser shop/late    waiting         ParentNotReady   5m    waits

QUOTA   USED   LIMIT
ram     1      2

LIST OF      AGE
datastores   12s
"""


def test_the_whole_page() -> None:
    assert page(glance(), NOW) == WHOLE


def test_what_may_not_be_read_is_said() -> None:
    hidden = glance(
        project=None,
        project_unknown="you may not read it",
        leader=Leader(unknown="you may not"),
        spending=Spending(unknown="--metrics is not given"),
    )
    told = page(hidden, NOW)
    assert "state        not known: you may not read it" in told
    assert "leader       not known: you may not" in told
    assert "calls left   not known: --metrics is not given" in told
    assert (as_json(hidden)["project"], as_json(hidden)["projectUnknown"]) == (None, "you may not read it")
    assert page(glance(counts=[], troubles=[]), NOW).count("no resources") == 1


@pytest.mark.parametrize(
    ("leader", "told"),
    [
        (Leader("one", "2026-11-29T10:04:50Z", 15), "one, renewed 10s ago"),
        (Leader("one", "2026-11-29T10:04:20Z", 15), "one, renewed 40s ago (it does not seem to run)"),
        (Leader("one", None, 15), "one, renewed ? ago (it does not seem to run)"),
        (Leader(), "nobody: no operator runs, or it runs alone, without a Lease"),
    ],
)
def test_who_leads(leader: Leader, told: str) -> None:
    assert leader.told(NOW) == told


def test_for_programs() -> None:
    told = as_json(glance())
    assert told["kinds"][0] == {
        "kind": "DatabaseUser",
        "states": {"ready": 1, "waiting": 1, "stalled": 1},
        "phases": {"ACTIVE": 2},
    }
    assert [each["resource"] for each in told["notReady"]] == [
        "DatabaseUser shop/wrong", "KafkaTopic shop/new", "DatabaseUser shop/late",
    ]  # fmt: skip
    assert (told["callsLeft"], told["listAgeSeconds"]) == ({"people": 40.0, "time": 20.5}, {"datastores": 12.0})


STALLED = resource("DatabaseProject", "cloud", {}, stalls("CredentialsInvalid", "no"))
WAITS = resource("DatabaseProject", "cloud", {}, waits("ApiUnreachable", "no"))


@pytest.mark.parametrize(
    ("why", "changed", "code"),
    [
        ("all is ready", {"troubles": []}, 0),
        ("it is not known of the project alone", {"troubles": [], "project": None}, 0),
        ("nothing is known of anything", {"troubles": [], "counts": [], "project": None}, 1),
        ("a resource waits", {"troubles": troubles(RESOURCES[:2])}, 3),
        ("a resource is stalled", {}, 4),
        ("the project waits", {"troubles": [], "counts": [], "project": WAITS}, 3),
        ("the project is stalled", {"troubles": troubles(RESOURCES[:2]), "project": STALLED}, 4),
    ],
)
def test_the_exit_code(why: str, changed: dict[str, object], code: int) -> None:
    assert exit_code(glance(**changed)) == code, why


def test_what_serves_and_should_be_mended_is_listed_last() -> None:
    odd = [told("Ready", "True", "Ready"), told("Synced", "False", "OddAnnotation", "did you mean paused?")]
    mend = resource("DatabaseUser", "odd", {}, ready(conditions=odd))
    assert [each.resource for each in troubles([*RESOURCES, mend])][-1] == "DatabaseUser shop/odd"
    (only,) = troubles([RESOURCES[0], mend])
    assert (only.state, only.reason, only.message) == ("ready", "OddAnnotation", "did you mean paused?")
    assert exit_code(glance(troubles=[only])) == 3


def test_lines_fit_a_terminal_and_programs_get_all_of_it() -> None:
    name = "a-user-with-a-long-name"
    long = resource("DatabaseUser", name, {}, stalls("OwnershipNotProven", "m" * 300), namespace="twelve-chars")
    told = glance(troubles=troubles([long]))
    lines = page(told, NOW).splitlines()
    assert max(map(len, lines)) == WIDTH
    assert as_json(told)["notReady"][0]["message"] == "m" * 300
