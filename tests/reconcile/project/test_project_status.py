"""The status of a project, which does not change while nothing happens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from managed_databases.api.models import DatastoreType
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.project.project_status import ObservedProject, project_status
from managed_databases.reconcile.told import Told

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = tuple(
    DatastoreType(id=f"{engine}{version}", engine=engine, version=version)
    for engine, version in (("redis", "7"), ("postgresql", "16"), ("postgresql", "15"))
)
VIEW = ProjectView("main", "0" * 32, "ru-1", Catalogue(TYPES, known=True))
FINE = ObservedProject(view=VIEW, endpoint="https://api.example/v1", answered=True)
RESOURCE = Resource(ResourceKey("DatabaseProject", "", "main"), "uid", "1", 3, "", None, (), {}, {}, {})


@pytest.mark.parametrize(
    ("why", "observed", "conditions"),
    [
        ("all is well", FINE, "True False False Ready"),
        ("anybody may write statuses", replace(FINE, unguarded="no policy"), "True False True Ready"),
        (
            "an earlier process has read all, and nobody has answered this one",
            replace(FINE, unguarded="no policy", answered=False),
            "False True False Looking",
        ),
        ("nobody has answered yet", replace(FINE, answered=False), "False True False Looking"),
        ("the API is dead: it may come back", replace(FINE, unreachable=True), "False True False ApiUnreachable"),
        (
            "credentials need a person, though resources only wait",
            replace(FINE, problem=Wait(Reason.CREDENTIALS_INVALID, "")),
            "False False True CredentialsInvalid",
        ),
        (
            "another project needs a person",
            replace(FINE, problem=Stall(Reason.PROJECT_CHANGED, "")),
            "False False True ProjectChanged",
        ),
        (
            "not opened yet",
            ObservedProject(problem=Wait(Reason.PROJECT_NOT_READY, "")),
            "False True False ProjectNotReady",
        ),
        (
            "what is known already goes on",
            replace(FINE, troubles=((Reason.SNAPSHOT_TOO_LARGE, "too large"),)),
            "True False True Ready",
        ),
        ("new credentials wait", replace(FINE, note=Wait(Reason.UNREACHABLE, "")), "True True False Ready"),
        (
            "new credentials that are refused need a person, though the old ones still serve",
            replace(FINE, note=Wait(Reason.CREDENTIALS_INVALID, "")),
            "True False True Ready",
        ),
    ],
)
def test_conditions(why: str, observed: ObservedProject, conditions: str) -> None:
    said = {each.type: each for each in Told(project_status(RESOURCE, observed, NOW)).conditions}
    states = [said[type_].status for type_ in ("Ready", "Reconciling", "Stalled")]
    assert " ".join([*states, said["Ready"].reason]) == conditions, why
    assert all(condition.observed_generation == 3 for condition in said.values())


def test_a_missing_policy_is_told_once_over_a_restart() -> None:
    unguarded = replace(FINE, unguarded="no policy")
    before = replace(RESOURCE, status=project_status(RESOURCE, unguarded, NOW))
    assert said(before.status, "Synced") == ("False", Reason.STATUS_UNGUARDED)
    assert project_status(before, replace(unguarded, answered=False), NOW) == before.status
    guarded = project_status(before, FINE, NOW)
    assert (said(guarded, "Synced")[0], said(guarded, "Stalled")[0]) == ("True", "False")


def test_missing_catalogues_ask_a_person_and_hold_up_nothing_also_over_a_restart() -> None:
    incomplete = replace(FINE, uncatalogued="no right", warning="change that")
    before = replace(RESOURCE, status=project_status(RESOURCE, incomplete, NOW))
    assert said(before.status, "Synced") == ("False", Reason.CATALOGUES_INCOMPLETE)
    assert [said(before.status, each)[0] for each in ("Ready", "Reconciling", "Stalled")] == ["True", "False", "False"]
    synced = Told(before.status).condition("Synced")
    assert synced is not None
    assert synced.message == "no right; change that"
    assert project_status(before, replace(incomplete, answered=False), NOW) == before.status
    assert said(project_status(before, FINE, NOW), "Synced")[0] == "True"


def test_what_is_worse_than_missing_catalogues_is_told_first() -> None:
    unguarded = replace(FINE, uncatalogued="no right", unguarded="no policy")
    assert said(project_status(RESOURCE, unguarded, NOW), "Synced") == ("False", Reason.STATUS_UNGUARDED)


def said(status: Mapping[str, object], type_: str) -> tuple[str, str]:
    found = Told(status).condition(type_)
    assert found is not None
    return found.status, found.reason


def test_what_was_ready_stays_so_until_the_first_answer() -> None:
    before = replace(RESOURCE, status=project_status(RESOURCE, FINE, NOW))
    after = project_status(before, replace(FINE, answered=False), NOW)
    ready = Told(after).condition("Ready")
    assert ready is not None
    assert ready.is_true


def test_nothing_changes_at_rest() -> None:
    before = replace(RESOURCE, status=project_status(RESOURCE, FINE, NOW))
    assert project_status(before, FINE, NOW + timedelta(hours=1)) == before.status


def test_what_was_known_stays_while_nothing_is_known() -> None:
    before = replace(RESOURCE, status=project_status(RESOURCE, FINE, NOW))
    after = project_status(before, ObservedProject(problem=Wait(Reason.SECRET_MISSING, "")), NOW)
    assert (after["projectID"], after["region"], after["endpoint"]) == ("0" * 32, "ru-1", "https://api.example/v1")
    assert after["engines"] == ["postgresql 15", "postgresql 16", "redis 7"]
