"""Who else has a resource's key, and what is waited for before an object with this key is made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import DATASTORE_SPEC, PROJECT, datastore, uuid
from managed_databases.api.models import CloudObject
from managed_databases.kinds.observed import CreationView, SameKey, Standing
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.observe.creation import UNREADABLE_SECONDS, CreationLook
from managed_databases.reconcile.observe.ownership_index import KeyName
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.scheduling import dependencies as dependency
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

MINE, OTHER, THIRD = uuid(10), uuid(11), uuid(12)
KEY = ("main",)
NOTED = {
    "key": dependency.key(PROJECT.name, "datastores", KEY),
    "nameless": dependency.key(PROJECT.name, "datastores", ("",)),
    "list": dependency.listed(PROJECT.name, "datastores"),
}


def cluster(name: str = "main", **fields: Any) -> Resource:
    spec = DATASTORE_SPEC | fields.pop("spec", {})
    return resource("ManagedDatastore", name, spec=spec, **fields)


def seen(id_: str, name: str = "main") -> CloudObject:
    return datastore(id=id_, name=name)


def nameless(id_: str) -> CloudObject:
    return datastore(id=id_, name="")


class Look:
    def __init__(
        self,
        its: Resource,
        *others: Resource,
        cloud: Sequence[CloudObject] = (),
        external: CloudObject | None = None,
        **observed: Any,
    ) -> None:
        self.stage = Stage(its, *others, external=external, **observed)
        self.current, self.clock = self.stage.current, self.stage.clock
        self.current.interests.wanted_key = None
        self.look = CreationLook(self.stage.owners, self.clock)
        for each in cloud:
            self.stage.session.own.answered(each)

    def seen(self, unlisted: Wait | None = None) -> tuple[SameKey[CloudObject], CreationView]:
        return self.look.look(self.current, unlisted)

    @property
    def same_key(self) -> SameKey[CloudObject]:
        return self.seen()[0]

    @property
    def view(self) -> CreationView:
        return self.seen()[1]

    @property
    def noted(self) -> set[str]:
        return {name for name, each in NOTED.items() if each in self.current.dependencies}

    def list(self, *rows: CloudObject, at: float | None = None) -> None:
        own, begun = self.stage.session.own, self.clock.moment if at is None else at
        own.list_finished(own.list_started(begun), rows or tuple(own.all()))


NEW, HOLDS = cluster(), cluster(id_=MINE)
RENAMED = cluster(id_=MINE, spec={"name": "other"})


# --- the same key ---


def held_by(name: str, namespace: str = "home", **fields: Any) -> Resource:
    return resource("ManagedDatastore", name, namespace, spec=DATASTORE_SPEC, **{"id_": OTHER} | fields)


@pytest.mark.parametrize(
    ("why", "its", "others", "cloud", "namesakes", "held"),
    [
        ("nobody has it", NEW, [], [seen(OTHER, "other")], [], {}),
        ("one that nobody holds", NEW, [], [seen(OTHER)], [OTHER], {}),
        ("several", NEW, [], [seen(OTHER), seen(THIRD)], [OTHER, THIRD], {}),
        ("its own is none", HOLDS, [], [seen(MINE), seen(OTHER)], [OTHER], {}),
        ("one that another resource holds", NEW, [held_by("o")], [seen(OTHER)], [], {OTHER: "ManagedDatastore home/o"}),
        ("in another namespace", NEW, [held_by("o", "away")], [seen(OTHER)], [], {OTHER: "a resource of another namespace"}),
    ],
)  # fmt: skip
def test_who_has_the_key(
    why: str,
    its: Resource,
    others: list[Resource],
    cloud: list[CloudObject],
    namesakes: list[str],
    held: dict[str, str],
) -> None:
    look = Look(its, *others, cloud=cloud)
    found = look.same_key
    assert ([each.id for each in found.namesakes], found.held) == (namesakes, held), why
    for other in others:
        assert dependency.resource(*other.key) in look.current.dependencies
    assert look.current.interests.wanted_key == KeyName(PROJECT.place, "datastores", KEY)
    assert "key" in look.noted


def test_what_was_just_made_or_is_gone_is_no_namesake() -> None:
    look = Look(NEW, cloud=[seen(OTHER), seen(THIRD)])
    look.current.memory.creation.was_made(OTHER, 1.0)
    look.stage.session.own.confirmed_gone(THIRD)
    assert look.same_key.namesakes == ()
    assert look.view.created_id == OTHER


@pytest.mark.parametrize(
    ("why", "standing", "namesakes"),
    [
        ("nothing proves that it holds it", Standing.UNPROVEN, (OTHER,)),
        ("its proof is in the cache already", Standing.PROVEN, ()),
    ],
)
def test_what_it_holds_without_proof_is_a_namesake(why: str, standing: Standing, namesakes: tuple[str, ...]) -> None:
    look = Look(NEW, cloud=[seen(OTHER)], standing=standing)
    look.stage.owners.update(cluster(id_=OTHER), standing)
    assert tuple(each.id for each in look.same_key.namesakes) == namesakes, why
    look.current.memory.creation.was_made(OTHER, 1.0)
    assert tuple(each.id for each in look.same_key.namesakes) == namesakes, "a memory proves nothing more"
    assert look.view.created_id == (None if namesakes else OTHER)


RIVAL = ResourceKey("ManagedDatastore", "home", "rival")


@pytest.mark.parametrize(
    ("why", "claims", "rival"),
    [
        ("nobody claims it", [], None),
        ("it does itself", [NEW.key], None),
        ("another one does", [RIVAL], "ManagedDatastore home/rival"),
        ("whoever came first", [NEW.key, RIVAL], None),
        ("wherever that is", [RIVAL._replace(namespace="away")], "a resource of another namespace"),
    ],
)
def test_who_claims_the_key(why: str, claims: list[ResourceKey], rival: str | None) -> None:
    look = Look(NEW)
    for key in claims:
        claimant = resource("ManagedDatastore", key.name, key.namespace, spec=DATASTORE_SPEC)
        look.stage.owners.reserve(claimant, KeyName(PROJECT.place, "datastores", KEY))
    assert look.same_key.rival == rival, why
    if rival is not None:
        assert dependency.resource(*claims[0]) in look.current.dependencies


# --- objects that do not tell their names ---


@pytest.mark.parametrize(
    ("why", "its", "others", "cloud", "external", "expected"),
    [
        ("one may have it", NEW, [], [nameless(OTHER)], None, (OTHER,)),
        ("another resource holds that one", NEW, [held_by("o")], [nameless(OTHER)], None, ()),
        ("it has an object of this key", HOLDS, [], [nameless(OTHER)], seen(MINE), ()),
        ("whose name is to be another", RENAMED, [], [nameless(OTHER)], seen(MINE), (OTHER,)),
    ],
)
def test_who_may_have_the_key(
    why: str,
    its: Resource,
    others: list[Resource],
    cloud: list[CloudObject],
    external: CloudObject | None,
    expected: tuple[str, ...],
) -> None:
    look = Look(its, *others, cloud=cloud, external=external)
    assert look.same_key.unreadable == expected, why


def test_what_may_have_the_key_is_waited_for_a_while() -> None:
    look = Look(NEW, cloud=[nameless(OTHER)])
    assert look.view.unreadable_seconds == UNREADABLE_SECONDS
    assert "nameless" in look.noted, "it wakes the resource once it tells its name"
    look.clock.moment += 100
    assert look.view.unreadable_seconds == UNREADABLE_SECONDS - 100
    look.clock.moment += UNREADABLE_SECONDS - 100
    assert look.view.unreadable_seconds is None
    assert Look(NEW).view.unreadable_seconds is None


# --- the list before ---


@pytest.mark.parametrize(
    ("why", "its", "external", "has_to_look"),
    [
        ("it makes one", NEW, None, True),
        ("it has one", HOLDS, seen(MINE), False),
        ("which is to have another name", RENAMED, seen(MINE), True),
        ("it is deleted under whatever name", cluster(id_=MINE, spec={"name": "other"}, going=True), seen(MINE), False),
        ("also if others have renamed it", cluster(id_=MINE, going=True), seen(MINE, "renamed"), False),
        ("an attempt was made", cluster(intent=True), None, False),
    ],
)
def test_whether_a_list_comes_first(why: str, its: Resource, external: CloudObject | None, has_to_look: bool) -> None:
    look = Look(its, external=external)
    look.list(*([] if external is None else [external]), at=look.clock.moment - 1)
    assert look.view.has_looked is not has_to_look, why
    if has_to_look:
        assert "list" in look.noted
        look.list(*([] if external is None else [external]))
        assert look.view.has_looked


def test_another_key_is_another_wish() -> None:
    look = Look(NEW)
    assert not look.view.has_looked
    look.list()
    assert look.view.has_looked
    look.clock.moment += 1
    spec = look.current.observed.spec.model_copy(update={"name": "other"})
    look.current.observed = replace(look.current.observed, spec=spec)
    assert not look.view.has_looked


def test_once_it_has_its_key_the_wish_ends() -> None:
    look = Look(HOLDS, external=seen(MINE))
    look.current.memory.creation.want(KEY, 5.0)
    look.seen()
    assert look.current.memory.creation.wanted_since is None


def test_in_a_datastore_no_list_is_needed() -> None:
    topic = resource("KafkaTopic", "t", spec={"datastoreRef": {"name": "main"}})
    assert Look(topic).view.has_looked


@pytest.mark.parametrize("unlisted", [None, Wait(Reason.UNREACHABLE, "datastores cannot be listed")])
def test_whether_there_was_a_list(unlisted: Wait | None) -> None:
    look = Look(NEW)
    before = look.seen(unlisted)[1]
    look.list()
    assert (before.is_listed, look.view.is_listed) == (False, True)
    assert before.unlisted is unlisted


# --- after an attempt ---

TRIED = cluster(status={"intent": {"attempt": 2, "waitSeconds": 60.0}}, intent=True)
"""The next attempt is made after four times that wait."""


def test_an_attempt_of_another_process_is_waited_for_from_now_on() -> None:
    look = Look(TRIED)
    look.list()
    assert (look.view.settle_seconds, look.view.again_seconds) == (60.0, 240.0)
    look.clock.moment += 59
    assert look.view.settle_seconds == 1.0
    assert look.current.interests.listed_now == set()


@pytest.mark.parametrize(
    ("why", "listed_at", "expected"),
    [
        ("no list was begun", None, 0.0),
        ("it was begun before the end of the wait", 59.0, 0.0),
        ("it was begun at its end", 60.0, None),
    ],
)
def test_after_the_wait_a_list_tells(why: str, listed_at: float | None, expected: float | None) -> None:
    look = Look(TRIED)
    look.seen()
    begin = look.clock.moment
    look.clock.moment += 61
    if listed_at is not None:
        look.list(at=begin + listed_at)
    assert look.view.settle_seconds == expected, why
    assert look.view.again_seconds == 179.0
    assert (look.current.interests.listed_now == {"datastores"}) is (expected == 0.0)
    assert ("list" in look.noted) is (expected == 0.0)


@pytest.mark.parametrize(
    ("why", "its"),
    [("it has its object", cluster(id_=MINE, intent=True)), ("nothing was tried", NEW)],
)
def test_without_an_open_attempt_nothing_is_waited_for(why: str, its: Resource) -> None:
    view = Look(its).view
    assert (view.settle_seconds, view.again_seconds) == (None, None), why


def test_an_id_that_the_status_has_was_not_just_made() -> None:
    look = Look(HOLDS, external=seen(MINE))
    look.current.memory.creation.was_made(MINE, 1.0)
    assert look.view.created_id is None


# --- the pinned key ---


@pytest.mark.parametrize(
    ("why", "fields", "key"),
    [
        ("an attempt looks for what it tried to make", {"intent": True}, ("main",)),
        ("a deletion for what it has", {"id_": MINE, "going": True}, ("main",)),
        ("what is kept has the name of the spec", {"id_": MINE}, ("other",)),
        ("so has what is to be made", {}, ("other",)),
    ],
)
def test_which_key_counts(why: str, fields: dict[str, Any], key: tuple[str, ...]) -> None:
    look = Look(cluster(spec={"name": "other"}, **fields))
    look.seen()
    assert look.current.interests.wanted_key == KeyName(PROJECT.place, "datastores", key), why
