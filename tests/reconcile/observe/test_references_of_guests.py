"""What a reference of another namespace may ask for, and what does not matter to a creation or a deletion."""

from dataclasses import replace

import pytest

from kinds.builders import MAIN
from managed_databases.kinds.kind import NameOrId, Reference
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.scheduling import dependencies as dependency
from reconcile.fake_cache import resource
from reconcile.observe.reference_worlds import (
    ANY_STATE,
    BY_ID,
    BY_NAME,
    DATABASE,
    FORBIDDEN,
    GUEST,
    LETS_IN,
    NOT_READY,
    NOT_THERE,
    ORDERS,
    OWN,
    RESTORES,
    SHARES,
    SHARES_WITH_NOBODY,
    SOURCE,
    World,
    ask,
    database,
    datastore,
    unreadable,
    with_,
)


def test_whoever_asks_for_another_namespaces_is_told_what_it_would_take() -> None:
    assert ask(with_(), BY_NAME).message.startswith("there is no ManagedDatastore home/main; ")
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


@pytest.mark.parametrize(
    ("why", "going", "generation", "reason", "held_up"),
    [
        ("it is under way", True, 1, "Deleting", False),
        ("something is in it", True, 1, "InUse", True),
        ("the API refuses", True, 1, "Refused", True),
        ("it is not known whether the call worked", True, 1, "ApiUnreachable", True),
        ("what was wrong before the deletion says nothing of it", True, 0, "Invalid", False),
        ("nothing was said yet", True, 1, None, False),
        ("it stays", False, 1, "InUse", False),
    ],
)
def test_whether_its_deletion_is_held_up(
    why: str, going: bool, generation: int, reason: str | None, held_up: bool
) -> None:
    told = [] if reason is None else [{"type": "Synced", "status": "False", "reason": reason}]
    status = {"observedGeneration": generation, "conditions": told}
    holder = datastore(going=going, deletionProtection=False)
    holder = replace(holder, status={**holder.status, **status})
    of_object = ask(with_(holder), BY_NAME)
    assert of_object.referred.held_up == held_up, why
    assert dependency.resource("ManagedDatastore", "home", "main") in of_object.dependencies, "a change of it wakes"
