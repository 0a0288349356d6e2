"""What a reference stands for, for whom, and what would change the answer."""

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import pytest

from kinds.builders import DATASTORE_SPEC, MAIN, PROJECT, uuid
from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind, NameOrId, Reference
from managed_databases.kinds.observed import Referred, Standing
from managed_databases.kinds.project_view import Power, ProjectView
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.observe.ownership_index import ObjectName, OwnershipIndex
from managed_databases.reconcile.observe.reading import Specs
from managed_databases.reconcile.observe.references import Lookup, References
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from reconcile.fake_cache import FakeCache, resource

KINDS = cloud_kinds(kinds())
(DATASTORE,) = KINDS["KafkaTopic"].references
(SOURCE,) = KINDS["ManagedDatastore"].references
DATABASE: Reference = Reference("databaseRef", "ManagedDatabase", lambda _: None)
ANY_STATE: Reference = Reference("restore.datastoreRef", "ManagedDatastore", lambda _: None, at_creation_only=True)
ORDERS = uuid(70)
BY_NAME: NameOrId = ("name", "main", "home")
BY_ID: NameOrId = ("id", MAIN, None)
OWN = resource("KafkaTopic", "asker", "home")
GUEST = resource("KafkaTopic", "asker", "guest")
ADOPTS: frozenset[Power] = frozenset({"adopt"})


def datastore(name: str = "main", *, namespace: str = "home", id_: str | None = MAIN, **fields: Any) -> Resource:
    """The resource of a datastore; `fields` of its spec, but for those of `resource`."""
    told = {name: fields.pop(name) for name in ("going", "project") if name in fields}
    return resource("ManagedDatastore", name, namespace, spec=DATASTORE_SPEC | fields, id_=id_, **told)


def unreadable(*, namespace: str = "home", **fields: Any) -> Resource:
    """A datastore whose spec has a field of another version, and so fits no model; it would let the guest in."""
    return datastore(namespace=namespace, allowedNamespaces=["guest"], deletionProtection="perhaps", **fields)


def database(**fields: Any) -> Resource:
    spec = {"datastoreRef": {"name": "main"}}
    return resource("ManagedDatabase", "orders", "home", spec=spec, **{"id_": ORDERS, "inside": MAIN} | fields)


LETS_IN = datastore(allowedNamespaces=["guest"])
RESTORES = datastore(allowedNamespaces=["guest"], guestRights=[{"namespace": "guest", "restore": True}])
SHARES = datastore(allowedNamespaces=["guest"], guestRights=[{"namespace": "guest", "databases": ["orders"]}])
SHARES_WITH_NOBODY = datastore(guestRights=[{"namespace": "guest", "databases": ["orders"]}])


@dataclass(frozen=True)
class World:
    """Resources, who of them only says to hold what it holds, and the cloud's objects by id with their status."""

    resources: tuple[Resource, ...] = ()
    unproven: frozenset[str] = frozenset()
    cloud: tuple[tuple[str, str | None], ...] = ((MAIN, "ACTIVE"), (ORDERS, "ACTIVE"))
    gone: frozenset[str] = frozenset()
    powers: frozenset[Power] = frozenset()

    @property
    def view(self) -> ProjectView:
        return ProjectView(PROJECT.name, PROJECT.project_id, PROJECT.region, granted_powers=self.powers)

    @cached_property
    def owners(self) -> OwnershipIndex:
        owners = OwnershipIndex(kinds().__getitem__)
        for each in self.resources:
            is_unproven = each.key.name in self.unproven
            owners.update(each, Standing.UNPROVEN if is_unproven else Standing.PROVEN)
        return owners

    def snapshot(self, kind: CloudKind) -> CollectionSnapshot[CloudObject]:
        return snapshot(kind.name, self.cloud, self.gone)

    @cached_property
    def references(self) -> References:
        return References(FakeCache(*self.resources), self.owners, KINDS.__getitem__, Specs().of)


@cache
def snapshot(
    kind: str, objects: tuple[tuple[str, str | None], ...], gone: frozenset[str]
) -> CollectionSnapshot[CloudObject]:
    """What was seen of that kind. Nothing here changes it."""
    seen = CollectionSnapshot[CloudObject](KINDS[kind].key_of, lambda _: None)
    for id_, status in objects:
        told = {"id": id_, "name": id_, "status": status, "datastore_id": MAIN}
        seen.answered(KINDS[kind].collection.model.model_validate(told))
    for id_ in gone:
        seen.confirmed_gone(id_)
    return seen


@dataclass
class Answer:
    referred: Referred
    dependencies: set[Dependency] = field(default_factory=set)

    @property
    def reason(self) -> Reason | None:
        return None if self.referred.problem is None else self.referred.problem.reason

    @property
    def message(self) -> str:
        return "" if self.referred.problem is None else self.referred.problem.message


def ask(world: World, stated: NameOrId, asker: Resource = OWN, reference: Reference = DATASTORE) -> Answer:
    kind, noted = KINDS[reference.kind], set[Dependency]()
    lookup = Lookup(asker, kind, world.view, world.snapshot(kind), noted)
    return Answer(world.references.resolve(lookup, reference, stated), noted)


def with_(*resources: Resource, **fields: Any) -> World:
    return World(resources, **fields)


NOT_THERE, NOT_READY, FORBIDDEN = Reason.PARENT_MISSING, Reason.PARENT_NOT_READY, Reason.FORBIDDEN


@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
@pytest.mark.parametrize(
    ("why", "asker", "world", "reason", "words"),
    [
        ("the own namespace's", OWN, with_(datastore()), None, ""),
        ("another one's that lets this one in", GUEST, with_(LETS_IN), None, ""),
        (
            "another one's that says to hold it",
            OWN,
            with_(datastore(), unproven=frozenset({"main"})),
            NOT_READY,
            "nothing proves",
        ),
        ("a guest's, unproven", GUEST, with_(LETS_IN, unproven=frozenset({"main"})), NOT_READY, "nothing proves"),
        ("it goes", OWN, with_(datastore(going=True)), NOT_READY, "is being deleted"),
        ("it went", OWN, with_(datastore(), cloud=(), gone=frozenset({MAIN})), NOT_READY, "is not in the cloud"),
        ("it was not seen yet", OWN, with_(datastore(), cloud=()), NOT_READY, "is not listed yet"),
        (
            "it is made",
            OWN,
            with_(datastore(), cloud=((MAIN, "PENDING_CREATE"),)),
            NOT_READY,
            "which is PENDING_CREATE",
        ),
        ("it is down", OWN, with_(datastore(), cloud=((MAIN, "ERROR"),)), NOT_READY, "which is ERROR"),
        ("it is hurt, and takes changes", OWN, with_(datastore(), cloud=((MAIN, "DEGRADED"),)), None, ""),
        ("the API does not say its state", OWN, with_(datastore(), cloud=((MAIN, None),)), None, ""),
        (
            "its spec cannot be read",
            OWN,
            with_(unreadable()),
            NOT_READY,
            "home/main, whose spec this operator cannot read",
        ),
        ("nor what it is while it goes", OWN, with_(unreadable(going=True)), NOT_READY, "is being deleted"),
        ("it is in another project", OWN, with_(datastore(project="other")), FORBIDDEN, "another DatabaseProject"),
    ],
)
def test_by_name_as_by_id(
    why: str, asker: Resource, world: World, reason: Reason | None, words: str, stated: NameOrId
) -> None:
    answer = ask(world, stated, asker)
    assert answer.reason == reason, why
    assert words in answer.message
    if reason is None:
        assert answer.referred.id == MAIN
        assert answer.referred.object is not None
        assert answer.referred.spec == KINDS["ManagedDatastore"].spec.model_validate(world.resources[0].spec)
    elif reason is not NOT_READY or "nothing proves" in words:
        assert (answer.referred.object, answer.referred.id, answer.referred.spec) == (None,) * 3, "it does not count"


@pytest.mark.parametrize(
    ("why", "stated", "asker", "world", "reason", "words"),
    [
        ("no such name", BY_NAME, OWN, with_(), NOT_THERE, "there is no ManagedDatastore home/main"),
        ("a name without namespace is one of the own", ("name", "main", None), GUEST, with_(LETS_IN), NOT_THERE, "no"),
        ("and that is found", ("name", "main", None), OWN, with_(datastore()), None, ""),
        ("not created yet, and unreadable", BY_NAME, OWN, with_(unreadable(id_=None)), NOT_READY, "is not created yet"),
        ("not created yet", BY_NAME, OWN, with_(datastore(id_=None)), NOT_READY, "is not created yet"),
        ("nobody holds it, and this namespace may not adopt", BY_ID, OWN, with_(), FORBIDDEN, "power adopt"),
        ("nobody holds it, and it may", BY_ID, OWN, with_(powers=ADOPTS), None, ""),
        ("the project does not have it", BY_ID, OWN, with_(powers=ADOPTS, cloud=()), NOT_THERE, "the project shows no"),
        ("it is at work", BY_ID, OWN, with_(powers=ADOPTS, cloud=((MAIN, "PENDING_UPDATE"),)), NOT_READY, "PENDING"),
        ("a power is for what nobody holds", BY_ID, GUEST, with_(datastore(), powers=ADOPTS), FORBIDDEN, "may not use"),
        (
            "nor for what somebody only says to hold",
            BY_ID, GUEST, with_(datastore(), unproven=frozenset({"main"}), powers=ADOPTS), FORBIDDEN, "may not use",
        ),
    ],
)  # fmt: skip
def test_by_name_or_by_id(
    why: str, stated: NameOrId, asker: Resource, world: World, reason: Reason | None, words: str
) -> None:
    answer = ask(world, stated, asker)
    assert answer.reason == reason, why
    assert words in answer.message


def test_what_is_not_created_yet_tells_its_spec_all_the_same() -> None:
    assert ask(with_(datastore(id_=None)), BY_NAME).referred.spec is not None


@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
def test_what_cannot_be_read_is_depended_on_and_shows_its_object(stated: NameOrId) -> None:
    """The mend wakes who waits; who has something there is compared with it all the same."""
    answer = ask(with_(unreadable()), stated)
    assert dependency.resource("ManagedDatastore", "home", "main") in answer.dependencies
    assert (answer.referred.id, answer.referred.spec) == (MAIN, None)
    assert answer.referred.object is not None


@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
@pytest.mark.parametrize(
    ("why", "asker", "is_proven", "is_shown"),
    [
        ("its object is in it", {"id_": uuid(71), "inside": MAIN}, True, True),
        ("nothing proves that", {"id_": uuid(71), "inside": MAIN}, False, False),
        ("its object is in another one", {"id_": uuid(71), "inside": uuid(72)}, True, False),
        ("it has none", {}, True, False),
    ],
)
def test_a_guest_of_what_cannot_be_read_keeps_what_it_has(
    why: str, asker: dict[str, Any], is_proven: bool, is_shown: bool, stated: NameOrId
) -> None:
    guest = resource("KafkaTopic", "asker", "guest", **asker)
    world = with_(unreadable(), guest, unproven=frozenset(() if is_proven else {"asker"}))
    answer = ask(world, stated, guest)
    assert (answer.referred.object is not None) == is_shown, why
    assert answer.reason == (NOT_READY if is_shown else FORBIDDEN if stated is BY_ID else NOT_THERE), "no step is taken"


def test_which_of_two_holders_counts_is_the_proven_one() -> None:
    """The older one only says to hold it, and would let the guest in."""
    older = datastore("a", namespace="guest")
    assert ask(with_(older, datastore(), unproven=frozenset({"a"})), BY_ID).reason is None
    assert ask(with_(older, datastore(), unproven=frozenset({"a"})), BY_ID, GUEST).reason is FORBIDDEN


@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
def test_one_text_for_what_is_not_there_and_for_what_may_not_be_seen(stated: NameOrId) -> None:
    """Whoever may not see it learns neither that it is there nor in which state."""
    said = {
        repr(ask(world, stated, GUEST).referred)
        for world in (
            with_(),
            with_(cloud=()),
            with_(datastore()),
            with_(datastore(), cloud=()),
            with_(datastore(), unproven=frozenset({"main"})),
            with_(datastore(going=True)),
            with_(datastore(project="other")),
            with_(datastore(allowedNamespaces=["others"])),
            with_(SHARES_WITH_NOBODY),
            with_(unreadable()),
            with_(unreadable(id_=None)),
            with_(unreadable(going=True)),
        )
    }
    assert len(said) == 1, said


def test_whoever_asks_for_another_namespaces_is_told_what_it_would_take() -> None:
    assert ask(with_(), BY_NAME).message == "there is no ManagedDatastore home/main"
    assert "or its allowedNamespaces do not name guest" in ask(with_(), BY_NAME, GUEST).message


@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
def test_rights_of_guests_are_for_what_the_reference_asks(stated: NameOrId) -> None:
    refused = ask(with_(LETS_IN), stated, GUEST, SOURCE)
    assert isinstance(refused.referred.problem, Stall)
    assert refused.reason is FORBIDDEN
    assert "restore.datastoreRef: ManagedDatastore home/main lets guest have objects of its own" in refused.message
    assert (refused.referred.object, refused.referred.id) == (None, None), "what may not be used is not shown"
    assert ask(with_(RESTORES), stated, GUEST, SOURCE).reason is None
    assert ask(with_(datastore()), stated, OWN, SOURCE).reason is None, "the own namespace's needs no right"


@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
def test_a_guest_is_told_what_he_may(stated: NameOrId) -> None:
    guest = ask(with_(RESTORES), stated, GUEST).referred.guest
    assert guest is not None
    assert guest.restore
    assert ask(with_(RESTORES), stated, OWN).referred.guest is None, "the owner may do everything"


@pytest.mark.parametrize(
    ("why", "world", "is_let_in"),
    [
        ("the datastore lets the guest have this one", with_(SHARES, database()), True),
        ("it names no database", with_(LETS_IN, database()), False),
        ("it does not let the guest in at all", with_(SHARES_WITH_NOBODY, database()), False),
        (
            "it names another one",
            with_(
                datastore(
                    allowedNamespaces=["guest"], guestRights=[{"namespace": "guest", "databases": ["customers"]}]
                ),
                database(),
            ),
            False,
        ),
        ("nobody holds the datastore", with_(database()), False),
        ("the datastore cannot be read", with_(datastore(**{**SHARES.spec, "config": 5}), database()), False),
        ("the database does not say where it is", with_(SHARES, database(inside=None)), False),
        (
            "a datastore of another namespace says nothing about it",
            with_(datastore(namespace="other", **dict(SHARES.spec)), database()),
            False,
        ),
    ],
)
def test_a_guest_may_use_the_databases_that_the_datastore_shares(why: str, world: World, is_let_in: bool) -> None:
    answer = ask(world, ("id", ORDERS, None), GUEST, DATABASE)
    assert answer.reason == (None if is_let_in else FORBIDDEN), why


def test_a_shared_database_is_not_to_be_had_by_its_name() -> None:
    assert ask(with_(SHARES, database()), ("name", "orders", "home"), GUEST, DATABASE).reason is NOT_THERE


def test_to_share_databases_opens_nothing_else() -> None:
    """A user of that name, in the same datastore, is not a database."""
    user = resource("DatabaseUser", "orders", "home", spec={"datastoreRef": {"name": "main"}}, id_=ORDERS, inside=MAIN)
    reference: Reference = Reference("userRef", "DatabaseUser", lambda _: None)
    assert ask(with_(SHARES, user), ("id", ORDERS, None), GUEST, reference).reason is FORBIDDEN


@pytest.mark.parametrize(
    ("why", "world", "reason"),
    [
        ("a backup can be had of what is down", with_(datastore(), cloud=((MAIN, "ERROR"),)), None),
        ("and of what is at work", with_(datastore(), cloud=((MAIN, "PENDING_UPDATE"),)), None),
        ("and of what is to be deleted", with_(datastore(going=True)), None),
        ("but not of what goes", with_(datastore(), cloud=((MAIN, "PENDING_DELETE"),)), NOT_READY),
        ("nor of what is not there", with_(datastore(), cloud=()), NOT_READY),
    ],
)
@pytest.mark.parametrize("stated", [BY_NAME, BY_ID])
def test_for_a_creation_only_its_state_does_not_matter(
    why: str, world: World, reason: Reason | None, stated: NameOrId
) -> None:
    assert ask(world, stated, OWN, ANY_STATE).reason == reason, why


@pytest.mark.parametrize(
    ("why", "holder", "going"),
    [
        ("it stays", datastore(deletionProtection=False), False),
        ("it goes with all that is in it", datastore(going=True, deletionProtection=False), True),
        (
            "only its resource goes",
            datastore(going=True, deletionProtection=False, deletionPolicy="Retain"),
            False,
        ),
        ("its deletion is refused", datastore(going=True, deletionProtection=True), False),
        ("nothing says whether it goes", unreadable(going=True), False),
    ],
)
def test_whether_it_takes_along_what_is_in_it(why: str, holder: Resource, going: bool) -> None:
    assert ask(with_(holder), BY_NAME).referred.going == going, why


# --- by the name alone, and without a question of permission ---


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


# --- what would change the answer ---

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
