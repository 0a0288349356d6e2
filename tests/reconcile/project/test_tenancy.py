"""Which project is the default one, and what a namespace may do in a project."""

from collections.abc import Mapping
from typing import Any

import pytest

from managed_databases.kinds.database_project import AllowedNamespace
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.tenancy import default_project, granted_powers, name_prefixes
from reconcile.fake_cache import resource


def project(name: str, **spec: Any) -> Resource:
    return resource("DatabaseProject", name, "", spec=spec)


def test_the_one_that_is_marked_is_the_default() -> None:
    assert default_project([project("a"), project("b", default=True), project("c", default=False)]) == "b"


@pytest.mark.parametrize(
    ("projects", "words"),
    [
        ([], "no DatabaseProject is the default"),
        ([project("a")], "no DatabaseProject is the default"),
        ([project("a", default="true")], "no DatabaseProject is the default"),
        ([project("b", default=True), project("a", default=True)], "several are marked default (a, b)"),
    ],
)
def test_without_exactly_one_a_person_is_asked(projects: list[Resource], words: str) -> None:
    said = default_project(projects)
    assert isinstance(said, Wait)
    assert said.reason is Reason.PROJECT_MISSING
    assert words in said.message


def entries(*allowed: dict[str, Any]) -> list[AllowedNamespace]:
    return [AllowedNamespace.model_validate(each) for each in allowed]


def labelled(**labels: str) -> dict[str, Any]:
    return {"selector": {"matchLabels": labels}}


ADOPTS = {"powers": ["adopt"]}


@pytest.mark.parametrize(
    ("why", "allowed", "labels", "may"),
    [
        ("nobody is named", [], {}, None),
        ("it is named", [{"name": "shop"}], {}, frozenset()),
        ("another one is", [{"name": "shops"}], {}, None),
        ("everyone is", [{"name": "*"}], {}, frozenset()),
        ("with a power", [{"name": "shop"} | ADOPTS], {}, frozenset({"adopt"})),
        ("a power of another one", [{"name": "shop"}, {"name": "shops"} | ADOPTS], {}, frozenset()),
        ("all that is said of it counts", [{"name": "*"}, {"name": "shop"} | ADOPTS], {}, frozenset({"adopt"})),
        ("its labels", [labelled(team="a")], {"team": "a", "more": "b"}, frozenset()),
        ("another label", [labelled(team="a")], {"team": "b"}, None),
        ("a label that it lacks", [labelled(team="a", tier="1")], {"team": "a"}, None),
        ("labels that nobody can know", [labelled(team="a")], None, None),
        ("a name needs no labels", [{"name": "shop"}], None, frozenset()),
    ],
)
def test_what_a_namespace_may(
    why: str, allowed: list[dict[str, Any]], labels: Mapping[str, str] | None, may: frozenset[str] | None
) -> None:
    assert granted_powers(entries(*allowed), "shop", labels) == may, why


@pytest.mark.parametrize(
    ("why", "allowed", "prefixes"),
    [
        ("nothing is said", [{"name": "shop"}], ()),
        ("a prefix", [{"name": "shop", "namePrefix": "a-"}], ("a-",)),
        ("with the namespace in it", [{"name": "*", "namePrefix": "{namespace}-"}], ("shop-",)),
        ("several, sorted", [{"name": "shop", "namePrefix": "b-"}, {"name": "*", "namePrefix": "a-"}], ("a-", "b-")),
        ("one entry without lets it have any name", [{"name": "shop", "namePrefix": "b-"}, {"name": "*"}], ()),
        ("an entry for others says nothing", [{"name": "shop", "namePrefix": "b-"}, {"name": "shops"}], ("b-",)),
    ],
)
def test_how_its_names_begin(why: str, allowed: list[dict[str, Any]], prefixes: tuple[str, ...]) -> None:
    assert name_prefixes(entries(*allowed), "shop", {}) == prefixes, why
