from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import (
    CATALOGUE,
    CUBE,
    EARTHDISTANCE,
    MAIN,
    OLD_ONLY,
    PGCRYPTO,
    PROJECT,
    database_ref,
    seen_of,
    uuid,
)
from kube.immutable import BY_ID, Immutable
from managed_databases.api.models import AvailableExtension, Extension
from managed_databases.kinds.database_extension import KIND
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.verdicts import Reason, Wait

SAMPLE: dict[str, Any] = {
    "datastoreRef": {"name": "main"},
    "databaseRef": {"name": "orders"},
    "extension": "pgcrypto",
}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("datastoreRef", "name"), "main", "other", "another datastore", required=True),
    Immutable(KIND.name, ("databaseRef", "name"), "orders", "other", "another database", required=True),
    Immutable(KIND.name, ("extension",), "pgcrypto", "cube", "another extension", required=True),
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project", beside=BY_ID),
)

DATABASE = uuid(70)
IDS = {"available_extension_id": PGCRYPTO, "datastore_id": MAIN, "database_id": DATABASE}
EARTH = {"extension": "earthdistance"}


def extension(**fields: Any) -> Extension:
    return Extension.model_validate({"id": uuid(80), "status": "ACTIVE"} | IDS | fields)


@pytest.mark.parametrize("named", ["pgcrypto", PGCRYPTO])
def test_it_is_named_or_given_by_its_id(named: str) -> None:
    observed = seen_of(KIND, SAMPLE, {"extension": named})
    assert KIND.body(observed, None).model_dump(exclude_unset=True) == IDS
    assert KIND.key(observed) == KIND.key_of(extension())
    assert KIND.expected(observed) == KIND.expected_of(extension())


def test_key_survives_that_nothing_is_known() -> None:
    nothing = replace(seen_of(KIND, SAMPLE), refs={}, project=None)
    assert KIND.key(nothing) == ("", "")
    assert not [*KIND.needs(nothing)]


def test_until_the_offer_is_known_it_waits() -> None:
    unread = replace(PROJECT, catalogue=replace(CATALOGUE, extensions=None))
    with pytest.raises(SpecRefused) as refused:
        KIND.body(seen_of(KIND, SAMPLE, project=unread), None)
    assert isinstance(refused.value.verdict, Wait)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("pgcripto", "on offer: pgcrypto"),
        ("tsearch", "on offer: "),
        (OLD_ONLY, "on offer: cube, earthdistance, pgcrypto"),
    ],
)
def test_what_is_not_on_offer_is_refused_with_what_is(asked: str, told: str) -> None:
    with pytest.raises(SpecRefused, match=told) as refused:
        KIND.body(seen_of(KIND, SAMPLE, {"extension": asked}), None)
    assert refused.value.verdict.reason is Reason.INVALID_SPEC


def test_it_waits_for_what_it_depends_on() -> None:
    observed = seen_of(KIND, SAMPLE, EARTH)
    needed = (DATABASE, CUBE)
    assert [*KIND.needs(observed)] == [needed]
    with pytest.raises(SpecRefused, match="waits for extension cube in .*; make a DatabaseExtension for it"):
        KIND.body(observed, None)
    with pytest.raises(SpecRefused, match="waits for extension cube, which is PENDING_CREATE"):
        KIND.body(replace(observed, needed={needed: extension(status="PENDING_CREATE")}), None)
    made = KIND.body(replace(observed, needed={needed: extension()}), None)
    assert made.model_dump()["available_extension_id"] == EARTHDISTANCE


def test_it_waits_for_the_same_where_the_catalogue_tells_it_the_other_way_round() -> None:
    offered = (
        AvailableExtension(id=CUBE, name="cube", dependency_ids=(EARTHDISTANCE,)),
        AvailableExtension(id=EARTHDISTANCE, name="earthdistance"),
    )
    other = replace(PROJECT, catalogue=replace(CATALOGUE, extensions=offered))
    with pytest.raises(SpecRefused, match="waits for extension cube in .*; make a DatabaseExtension for it"):
        KIND.body(seen_of(KIND, SAMPLE, EARTH, project=other), None)
    assert KIND.body(seen_of(KIND, SAMPLE, {"extension": "cube"}, project=other), None).available_extension_id == CUBE


def test_where_it_is_not_known_which_needs_which_it_waits_only_for_what_is_at_work() -> None:
    offered = (
        AvailableExtension(id=CUBE, name="solid", dependency_ids=(EARTHDISTANCE,)),
        AvailableExtension(id=EARTHDISTANCE, name="far"),
    )
    unclear = replace(PROJECT, catalogue=replace(CATALOGUE, extensions=offered))
    for name, one, other in (("solid", CUBE, EARTHDISTANCE), ("far", EARTHDISTANCE, CUBE)):
        observed = seen_of(KIND, SAMPLE, {"extension": name}, project=unclear)
        assert KIND.body(observed, None).available_extension_id == one, "the API refuses what comes too early"
        assert [*KIND.needs(observed)] == [(DATABASE, other)], "so that it is tried again when that is there"
        at_work: dict[tuple[str, ...], Extension] = {(DATABASE, other): extension(status="PENDING_CREATE")}
        with pytest.raises(SpecRefused, match="which is PENDING_CREATE"):
            KIND.body(replace(observed, needed=at_work), None)


@pytest.mark.parametrize("engine", ["mysql 8", "redis 7", "kafka 3"])
def test_only_in_postgresql(engine: str) -> None:
    with pytest.raises(SpecRefused, match="postgresql"):
        KIND.body(seen_of(KIND, SAMPLE, engine=engine), None)


def test_nothing_of_it_changes_but_its_database_must_be_the_same() -> None:
    assert not [*KIND.changes(seen_of(KIND, SAMPLE, external=extension()))]
    moved = {"databaseRef": database_ref(id=uuid(71))}
    with pytest.raises(SpecRefused, match="databaseRef now means"):
        [*KIND.changes(seen_of(KIND, SAMPLE, external=extension(), refs=moved))]
