"""Two users who take turns: what the first sees of the second one, and how far the first one leads it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import MAIN, uuid
from managed_databases.api.models import User
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.turns_view import PairView, TwinView
from managed_databases.reconcile.annotations import OWNED_BY, PAUSED, ROTATE_PASSWORD
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.observe.twin import TwinLook
from managed_databases.reconcile.ports import Resource
from reconcile.act.recording import Stage
from reconcile.fake_cache import FakeCache, resource
from reconcile.passes import KINDS

SPEC: Mapping[str, Any] = {"datastoreRef": {"name": "main"}, "rotation": {"strategy": "TwoUsers"}}
THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
ASKED = {OWNED_BY: "uid-app", ROTATE_PASSWORD: "t"}
ITS: dict[str, Any] = {"annotations": {OWNED_BY: "uid-app"}, "owner_uids": ("uid-app",)}
SEALS = Seals(OwnershipKey.generate())
SINCE = {"observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}
READY = {"conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "usable"} | SINCE]}
CHECKED = {"passwordCheck": "check", "rotation": {"handledRequest": "t"}} | READY


def first(status: Mapping[str, Any] | None = None, **fields: Any) -> Resource:
    return resource("DatabaseUser", "app", spec=SPEC, id_=THERE.id, inside=MAIN, status=status, **fields)


def second(status: Mapping[str, Any] | None = None, *, is_sealed: bool = True, **fields: Any) -> Resource:
    told: dict[str, Any] = {"spec": {"datastoreRef": {"name": "main"}}, "status": status or CHECKED}
    twin = resource("DatabaseUser", "app-twin", id_=uuid(61), inside=MAIN, **told | ITS | fields)
    return replace(twin, status=SEALS.sealed(twin, twin.status)) if is_sealed else twin


def look(me: Resource, *others: Resource) -> tuple[TwinLook, Stage]:
    cache, owners = FakeCache(me, *others), OwnershipIndex(KINDS.__getitem__)
    for each in (me, *others):
        owners.update(each)
    return TwinLook(cache, owners, SEALS), Stage(me, external=THERE)


def seen(me: Resource, *others: Resource) -> PairView:
    twins, stage = look(me, *others)
    return twins.seen(stage.current).pair


USUAL = TwinView(
    name="app-twin",
    uid="uid-app-twin",
    user="app-twin",
    handled="t",
    password_check="check",
    is_ready=True,
    trouble="it was not looked at yet",
)
UNKNOWN = replace(USUAL, user=None, password_check=None, is_ready=False)


@pytest.mark.parametrize(
    ("why", "twin", "view"),
    [
        ("all is proven", second(), USUAL),
        ("nothing proves what its status says", second(is_sealed=False), UNKNOWN),
        ("its password is in doubt", second(CHECKED | {"passwordUnconfirmed": True}), replace(USUAL, password_check=None)),
        ("it is not ready", second({"passwordCheck": "check"}), replace(USUAL, handled=None, is_ready=False)),
        ("it is going", second(going=True), replace(USUAL, is_going=True)),
        ("its password was asked for", second(annotations=ASKED), replace(USUAL, requested="t")),
        ("one of that name is somebody else's", second(annotations={}, owner_uids=()), None),
        ("one mark alone proves nothing", second(owner_uids=()), None),
        ("it is the second user of another one", second(annotations={OWNED_BY: "x"}, owner_uids=("x",)), None),
    ],
)  # fmt: skip
def test_what_the_first_one_sees(why: str, twin: Resource, view: TwinView | None) -> None:
    assert seen(first(), twin).twin == view, why


def test_a_user_without_an_object_has_no_second_one() -> None:
    assert seen(first(going=True), second()) == PairView()
    assert seen(replace(first(), status={}), second()) == PairView()


def test_who_names_the_first_one() -> None:
    grant = resource("DatabaseGrant", "reads", spec={"userRef": {"name": "app"}, "databaseRef": {"name": "shop"}})
    database = resource("ManagedDatabase", "shop", spec={"datastoreRef": {"name": "main"}, "ownerRef": {"name": "app"}})
    beside = [
        resource("DatabaseGrant", "going", spec=grant.spec, going=True),
        resource("DatabaseGrant", "inline", spec=grant.spec, **ITS),
        resource("DatabaseGrant", "of-another", spec={**grant.spec, "userRef": {"name": "reader"}}),
        resource("DatabaseGrant", "elsewhere", "blog", spec=grant.spec),
    ]
    named = seen(first(), grant, database, *beside).naming
    assert [(each.kind, each.name) for each in named] == [("DatabaseGrant", "reads"), ("ManagedDatabase", "shop")]


def led(owner: Resource | None, twin: Resource) -> Observed:
    twins, stage = look(twin, *(() if owner is None else (owner,)))
    return twins.led(stage.current)


TURN = {"rotation": {"active": "Own", "turn": "t", "turningTo": "Twin"}}


@pytest.mark.parametrize(
    ("why", "owner", "twin", "is_paused", "asked_for"),
    [
        ("it is paused with the first one", first(annotations={PAUSED: "true"}), second(), True, None),
        ("nobody is", first(), second(), False, None),
        ("its turn asks for a password", first(TURN), second(annotations=ASKED), False, "t"),
        ("no turn does", first(), second(annotations=ASKED), False, None),
        (
            "another turn does",
            first({"rotation": TURN["rotation"] | {"turn": "u"}}),
            second(annotations=ASKED),
            False,
            None,
        ),
        ("nobody leads it any more", None, second(annotations=ASKED), False, "t"),
        (
            "the first one is going",
            first(TURN, going=True, annotations={PAUSED: "true"}),
            second(annotations=ASKED),
            False,
            "t",
        ),
        (
            "another one has the name by now",
            replace(first(annotations={PAUSED: "true"}), uid="x"),
            second(annotations=ASKED),
            False,
            "t",
        ),
    ],
)
def test_how_far_it_is_led(
    why: str, owner: Resource | None, twin: Resource, is_paused: bool, asked_for: str | None
) -> None:
    found = led(owner, twin).annotations
    assert (found.get(PAUSED) == "true", found.get(ROTATE_PASSWORD)) == (is_paused, asked_for), why


@pytest.mark.parametrize(
    ("why", "status", "is_used"),
    [
        ("its login is in use", {"rotation": {"active": "Twin"}}, True),
        ("it gets its turn", TURN, True),
        ("it is the other's", {"rotation": {"active": "Own"}}, False),
        ("nothing is told", None, False),
    ],
)
def test_by_whom_it_is_used(why: str, status: Mapping[str, Any] | None, is_used: bool) -> None:
    used_by = led(first(status), second()).pair.used_by
    assert used_by == ("DatabaseUser home/app" if is_used else None), why
