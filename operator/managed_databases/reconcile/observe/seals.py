"""Proof of what a status says of ownership: a seal over it, made with a key that only the operator has (ADR 0011).

Whoever may write a status can write any id into it. So an id, an attempt, or a lost id counts only with the seal that the
operator has put beside it, in the same write.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property
from typing import Final, NamedTuple

import orjson
from pydantic import SecretStr

from managed_databases.kinds.facts import Facts
from managed_databases.kinds.observed import Standing
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.kinds.written import Written
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.ports import Resource
from managed_databases.reconcile.told import SEAL, SEALED, Told

OWNERSHIP: Final = "ownership"
LISTED: Final = "listed claim"
_ID: Final = "id of the key"
KEY_BYTES: Final = 32
MAX_NUMBER: Final = 2**53
"""The operator writes no greater number, and nothing nested deeper than MAX_NESTED, into a sealed field. For a seal all such
values are the same: NOT_OURS stands for them.
"""
MAX_NESTED: Final = 16
NOT_OURS: Final = "(nothing that the operator writes)"
LISTED_BYTES: Final = 8
"""How many bytes of each claim's hash are listed: without the key nobody can make a claim whose hash is in the list."""


MAX_JUDGED: Final = 1024
"""The most statuses whose proofs are remembered: a pass asks for the same one several times."""


class Proof(Enum):
    """What the seal says of a status; the value completes the sentence "the seal of its status ..."."""

    NOTHING_CLAIMED = "is not needed"
    FITS = "fits"
    MISSING = "is missing"
    OTHER_KEY = "was made with another key"
    DOES_NOT_FIT = "is that of another resource, or of another object"

    @property
    def holds(self) -> bool:
        return self in (Proof.NOTHING_CLAIMED, Proof.FITS)


class OwnershipKey:
    """The key and the keys derived from it. Each purpose has a derived key, so that a proof for one purpose is none for
    another.
    """

    def __init__(self, value: SecretStr) -> None:
        """Raises ValueError for a value that is not hexadecimal, or that has fewer than KEY_BYTES bytes."""
        self._key = bytes.fromhex(value.get_secret_value().strip())
        self._derived: dict[str, bytes] = {}
        if len(self._key) < KEY_BYTES:
            raise ValueError("too short")

    @classmethod
    def generate(cls) -> "OwnershipKey":
        return cls(SecretStr(secrets.token_hex(KEY_BYTES)))

    @property
    def value(self) -> SecretStr:
        return SecretStr(self._key.hex())

    @cached_property
    def id(self) -> str:
        """Return eight hexadecimal digits that tell this key from others, and tell nothing about the key itself."""
        return self._for(_ID).hex()[:8]

    def mac(self, purpose: str, message: bytes) -> bytes:
        return hmac.digest(self._for(purpose), message, "sha256")

    def _for(self, purpose: str) -> bytes:
        if purpose not in self._derived:
            self._derived[purpose] = hmac.digest(self._key, purpose.encode(), "sha256")
        return self._derived[purpose]


class _Judged(NamedTuple):
    """What was found of one status with one key. The status itself is kept, so that no other object can be taken for it."""

    status: Mapping[str, object]
    key: OwnershipKey
    proof: Proof


class Seals:
    """Makes seals and judges them. Without a `key` no claim is proven.

    `listed` are the claims that are believed without a seal: they were there at the first start, or when a person said that all
    statuses are true.
    """

    def __init__(self, key: OwnershipKey | None = None) -> None:
        self.key = key
        self.listed: frozenset[bytes] = frozenset()
        self._judged: dict[tuple[str, str], _Judged] = {}

    def proof(self, resource: Resource) -> Proof:
        told = resource.told
        if not told.claims_something:
            return Proof.NOTHING_CLAIMED
        seal = told.seal
        if not seal or self.key is None:
            return Proof.MISSING
        about = resource.key.kind, resource.uid
        before = self._judged.get(about)
        if before is not None and before.status is resource.status and before.key is self.key:
            return before.proof
        if is_same(seal, self._seal(self.key, resource, told)):
            proof = Proof.FITS
        else:
            proof = Proof.DOES_NOT_FIT if seal.startswith(f"{self.key.id}.") else Proof.OTHER_KEY
        if len(self._judged) >= MAX_JUDGED:
            self._judged.clear()
        self._judged[about] = _Judged(resource.status, self.key, proof)
        return proof

    def standing(self, resource: Resource) -> Standing:
        if self.proof(resource).holds:
            return Standing.PROVEN
        return Standing.TRUSTED if self.is_listed(resource) else Standing.UNPROVEN

    def sealed(self, resource: Resource, status: Mapping[str, object]) -> Written:
        """Return the status with the seal that it needs; without a seal if it claims nothing, or if there is no key."""
        bare = {field: value for field, value in status.items() if field != SEAL}
        told = Told(bare)
        if self.key is None or not told.claims_something:
            return bare
        return {**bare, SEAL: self._seal(self.key, resource, told)}

    def is_listed(self, resource: Resource) -> bool:
        return bool(self.listed) and self.key is not None and _listed(self.key, resource) in self.listed

    @staticmethod
    def _seal(key: OwnershipKey, resource: Resource, told: Told) -> str:
        return f"{key.id}.{key.mac(OWNERSHIP, canonical(resource, told)).hex()[:40]}"


def is_same(told: str, made: str) -> bool:
    """Return whether `told`, which anybody may have written, is the proof `made`. The time that this takes tells nothing.

    The texts are compared as bytes, because comparing `str` raises for a text that is not ASCII.
    """
    return hmac.compare_digest(told.encode(errors="surrogatepass"), made.encode())


def decides_ownership(facts: Facts) -> bool:
    """Return whether these facts decide which object the resource has: then the operator itself has decided it in this pass."""
    return not facts.written().keys().isdisjoint((*SEALED, SEAL))


def canonical(resource: Resource, told: Told) -> bytes:
    """Return the sealed fields of a status as bytes that are the same however the API server writes the numbers in them.

    This never raises, also not for a forged status: an error here would end the operator, at each start again.
    """
    sealed = {field: _plain(value) for field, value in told.sealed.items()}
    return orjson.dumps({"uid": resource.uid, "kind": resource.key.kind, **sealed}, option=orjson.OPT_SORT_KEYS)


def list_claims(key: OwnershipKey, resources: Iterable[Resource]) -> frozenset[bytes]:
    """Return the list of everything that these resources claim now."""
    return frozenset(_listed(key, resource) for resource in resources if resource.told.claims_something)


def _listed(key: OwnershipKey, resource: Resource) -> bytes:
    return key.mac(LISTED, canonical(resource, resource.told))[:LISTED_BYTES]


def _plain(value: object, depth: int = 0) -> object:
    if value is None or type(value) is str:  # most values are, and each pass makes seals
        return value
    if isinstance(value, dict | list | tuple | Mapping) and depth == MAX_NESTED:
        return NOT_OURS
    if isinstance(value, dict | Mapping):
        return {name: _plain(item, depth + 1) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return NOT_OURS if isinstance(value, int) and abs(value) > MAX_NUMBER else value


def why_unproven(proof: Proof, resource: Resource, *, adopts: bool) -> Stall:
    """Return the stall for a claim that nothing proves. `adopts` says that the resource could adopt the object instead."""
    what = resource.told.id or "an attempt to create"
    adoption = (
        "set spec.adoption to IfExists to take over what has its name, in a namespace with the power adopt; "
        if adopts
        else ""
    )
    return Stall(
        Reason.OWNERSHIP_NOT_PROVEN,
        f"nothing proves that {what} belongs to this resource: the seal of its status {proof.value}. Nothing is changed in the "
        f"cloud. {adoption}{FORCE_DELETE}: true and a deletion let this resource go; after a restore or a lost key the operator "
        "can be told to believe all statuses (docs/operating.md, Ownership that nothing proves)",
    )
