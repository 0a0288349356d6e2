"""What a reference stands for, for whom, by name and by id."""

from typing import Any

import pytest

from kinds.builders import MAIN, uuid
from managed_databases.kinds.kind import NameOrId
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.scheduling import dependencies as dependency
from reconcile.fake_cache import resource
from reconcile.observe.reference_worlds import (
    ADOPTS,
    BY_ID,
    BY_NAME,
    FORBIDDEN,
    GUEST,
    KINDS,
    LETS_IN,
    NOT_READY,
    NOT_THERE,
    OWN,
    SHARES_WITH_NOBODY,
    World,
    ask,
    datastore,
    unreadable,
    with_,
)


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
