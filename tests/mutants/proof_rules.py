"""Whoever may write a status cannot make it claim what is not the resource's own."""

from typing import Final

from mutants.mutant import Mutant

_PROVEN = ("virtual/test_ownership_is_proven.py",)
_UNSEALED = ("virtual/test_unsealed_statuses.py",)
_LOST = ("virtual/test_lost_keys.py",)
_ODD = ("virtual/test_odd_statuses.py",)

PROOF: Final = (
    Mutant(
        "a claim counts only with its seal",
        "reconcile/observe/seals.py",
        "if is_same(seal, self._seal(self.key, resource, told)):",
        "if True:",
        _PROVEN,
    ),
    Mutant(
        "what was found of a seal counts for that status only",
        "reconcile/observe/seals.py",
        "if before is not None and before.status is resource.status and before.key is self.key:",
        "if before is not None and before.key is self.key:",
        ("reconcile/observe/test_seals.py",),
    ),
    Mutant(
        "a claim without any seal is none",
        "reconcile/observe/seals.py",
        "            return Proof.MISSING",
        "            return Proof.FITS",
        (*_PROVEN, *_UNSEALED),
    ),
    Mutant(
        "a seal is for one uid",
        "reconcile/observe/seals.py",
        '{"uid": resource.uid, "kind": resource.key.kind, **sealed}',
        '{"kind": resource.key.kind, **sealed}',
        _UNSEALED,
    ),
    Mutant(
        "an id that was lost is claimed as well",
        "reconcile/told.py",
        'CLAIMS: Final = ("id", "intent", "lostIDs")',
        'CLAIMS: Final = ("id", "intent")',
        _PROVEN,
    ),
    Mutant(
        "a report about a forged status does not seal it",
        "reconcile/report/status_writer.py",
        "if proof.holds or decides_ownership(facts):",
        "if True:",
        (*_PROVEN, *_UNSEALED),
    ),
    Mutant(
        "a seal of any characters is compared",
        "reconcile/observe/seals.py",
        'hmac.compare_digest(told.encode(errors="surrogatepass"), made.encode())',
        "hmac.compare_digest(told, made)",
        _ODD,
    ),
    Mutant(
        "any number in a status is compared with its seal",
        "reconcile/observe/seals.py",
        "isinstance(value, int) and abs(value) > MAX_NUMBER",
        "False",
        _ODD,
    ),
    Mutant(
        "a proven claim goes before an older unproven one",
        "reconcile/observe/ownership_index.py",
        "key=lambda key: (self._entries[key].standing, self._entries[key].age)",
        "key=lambda key: self._entries[key].age",
        _PROVEN,
    ),
    Mutant(
        "what is disputed is not believed",
        "reconcile/observe/observer.py",
        "if (other := self._owners.disputed_by(resource.key)) is not None:",
        "if (other := None) is not None:",
        _PROVEN,
    ),
    Mutant(
        "nothing is made in the place of what is not proven",
        "reconcile/decide/without_object.py",
        "    if observed.standing is Standing.UNPROVEN:\n        return Stall(",
        "    if False:\n        return Stall(",
        _PROVEN,
    ),
    Mutant(
        "nobody gets in by an unproven datastore",
        "reconcile/observe/resolved_references.py",
        "if not self.owners.counts(key):",
        "if False:",
        _PROVEN,
    ),
    Mutant(
        "what somebody says to hold is not for those who may adopt",
        "reconcile/observe/resolved_references.py",
        "        key = self.owners.holder(lookup.name_of(kind, id_))\n",
        "        key = self.owners.proven_holder(lookup.name_of(kind, id_))\n",
        _LOST,
    ),
    Mutant(
        "a key that is put back lists what it listed",
        "reconcile/observe/seal_key.py",
        "listed = self._seals.listed\n        else",
        "listed = frozenset[bytes]()\n        else",
        _LOST,
    ),
    Mutant(
        "a lost key is no first start",
        "reconcile/observe/seal_key.py",
        "frozenset[bytes]() if was_there else list_claims(key",
        "list_claims(key",
        _UNSEALED,
    ),
    Mutant(
        "a key that was deleted is put back as it was",
        "reconcile/observe/seal_key.py",
        "key = known or OwnershipKey.generate()",
        "key = OwnershipKey.generate()",
        _UNSEALED,
    ),
)
