"""The next step for the resources that a spec lists inline, and for those that go with their owner."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.kinds.observed import ObservedOwned
from managed_databases.kinds.verdicts import Arrange, Reason, Stall, Verdict, Wait
from managed_databases.reconcile.decide.owned_resources import let_go_step, owned_step
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

GRANTED = {"databases": [{"name": "orders"}]}
USER = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}} | GRANTED)
KIND = Stage(USER).current.kind
(WANTED,) = KIND.owned(Stage(USER).current.observed)
"""The one grant that the spec asks for."""


def found(name: str = WANTED.name, **fields: Any) -> ObservedOwned:
    """The grant as it should be."""
    whole: dict[str, Any] = {"is_ours": True, "is_going": False, "trouble": None, "spec": WANTED.spec}
    return ObservedOwned(kind=WANTED.kind, name=name, **whole | fields)


LOST = found(is_ours=False, has_lost_a_mark=True)
"""One of its two marks is gone, or was put there by somebody else."""


def step(*owned: ObservedOwned, its: Any = USER) -> Verdict | None:
    return owned_step(KIND, Stage(its, owned=owned).current.observed)


def test_what_is_as_asked_for_needs_nothing() -> None:
    assert step(found()) is None


def test_what_is_not_there_is_made() -> None:
    assert step() == Arrange(Reason.ABSENT, f"DatabaseGrant {WANTED.name} is asked for and not there yet", WANTED)


@pytest.mark.parametrize(
    ("why", "owned", "sort", "reason"),
    [
        ("somebody else's of that name", found(is_ours=False), Stall, Reason.RESOURCE_CONFLICT),
        ("it goes: what comes after it has to wait", found(is_going=True), Wait, Reason.PENDING),
        ("it differs", found(spec={}), Arrange, Reason.DRIFT),
        ("it lacks a mark, and is as asked for", LOST, Arrange, Reason.DRIFT),
        ("that goes already", replace(LOST, is_going=True), Wait, Reason.PENDING),
        (
            "it lacks a mark, and differs: it may be by another hand",
            replace(LOST, spec={}),
            Stall,
            Reason.RESOURCE_CONFLICT,
        ),
        ("it has trouble of its own", found(trouble="no such database"), Wait, Reason.PENDING),
    ],
)
def test_what_is_there_and_not_as_asked_for(why: str, owned: ObservedOwned, sort: type, reason: Reason) -> None:
    said = step(owned)
    assert said is not None
    assert (type(said), said.reason) == (sort, reason), why
    if isinstance(said, Arrange):
        assert said.owned == WANTED
        assert not said.doomed
    assert owned.trouble is None or owned.trouble in said.message


def test_what_somebody_has_added_to_it_is_his() -> None:
    assert step(found(spec={**WANTED.spec, "pollSeconds": 30})) is None


NONE_WANTED = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}})


@pytest.mark.parametrize(
    ("why", "owned", "is_doomed"),
    [
        ("it is not asked for any more", found(), True),
        ("it goes already", found(is_going=True), False),
        ("it is somebody else's", found(is_ours=False), False),
        ("it may be by another hand", LOST, False),
    ],
)
def test_what_is_not_asked_for_any_more_goes(why: str, owned: ObservedOwned, is_doomed: bool) -> None:
    said = step(owned, its=NONE_WANTED)
    assert (said is not None) == is_doomed, why
    if isinstance(said, Arrange):
        assert said.doomed
        assert said.owned.name == owned.name


def test_what_an_earlier_version_has_named_otherwise_stays() -> None:
    """Who uses it would be cut off for a moment."""
    assert step(found("an-old-name")) is None
    said = step(found("an-old-name"), found())
    assert isinstance(said, Arrange)
    assert (said.doomed, said.owned.name) == (True, "an-old-name"), "there is one of today's name: it is one too many"
    for other in (found("an-old-name", is_ours=False), found("an-old-name", is_going=True)):
        said = step(other)
        assert isinstance(said, Arrange)
        assert said.reason is Reason.ABSENT
    differs = step(found("an-old-name", spec={}))
    assert isinstance(differs, Arrange)
    assert differs.doomed, "another object in all but the name"
    of_another_kind = step(replace(found("an-old-name"), kind="DatabaseExtension"))
    assert isinstance(of_another_kind, Arrange)
    assert of_another_kind.doomed


# --- when the owner goes ---

GOES = {"deletionPolicy": "Delete", "deletionProtection": False}


@pytest.mark.parametrize(
    ("why", "owned", "retain", "way"),
    [
        ("it has to stay in the cloud, as its owner does", found(), True, {"deletionPolicy": "Retain"}),
        ("it stays already", found(spec={"deletionPolicy": "Retain"}), True, None),
        ("nobody else would lift its protection", found(), False, GOES),
        ("it is free to go", found(spec=GOES), False, None),
        ("half of it is not enough", found(spec=GOES | {"deletionProtection": True}), False, GOES),
        ("it goes already", found(is_going=True), False, None),
        ("it is somebody else's", found(is_ours=False), False, None),
        ("it may be by another hand", LOST, False, None),
        ("nor is that let go", LOST, True, None),
    ],
)
def test_what_goes_with_its_owner(why: str, owned: ObservedOwned, retain: bool, way: dict[str, Any] | None) -> None:
    said = let_go_step(Stage(USER, owned=(owned,)).current.observed, retain=retain)
    assert (None if said is None else said.owned.spec) == way, why
    if said is not None:
        assert said.if_there, "one that is gone by now is not made again"
        assert not said.doomed
        assert ("is let go with it" if retain else "is to go with it") in said.message
