"""Parents that are known by name or by id alone, and what would change the answer to a reference."""

from typing import Any

import pytest

from kinds.builders import MAIN, PROJECT
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.observed import Referred
from managed_databases.kinds.project_view import Power
from managed_databases.kinds.verdicts import Wait
from managed_databases.reconcile.observe.ownership_index import ObjectName
from managed_databases.reconcile.observe.resolved_references import Lookup
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from reconcile.observe.reference_worlds import (
    ADOPTS,
    BY_ID,
    BY_NAME,
    DATABASE,
    DATASTORE,
    GUEST,
    KINDS,
    LETS_IN,
    ORDERS,
    OWN,
    RESTORES,
    SHARES,
    SOURCE,
    Answer,
    World,
    ask,
    database,
    datastore,
    unreadable,
    with_,
)


def parent(world: World, asker: Resource = OWN) -> tuple[Resource | Wait, set[Dependency]]:
    noted: set[Dependency] = set()
    return world.references.parent_by_name(asker, DATASTORE, BY_NAME, noted), noted


def test_a_parent_is_found_before_its_project_is_known() -> None:
    noted = {dependency.resource("ManagedDatastore", "home", "main")}
    assert parent(with_(datastore())) == (datastore(), noted)
    assert parent(with_(LETS_IN), GUEST) == (LETS_IN, noted)
    for world, asker in (
        (with_(), OWN),
        (with_(datastore()), GUEST),
        (with_(datastore(), unproven=frozenset({"main"})), OWN),
    ):
        found, depends = parent(world, asker)
        assert isinstance(found, Wait)
        assert depends == noted


def of_object(world: World) -> Answer:
    kind, noted = KINDS["ManagedDatastore"], set[Dependency]()
    return Answer(world.references.of_object(Lookup(GUEST, kind, world.view, world.snapshot(kind), noted), MAIN), noted)


def test_a_pinned_parent_is_shown_to_whoever_is_in_it() -> None:
    """A guest whose permission was taken away deletes what it has all the same."""
    held = of_object(with_(datastore()))
    assert held.referred.problem is None
    assert held.referred.object is not None
    assert held.referred.label == "ManagedDatastore home/main"
    assert held.referred.guest is None
    object_ = dependency.cloud_object(PROJECT.name, "datastores", MAIN)
    assert held.dependencies == {dependency.resource("ManagedDatastore", "home", "main"), object_}


@pytest.mark.parametrize("world", [with_(), with_(datastore(), unproven=frozenset({"main"}))])
def test_a_pinned_parent_that_nobody_is_proven_to_hold_is_what_the_cloud_shows(world: World) -> None:
    answer = of_object(world)
    assert answer.referred.object is not None
    assert answer.referred.label == f"manageddatastore {MAIN}"
    assert answer.referred.spec is None, "what somebody only says of it does not count"
    assert not answer.referred.going
    assert answer.dependencies == {dependency.cloud_object(PROJECT.name, "datastores", MAIN)}


RESOURCES: tuple[tuple[Resource, ...], ...] = (
    (),
    (datastore(),),
    (LETS_IN,),
    (RESTORES,),
    (datastore(going=True),),
    (datastore(id_=None),),
    (datastore(project="other"),),
    (datastore(namespace="other"),),
    (SHARES, database()),
    (LETS_IN, database()),
    (SHARES, database(inside=None)),
    (SHARES, database(id_=None)),
    (database(),),
    (unreadable(),),
    (unreadable(going=True),),
    (unreadable(), database()),
)
CLOUDS: tuple[dict[str, Any], ...] = (
    {},
    {"cloud": ()},
    {"cloud": (), "gone": frozenset({MAIN, ORDERS})},
    {"cloud": ((MAIN, "ERROR"), (ORDERS, "ERROR"))},
)
WORLDS = [
    World(resources, unproven=frozenset(unproven), powers=powers, **cloud)
    for resources in RESOURCES
    for unproven in ((), *((each.key.name,) for each in resources))
    for cloud in CLOUDS
    for powers in (frozenset[Power](), ADOPTS)
]


def facts(world: World) -> dict[Dependency, object]:
    """Each thing that may change, under what is told when it does. A seal stands in the status: with it the resource changes."""
    told: dict[Dependency, object] = {
        dependency.resource(*each.key): (each, each.key.name in world.unproven) for each in world.resources
    }
    for name in ("ManagedDatastore", "ManagedDatabase"):
        collection, snapshot = KINDS[name].collection.name, world.snapshot(KINDS[name])
        for id_ in (MAIN, ORDERS):
            object_ = ObjectName(PROJECT.place, collection, id_)
            told[dependency.holder(*object_)] = world.owners.holder(object_)
            told[dependency.cloud_object(PROJECT.name, collection, id_)] = snapshot.get(id_), snapshot.is_gone(id_)
    return told


FACTS = [facts(world) for world in WORLDS]
ORDERS_BY_NAME: NameOrId = ("name", "orders", "home")
ORDERS_BY_ID: NameOrId = ("id", ORDERS, None)


@pytest.mark.parametrize(
    ("asker", "stated", "reference"),
    [
        *((asker, stated, to) for asker in (OWN, GUEST) for stated in (BY_NAME, BY_ID) for to in (DATASTORE, SOURCE)),
        (OWN, ORDERS_BY_NAME, DATABASE),
        (OWN, ORDERS_BY_ID, DATABASE),
        (GUEST, ORDERS_BY_ID, DATABASE),
    ],
)
def test_whatever_changes_the_answer_is_depended_on(asker: Resource, stated: NameOrId, reference: Reference) -> None:
    """Of any two worlds with different answers: had the one become the other, whoever asked would have been woken.

    What a project lets a namespace do is looked at before: a change of that is told by the project.
    """
    answers = [ask(world, stated, asker, reference) for world in WORLDS]
    distinct: list[Referred] = []
    for answer in answers:
        if answer.referred not in distinct:
            distinct.append(answer.referred)
    numbers = [distinct.index(answer.referred) for answer in answers]
    differing = 0
    for before, known, answer, number in zip(WORLDS, FACTS, answers, numbers, strict=True):
        for after, by_then, other_number in zip(WORLDS, FACTS, numbers, strict=True):
            if number != other_number and before.powers == after.powers:
                differing += 1
                assert any(known.get(each) != by_then.get(each) for each in answer.dependencies), (before, after)
    assert differing > 100


def test_what_is_depended_on_and_no_more() -> None:
    """A guest's reference to a shared database: it, both holders, and the datastore, whose spec shares it."""
    assert ask(with_(SHARES, database()), ("id", ORDERS, None), GUEST, DATABASE).dependencies == {
        dependency.cloud_object(PROJECT.name, "databases", ORDERS),
        dependency.holder(PROJECT.place, "databases", ORDERS),
        dependency.resource("ManagedDatabase", "home", "orders"),
        dependency.holder(PROJECT.place, "datastores", MAIN),
        dependency.resource("ManagedDatastore", "home", "main"),
    }
    assert ask(with_(datastore()), BY_NAME).dependencies == {
        dependency.resource("ManagedDatastore", "home", "main"),
        dependency.cloud_object(PROJECT.name, "datastores", MAIN),
    }
