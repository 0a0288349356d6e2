"""A seal fits one status of one resource, in whatever form the API server gives it back, and no other."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from managed_databases.kinds.observed import Standing
from managed_databases.reconcile.observe.seals import (
    LISTED,
    MAX_JUDGED,
    OWNERSHIP,
    OwnershipKey,
    Proof,
    Seals,
    list_claims,
)
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.told import Told

IDENTITY = {"project": "team", "projectID": "0" * 32, "region": "r", "key": ["main"]}
STATUS: dict[str, Any] = {
    "id": "00000000-0000-4000-8000-000000000001",
    "identity": IDENTITY,
    "intent": {"attempt": 1, "others": [], "waitSeconds": 60.0, "expected": {"nodes": 3.0, "disk": None}},
    "lostIDs": ["00000000-0000-4000-8000-000000000002"],
    "phase": "ACTIVE",
}


def resource(status: Mapping[str, Any], uid: str = "uid", kind: str = "ManagedDatastore") -> Resource:
    return Resource(ResourceKey(kind, "shop", "main"), uid, "1", 1, "2026-01-01", None, (), {}, {}, status)


SEALS = Seals(OwnershipKey.generate())
SEALED = SEALS.sealed(resource({}), STATUS)


def test_it_fits_what_the_api_server_makes_of_it() -> None:
    told = {**SEALED, "intent": {"attempt": 1, "others": [], "waitSeconds": 60, "expected": {"nodes": 3}}}
    assert SEALS.proof(resource(SEALED)) is SEALS.proof(resource(told)) is Proof.FITS
    assert SEALS.proof(resource({**SEALED, "phase": "ERROR"})) is Proof.FITS
    assert len(Told(SEALED).seal) == 49


@pytest.mark.parametrize(
    "change",
    [
        {"id": "00000000-0000-4000-8000-000000000003"},
        {"id": None},
        {"identity": {**IDENTITY, "project": "another"}},
        {"identity": None},
        {"intent": None},
        {"intent": {**STATUS["intent"], "expected": {}}},
        {"lostIDs": []},
        {"lostIDs": [*STATUS["lostIDs"], "00000000-0000-4000-8000-000000000003"]},
    ],
)
def test_whatever_decides_whose_an_object_is_is_sealed(change: dict[str, Any]) -> None:
    assert SEALS.proof(resource({**SEALED, **change})) is Proof.DOES_NOT_FIT


def test_it_is_for_one_resource_and_one_key() -> None:
    assert SEALS.proof(resource(SEALED, uid="another")) is Proof.DOES_NOT_FIT
    assert SEALS.proof(resource(SEALED, kind="DatabaseUser")) is Proof.DOES_NOT_FIT
    assert Seals(OwnershipKey.generate()).proof(resource(SEALED)) is Proof.OTHER_KEY
    assert Seals().proof(resource(SEALED)) is Proof.MISSING
    assert SEALS.proof(resource(STATUS)) is Proof.MISSING


def test_what_claims_nothing_needs_none() -> None:
    nothing = {"identity": IDENTITY, "phase": "ACTIVE", "lostIDs": [], "seal": "left behind"}
    assert SEALS.proof(resource(nothing)) is Proof.NOTHING_CLAIMED
    assert "seal" not in SEALS.sealed(resource({}), nothing)


def test_a_listed_claim_is_trusted_as_it_was_then() -> None:
    key = OwnershipKey.generate()
    seals = Seals(key)
    seals.listed = list_claims(key, [resource(STATUS), resource({})])
    assert len(seals.listed) == 1
    assert seals.standing(resource(STATUS)) is Standing.TRUSTED
    assert seals.standing(resource({**STATUS, "id": "another"})) is Standing.UNPROVEN
    assert seals.standing(resource(STATUS, uid="another")) is Standing.UNPROVEN
    assert seals.standing(resource(seals.sealed(resource({}), STATUS))) is Standing.PROVEN


def test_each_purpose_has_a_key_of_its_own_and_the_id_tells_nothing() -> None:
    key = OwnershipKey.generate()
    assert key.mac(OWNERSHIP, b"text") != key.mac(LISTED, b"text")
    assert key.id not in key.value.get_secret_value()
    assert OwnershipKey(key.value).id == key.id
    for unusable in ("", "not hexadecimal", "00" * 31):
        with pytest.raises(ValueError, match="."):
            OwnershipKey(SecretStr(unusable))


def test_what_was_found_counts_for_that_status_and_that_key_only() -> None:
    """`proof` remembers: the same resource with another status, or another key, is judged anew."""
    key = OwnershipKey.generate()
    seals = Seals(key)
    sealed = seals.sealed(resource({}), STATUS)
    assert seals.proof(resource(sealed)) is Proof.FITS
    assert seals.proof(resource({**sealed, "id": "00000000-0000-4000-8000-000000000003"})) is Proof.DOES_NOT_FIT
    assert seals.proof(resource(sealed)) is Proof.FITS
    assert seals.proof(resource(sealed, kind="DatabaseUser")) is Proof.DOES_NOT_FIT
    assert seals.proof(resource(sealed, uid="other")) is Proof.DOES_NOT_FIT
    seals.key = OwnershipKey.generate()
    assert seals.proof(resource(sealed)) is Proof.OTHER_KEY
    seals.key = None
    assert seals.proof(resource(sealed)) is Proof.MISSING


def test_what_is_remembered_is_bounded() -> None:
    seals = Seals(OwnershipKey.generate())
    for number in range(3 * MAX_JUDGED):
        told = resource(SEALED, uid=str(number))
        assert seals.proof(resource(seals.sealed(told, STATUS), uid=str(number))) is Proof.FITS
        assert len(seals._judged) <= MAX_JUDGED
