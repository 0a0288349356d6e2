"""Which project a resource is in, whether it may be used, and what is told of one that cannot be."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, PROJECT, uuid
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.project_access import ProjectAccess
from managed_databases.reconcile.observe.reading import Specs
from managed_databases.reconcile.observe.resolved_references import References
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.projects import Projects
from managed_databases.reconcile.scheduling import dependencies as dependency
from reconcile.act.recording import Stage
from reconcile.fake_cache import FakeCache, resource
from reconcile.passes import KINDS


@dataclass
class FakeSession:
    """A project that was opened, or not yet."""

    name: str
    view: ProjectView | None = PROJECT
    problem: Wait | Stall | None = None
    is_opened: bool = True

    @property
    def lists(self) -> "FakeSession":
        return self

    def snapshot(self, kind: object) -> object:
        return kind


@dataclass
class FakeProjects:
    sessions: dict[str, FakeSession] = field(default_factory=dict)
    powers: frozenset[str] | None = frozenset()
    default: str | Wait = "default"

    def session(self, name: str) -> FakeSession | None:
        return self.sessions.get(name)

    def default_name(self) -> str | Wait:
        return self.default

    def granted_powers(self, name: str, namespace: str) -> frozenset[str] | None:
        return self.powers

    def name_prefixes(self, name: str, namespace: str) -> tuple[str, ...]:
        return (f"{namespace}-",)


MAIN_RESOURCE = resource("ManagedDatastore", "main", spec=DATASTORE_SPEC, id_=MAIN, project="of-the-parent")
IN_MAIN = {"datastoreRef": {"name": "main"}}
TOPIC = resource("KafkaTopic", "t", spec=IN_MAIN)
CLUSTER = resource("ManagedDatastore", "c", spec=DATASTORE_SPEC | {"projectRef": {"name": "stated"}})


def access(
    its: Resource, *there: Resource, projects: FakeProjects | None = None
) -> tuple[Pass, PassInProject | Wait | Stall]:
    """The pass, and what is said of its project."""
    in_project = Stage(its).current
    names = ("context", "checks", "resource", "kind", "observed")
    current = Pass(**{name: getattr(in_project, name) for name in names})
    owners = OwnershipIndex(KINDS.__getitem__)
    cache = FakeCache(its, *there)
    references = References(cache, owners, KINDS.__getitem__, Specs().of)
    known = projects or FakeProjects()
    return current, ProjectAccess(cache, cast(Projects, known), references).opened(current)


def project_of(its: Resource, *there: Resource) -> str:
    """The name of the project that is looked for: there is none of any name."""
    current, said = access(its, *there)
    assert isinstance(said, Wait)
    (name,) = (depends[1] for depends in current.dependencies if depends[0] == "project")
    assert f"DatabaseProject {name}" in said.message
    return name


def test_which_project_it_is() -> None:
    pinned = resource("KafkaTopic", "t", spec=IN_MAIN, id_=uuid(80), inside=MAIN, project="pinned")
    assert project_of(pinned, MAIN_RESOURCE) == "pinned", "whatever the spec says by now"
    assert project_of(replace(CLUSTER, status=pinned.status)) == "pinned"
    assert project_of(CLUSTER) == "stated"
    assert project_of(TOPIC, MAIN_RESOURCE) == "of-the-parent"
    assert project_of(resource("KafkaTopic", "t", spec={"datastoreRef": {"id": MAIN}})) == "default"
    assert project_of(resource("ManagedDatastore", "c", spec=DATASTORE_SPEC)) == "default"


def test_what_is_refused_is_pinned_to_no_project_but_while_it_is_deleted() -> None:
    """An identity without object or attempt is what is left of a refused creation."""
    identity = resource("KafkaTopic", "t", id_=uuid(80), project="pinned").status["identity"]
    refused = replace(TOPIC, status={"identity": identity})
    assert project_of(refused, MAIN_RESOURCE) == "of-the-parent"
    assert project_of(replace(refused, deleting_since="2026-01-01T00:00:00Z"), MAIN_RESOURCE) == "pinned"


def test_a_parent_that_is_not_there_is_waited_for() -> None:
    current, said = access(TOPIC)
    assert isinstance(said, Wait)
    assert said.reason is Reason.PARENT_MISSING
    assert dependency.resource("ManagedDatastore", "home", "main") in current.dependencies
    _, said = access(TOPIC, replace(MAIN_RESOURCE, status={}))
    assert isinstance(said, Wait)
    assert said.reason is Reason.PARENT_NOT_READY


def test_who_names_no_project_depends_on_which_is_the_default() -> None:
    own = resource("ManagedDatastore", "c", spec=DATASTORE_SPEC)
    nothing = Wait(Reason.PROJECT_MISSING, "none is the default")
    current, said = access(own, projects=FakeProjects(default=nothing))
    assert said == nothing
    assert dependency.default_project() in current.dependencies
    assert dependency.default_project() not in access(CLUSTER)[0].dependencies


def opened(its: Resource = CLUSTER, powers: frozenset[str] | None = frozenset(), **fields: Any) -> tuple[Pass, Any]:
    projects = FakeProjects({"stated": FakeSession("stated", **fields), "main": FakeSession("main", **fields)}, powers)
    return access(its, resource("DatabaseProject", "stated", ""), projects=projects)


def test_the_same_pass_goes_on_in_its_project() -> None:
    current, said = opened(powers=frozenset({"adopt"}))
    assert isinstance(said, PassInProject)
    assert said.interests is current.interests
    assert said.context is current.context
    assert said.view.granted_powers == {"adopt"}
    assert said.view.name_prefixes == ("home-",), "as far as the namespace may"
    assert list(current.interests.polled) == ["datastores"]
    assert current.dependencies == {dependency.project("stated")}


LOCKED_OUT = Stall(Reason.CREDENTIALS_INVALID, "the Secret system/credentials lacks OS_PASSWORD")


@pytest.mark.parametrize(
    ("why", "fields", "sort", "reason"),
    [
        ("the namespace is not allowed", {"powers": None}, Stall, Reason.FORBIDDEN),
        ("it was not opened yet", {"view": None}, Wait, Reason.PROJECT_NOT_READY),
        ("it cannot be", {"problem": LOCKED_OUT}, Stall, Reason.CREDENTIALS_INVALID),
        ("who may not use it hears nothing of that", {"problem": LOCKED_OUT, "powers": None}, Stall, Reason.FORBIDDEN),
    ],
)
def test_what_keeps_it_from_being_used(why: str, fields: dict[str, Any], sort: type, reason: Reason) -> None:
    _, said = opened(**fields)
    assert isinstance(said, Wait | Stall), why
    assert (type(said), said.reason) == (sort, reason), why
    assert "system/credentials" not in said.message, "details are for who may read them"


@pytest.mark.parametrize("reason", list(Reason))
def test_who_deletes_is_told_the_way_out_of_what_may_be_gone_for_good(reason: Reason) -> None:
    going = replace(CLUSTER, deleting_since="2026-01-01T00:00:00Z")
    (_, waits), (_, said) = opened(problem=Stall(reason, "x")), opened(going, problem=Stall(reason, "x"))
    is_for_good = reason in (Reason.CREDENTIALS_INVALID, Reason.SECRET_MISSING, Reason.ADDRESS_REFUSED)
    assert (f"annotate {FORCE_DELETE}: true" in said.message) == is_for_good
    assert FORCE_DELETE not in waits.message


@pytest.mark.parametrize("fields", [{"powers": None}, {"its": CLUSTER}])
def test_so_is_who_deletes_in_a_project_that_is_missing_or_forbidden(fields: dict[str, Any]) -> None:
    going = replace(CLUSTER, deleting_since="2026-01-01T00:00:00Z")
    _, said = opened(going, powers=None) if "powers" in fields else access(going)
    assert f"annotate {FORCE_DELETE}: true" in cast(Wait, said).message


@pytest.mark.parametrize("view", [replace(PROJECT, project_id="other"), replace(PROJECT, region="other")])
def test_an_object_that_is_pinned_elsewhere_is_left_alone(view: ProjectView) -> None:
    held = resource("ManagedDatastore", "c", spec=DATASTORE_SPEC, id_=MAIN)
    assert isinstance(opened(held)[1], PassInProject)
    _, said = opened(held, view=view)
    assert isinstance(said, Stall)
    assert said.reason is Reason.PROJECT_CHANGED


@pytest.mark.parametrize(("is_opened", "is_oriented"), [(True, True), (False, False)])
def test_a_project_that_is_being_opened_is_no_ground_for_a_status(is_opened: bool, is_oriented: bool) -> None:
    current, _ = opened(view=None, is_opened=is_opened)
    assert current.is_oriented == is_oriented


def test_of_a_project_that_is_not_there_that_is_news() -> None:
    assert access(CLUSTER)[0].is_oriented
    assert not access(CLUSTER, resource("DatabaseProject", "stated", ""))[0].is_oriented, "it is not opened yet"
