"""Which namespaces have a catalogue: those that a project lets in, and that use it, are named by it, or ask for it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kinds.builders import CATALOGUE
from managed_databases.kinds.database_project import AllowedNamespace
from managed_databases.kinds.offer import Offer, offer
from managed_databases.kinds.project_view import Catalogue, ProjectView
from managed_databases.reconcile.catalogues import wanted as wanted_module
from managed_databases.reconcile.catalogues.wanted import LABEL, Wanted, Wishes
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.tenancy import granted_powers, name_prefixes, named_namespaces
from reconcile.fake_cache import FakeCache, resource

BY_NAME = AllowedNamespace(name="shop", powers=("metrics",))
EVERYBODY = AllowedNamespace(name="*", name_prefix="{namespace}-")
RED = AllowedNamespace.model_validate({"selector": {"matchLabels": {"team": "red"}}})


class FakeProjects:
    """As `Projects`, of which each has read its catalogue."""

    def __init__(self, cache: FakeCache, **allowed: list[AllowedNamespace]) -> None:
        self.cache, self.allowed = cache, allowed
        self.catalogue = CATALOGUE
        self.was_read = True
        self.meanwhile: Callable[[], None] = lambda: None
        """Happens while wishes are collected."""

    def session(self, name: str) -> Any:
        view = ProjectView(name, "0" * 32, "region-1", self.catalogue)
        self.meanwhile()
        return SimpleNamespace(uid="1", view=view, quotas=(), was_catalogue_read=self.was_read)

    def default_name(self) -> str:
        return "team"

    def tells_allowed(self, name: str) -> bool:
        return name in self.allowed

    def granted_powers(self, name: str, namespace: str) -> Any:
        return granted_powers(self.allowed.get(name, ()), namespace, self.cache.namespace_labels(namespace))

    def name_prefixes(self, name: str, namespace: str) -> Any:
        return name_prefixes(self.allowed.get(name, ()), namespace, self.cache.namespace_labels(namespace))

    def named_namespaces(self, name: str) -> Any:
        return named_namespaces(self.allowed.get(name, ()))


def datastore(namespace: str, **spec: Any) -> Resource:
    engine = {"engine": {"type": "postgresql", "version": "16"}}
    return resource("ManagedDatastore", f"in-{namespace}", namespace, spec=engine | spec)


async def wanted(
    *resources: Resource,
    allowed: list[AllowedNamespace],
    labels: dict[str, dict[str, str]] | None = None,
    watched: tuple[str, ...] = (),
    catalogue: Catalogue = CATALOGUE,
    was_read: bool = True,
) -> dict[str, Wanted]:
    cache = FakeCache(resource("DatabaseProject", "team", ""), *resources)
    cache.labels = labels or {}
    projects = FakeProjects(cache, team=allowed)
    projects.catalogue, projects.was_read = catalogue, was_read
    wishes = Wishes(cache, projects, lambda: cache.resources.values(), watched)  # type: ignore[arg-type]
    return {namespace: one for (namespace, _), one in (await wishes.all()).items()}


@pytest.mark.parametrize(
    ("why", "allowed", "resources", "labels", "names"),
    [
        ("allowed by its name, before it has anything", [BY_NAME], [], {}, {"shop"}),
        ("everybody may, and nobody uses it", [EVERYBODY], [], {"a": {}, "b": {}}, set()),
        ("everybody may, and one uses it", [EVERYBODY], [datastore("a")], {}, {"a"}),
        ("everybody may, and one asks", [EVERYBODY], [], {"a": {LABEL: "true"}, "b": {LABEL: "yes"}}, {"a"}),
        ("a label that lets in, and nothing is used", [RED], [], {"a": {"team": "red"}}, set()),
        ("a label that lets in, and it asks", [RED], [], {"a": {"team": "red", LABEL: "true"}}, {"a"}),
        ("it asks, and may not", [RED], [], {"a": {"team": "blue", LABEL: "true"}}, set()),
        ("it uses the project, and may no more", [BY_NAME], [datastore("a")], {}, {"shop"}),
        ("it wants none", [BY_NAME], [datastore("shop")], {"shop": {LABEL: "false"}}, set()),
        (
            "it uses another project",
            [EVERYBODY],
            [datastore("a", projectRef={"name": "other"}), datastore("b", projectRef={"name": "team"})],
            {},
            {"b"},
        ),
        (
            "a guest with a user in the datastore of others",
            [EVERYBODY],
            [resource("DatabaseUser", "app", "guest", id_="1", project="team")],
            {},
            {"guest"},
        ),
        ("a guest who is not in yet", [EVERYBODY], [resource("DatabaseUser", "app", "guest")], {}, set()),
    ],
)
async def test_who_has_one(
    why: str,
    allowed: list[AllowedNamespace],
    resources: list[Resource],
    labels: dict[str, dict[str, str]],
    names: set[str],
) -> None:
    assert (await wanted(*resources, allowed=allowed, labels=labels)).keys() == names, why


async def test_only_in_the_namespaces_that_are_served() -> None:
    found = await wanted(datastore("a"), datastore("b"), allowed=[EVERYBODY, BY_NAME], watched=("b", "c"))
    assert found.keys() == {"b"}


async def test_what_is_the_namespaces_own() -> None:
    found = await wanted(datastore("a"), datastore("shop"), allowed=[EVERYBODY, BY_NAME])
    content = found["a"].content()
    assert (content.default, content.region) == (True, "region-1")
    assert content.name_prefixes == ("a-",)
    assert not content.powers
    assert [each.engine for each in content.parameters] == ["postgresql"]
    assert found["shop"].content().powers == ("metrics",)
    assert found["a"].digest != found["shop"].digest


async def test_an_engine_that_cannot_be_read_counts_for_none() -> None:
    found = await wanted(datastore("a", engine="(more than this operator reads)"), allowed=[EVERYBODY])
    assert found["a"].in_use == frozenset()


async def test_nothing_is_said_before_all_is_read() -> None:
    for catalogue in (Catalogue(), Catalogue(known=True)):
        found = await wanted(allowed=[BY_NAME], catalogue=catalogue)
        assert found["shop"].digest is None, "extensions come after that"
    found = await wanted(allowed=[BY_NAME], was_read=False)
    assert found["shop"].digest is None, "limits and quotas are read last"


@pytest.mark.parametrize("when", ["before", "meanwhile", "until then"])
async def test_a_project_that_cannot_be_read_tells_nothing(when: str) -> None:
    """While a spec is not known, its absence from it takes nothing away from a namespace; deleted, a project lets nobody in."""
    cache = FakeCache(resource("DatabaseProject", "team", ""), resource("DatabaseProject", "gone", "", going=True))
    projects = FakeProjects(cache, team=[BY_NAME])
    wishes = Wishes(cache, projects, lambda: cache.resources.values(), ())  # type: ignore[arg-type]
    assert (await wishes.all()).keys() == {("shop", "team")}
    assert not wishes.is_untold("team")
    if when == "meanwhile":
        projects.meanwhile = projects.allowed.clear
    else:
        projects.allowed.clear()
    if when == "until then":
        projects.meanwhile = lambda: projects.allowed.update(team=[])
    assert await wishes.all() == {}
    assert wishes.is_untold("team")
    assert not wishes.is_untold("gone")
    projects.meanwhile = lambda: None
    projects.allowed["team"] = []
    assert await wishes.all() == {}
    assert not wishes.is_untold("team")


async def test_a_defect_with_one_project_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What namespaces have of the project with the defect stays as it is."""
    cache = FakeCache(*(resource("DatabaseProject", name, "") for name in ("odd", "team")))
    projects = FakeProjects(cache, odd=[BY_NAME], team=[BY_NAME])

    def offered(catalogue: Catalogue, quotas: object) -> Offer:
        if catalogue is ODD:
            raise ArithmeticError("a defect")
        return offer(catalogue, ())

    monkeypatch.setattr(wanted_module, "offer", offered)
    usual = projects.session
    monkeypatch.setattr(projects, "session", lambda name: odd(usual(name)) if name == "odd" else usual(name))
    found = await Wishes(cache, projects, lambda: cache.resources.values(), ()).all()  # type: ignore[arg-type]
    assert {project: one.digest is None for (_, project), one in found.items()} == {"odd": True, "team": False}


ODD = Catalogue(types=CATALOGUE.types, extensions=(), known=True)


def odd(session: Any) -> Any:
    session.view = ProjectView("odd", "1" * 32, "region-1", ODD)
    return session
