"""Who holds an object, and who stands for a key: the older resource, whatever the order in which they are seen."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from managed_databases.kinds.observed import Standing
from managed_databases.kinds.project_view import place
from managed_databases.kinds.registry import kinds
from managed_databases.reconcile.observe.ownership_index import KeyName, ObjectName, OwnershipIndex
from managed_databases.reconcile.ports import Resource, ResourceKey

PLACE = place("0" * 32, "r")
OBJECT = ObjectName(PLACE, "datastores", "00000000-0000-4000-8000-000000000001")
KEY = KeyName(PLACE, "datastores", ("main",))


def resource(name: str, created_at: str, uid: str = "") -> Resource:
    identity = {"project": "team", "projectID": "0" * 32, "region": "r", "key": ["main"]}
    return Resource(
        key=ResourceKey("ManagedDatastore", "shop", name),
        uid=uid or name,
        resource_version="1",
        generation=1,
        created_at=created_at,
        deleting_since=None,
        finalizers=(),
        annotations={},
        spec={},
        status={"identity": identity, "id": OBJECT.id},
    )


OLDEST, YOUNGER, YOUNGEST = (resource(f"r{day}", f"2026-01-0{day}T00:00:00Z") for day in (1, 2, 3))


@pytest.mark.parametrize("order", list(permutations((OLDEST, YOUNGER, YOUNGEST))))
def test_the_older_resource_holds_what_several_want(order: Sequence[Resource]) -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    for each in order:
        owners.update(each)
    for holder in (OLDEST, YOUNGER, YOUNGEST):
        assert owners.holder(OBJECT) == owners.claimant(KEY) == holder.key
        owners.forget(holder.key)
    assert owners.holder(OBJECT) is owners.claimant(KEY) is None


def test_of_two_made_in_the_same_second_the_uid_decides() -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    for each in (resource("a", OLDEST.created_at, "uid-2"), resource("b", OLDEST.created_at, "uid-1")):
        owners.update(each)
    assert owners.holder(OBJECT) == ResourceKey("ManagedDatastore", "shop", "b")


def test_a_claim_counts_before_anything_is_written() -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    unwritten = resource("a", OLDEST.created_at)
    unwritten = Resource(**{name: getattr(unwritten, name) for name in Resource.__slots__} | {"status": {}})
    owners.update(unwritten)
    assert owners.claimant(KEY) is None
    assert owners.reserve(unwritten, KEY)
    assert owners.claimant(KEY) == unwritten.key
    owners.update(unwritten)
    assert owners.claimant(KEY) == unwritten.key, "a look at the unwritten resource does not undo it"


def unwritten(name: str, created_at: str, **status: object) -> Resource:
    made = resource(name, created_at)
    return Resource(**{field: getattr(made, field) for field in Resource.__slots__} | {"status": status})


def test_the_first_claim_counts_until_something_is_pinned() -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    first, older = unwritten("first", YOUNGEST.created_at), unwritten("older", OLDEST.created_at)
    for each in (first, older):
        owners.update(each)
    assert owners.reserve(first, KEY)
    assert not owners.reserve(older, KEY), "it may have looked before the first one did"
    assert owners.reserve(first, KEY)
    assert owners.claimant(KEY) == first.key
    owners.update(resource("first", YOUNGEST.created_at))
    assert not owners.reserve(older, KEY)
    owners.forget(first.key)
    assert owners.reserve(older, KEY)


@pytest.mark.parametrize("other", [None, KeyName(PLACE, "datastores", ("corrected",))])
def test_what_is_not_wanted_any_more_is_free(other: KeyName | None) -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    first, second = unwritten("first", OLDEST.created_at), unwritten("second", YOUNGER.created_at)
    assert owners.reserve(first, KEY)
    owners.want(first.key, KEY)
    assert not owners.reserve(second, KEY)
    owners.want(first.key, other)
    assert owners.reserve(second, KEY)


def test_a_new_name_is_claimed_besides_the_pinned_one() -> None:
    """Until the cloud has renamed it, both are taken."""
    owners = OwnershipIndex(kinds().__getitem__)
    new = KeyName(PLACE, "datastores", ("new",))
    owners.update(OLDEST)
    assert owners.reserve(OLDEST, new)
    owners.update(OLDEST)
    assert owners.claimant(KEY) == owners.claimant(new) == OLDEST.key


def test_an_identity_without_object_or_attempt_claims_nothing() -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    owners.update(unwritten("refused", OLDEST.created_at, identity=OLDEST.status["identity"]))
    assert owners.claimant(KEY) is None


@pytest.mark.parametrize("order", list(permutations((OLDEST, YOUNGER, YOUNGEST))))
def test_what_is_proven_goes_before_what_is_not(order: Sequence[Resource]) -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    standings = {OLDEST.key: Standing.UNPROVEN, YOUNGER.key: Standing.TRUSTED, YOUNGEST.key: Standing.PROVEN}
    for each in order:
        owners.update(each, standings[each.key])
    for holder in (YOUNGEST, YOUNGER, OLDEST):
        assert owners.holder(OBJECT) == owners.claimant(KEY) == holder.key
        assert owners.proven_holder(OBJECT) == (None if holder is OLDEST else holder.key)
        owners.forget(holder.key)


def test_two_that_say_the_same_dispute_each_other() -> None:
    owners = OwnershipIndex(kinds().__getitem__)
    for each in (OLDEST, YOUNGER):
        owners.update(each, Standing.UNPROVEN)
    assert owners.disputed_by(OLDEST.key) == YOUNGER.key
    assert owners.disputed_by(YOUNGER.key) == OLDEST.key
    owners.forget(YOUNGER.key)
    assert owners.disputed_by(OLDEST.key) is None


def test_an_unproven_name_still_keeps_others_from_taking_it() -> None:
    """When a key is lost it is mostly the truth."""
    owners = OwnershipIndex(kinds().__getitem__)
    owners.update(OLDEST, Standing.UNPROVEN)
    other = unwritten("other", YOUNGEST.created_at)
    owners.update(other)
    assert not owners.reserve(other, KEY)


def test_listeners_are_told_when_a_claim_is_proven() -> None:
    told: list[ObjectName] = []
    owners = OwnershipIndex(kinds().__getitem__, told.append)
    owners.update(OLDEST, Standing.UNPROVEN)
    told.clear()
    owners.update(OLDEST, Standing.UNPROVEN)
    assert told == []
    owners.update(OLDEST, Standing.PROVEN)
    assert told == [OBJECT]
