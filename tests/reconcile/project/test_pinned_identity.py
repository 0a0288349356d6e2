"""Which credentials may be used: those for the project that spec, status and this process say, in the region of before."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.api.models import CloudObject
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.project.pinned_identity import foreign_project, identity_problem
from reconcile.project.fake_project import OTHER_PROJECT, PROJECT, project

VIEW = ProjectView(name="main", project_id=PROJECT, region="ru-1")


@pytest.mark.parametrize(
    ("why", "spec", "status", "view", "said"),
    [
        ("nothing is known yet", {}, {}, None, None),
        ("all say the same", {"projectID": PROJECT}, {"projectID": PROJECT, "region": "ru-1"}, VIEW, None),
        ("the spec says another", {"projectID": OTHER_PROJECT}, {}, None, OTHER_PROJECT),
        ("the status says another", {}, {"projectID": OTHER_PROJECT}, None, OTHER_PROJECT),
        ("this process has used another", {}, {}, replace(VIEW, project_id=OTHER_PROJECT), OTHER_PROJECT),
        ("the region of the status is another", {}, {"projectID": PROJECT, "region": "ru-9"}, None, "ru-9"),
        ("this process has used another region", {}, {}, replace(VIEW, region="ru-9"), "ru-9"),
    ],
)
def test_the_identity(
    why: str, spec: dict[str, Any], status: dict[str, Any], view: ProjectView | None, said: str | None
) -> None:
    resource = replace(project(**spec), status=status)
    problem = identity_problem(resource, DatabaseProjectSpec.model_validate(resource.spec), view, PROJECT)
    if said is None:
        assert problem is None, why
    else:
        assert problem is not None, why
        assert problem.reason is Reason.PROJECT_CHANGED
        assert said in problem.message


@pytest.mark.parametrize(
    ("why", "told", "foreign"),
    [
        ("nothing is listed", [], None),
        ("objects that do not tell refute nothing", [None], None),
        ("a list may show other projects beside ours", [OTHER_PROJECT, PROJECT], None),
        ("only others", [None, OTHER_PROJECT], OTHER_PROJECT),
    ],
)
def test_what_a_list_says_of_the_project(why: str, told: list[str | None], foreign: str | None) -> None:
    objects = [CloudObject.model_construct(id=str(number), project_id=id_) for number, id_ in enumerate(told)]
    assert foreign_project(objects, PROJECT) == foreign, why
