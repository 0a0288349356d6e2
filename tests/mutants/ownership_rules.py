"""Never another's object, and none deleted that nobody asked for."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decision",)
_GUARDS = ("virtual/test_guards.py",)

OWNERSHIP: Final = (
    Mutant(
        "nothing is adopted unless the spec says so",
        "reconcile/decision/decide.py",
        'if seen.spec.adoption == "Never":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "nothing is adopted without the power to",
        "reconcile/decision/decide.py",
        'if seen.project is None or "adopt" not in seen.project.powers:',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what differs in what can never change is not adopted",
        "reconcile/decision/decide.py",
        "if differing := fields_that_differ(expected, actual):",
        "if differing := []:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not changed",
        "reconcile/decision/decide.py",
        "    if seen.holder is not None:\n        return Stall(Reason.CONFLICT",
        "    if False:\n        return Stall(Reason.CONFLICT",
        _DECIDE,
    ),
    Mutant(
        "a pinned identity is compared with the project in each pass",
        "reconcile/observe.py",
        "if pinned is not None and (pinned.project_id, pinned.region) != actual:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a namespace that the project does not allow does nothing",
        "reconcile/observe.py",
        "if powers is None:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a deletion in a namespace that the project does not allow makes no call",
        "reconcile/observe.py",
        "if powers is None:",
        "if powers is None and not found.seen.deleting:",
        ("virtual/test_ownership_is_proven.py",),
    ),
    Mutant(
        "another namespace's datastore needs its permission",
        "reconcile/references.py",
        "if asker.key.namespace in allowed_namespaces(self.spec_of(kind, holder)):",
        "if True:",
        _GUARDS,
    ),
    Mutant(
        "a datastore that nobody holds needs the power to adopt",
        "reconcile/references.py",
        '"adopt" in project.powers if holder is None',
        "True if holder is None",
        _GUARDS,
    ),
    Mutant(
        "whose an object is does not differ by the DatabaseProject that leads there",
        "reconcile/told.py",
        'return place(self.raw["projectID"], self.raw["region"])',
        'return place(self.raw["project"], self.raw["region"])',
        ("virtual/test_two_projects_of_one.py",),
    ),
    Mutant(
        "nobody gets into another DatabaseProject's datastore by its id",
        "reconcile/references.py",
        "            if _project_of(holder, project) != project.name:\n",
        "            if False:\n",
        ("virtual/test_two_projects_of_one.py",),
    ),
    Mutant(
        "a disruptive change of an adopted object is approved by a person",
        "reconcile/decision/differences.py",
        "if change.risk < Risk.RESTART or not (seen.status.adopted or by_policy):",
        "if True:",
        _DECIDE,
    ),
    Mutant(
        "what is being deleted is not adopted",
        "reconcile/decision/decide.py",
        "    if dying:\n",
        "    if False:\n",
        ("virtual/test_status_tells_the_truth.py",),
    ),
)

_PROVEN = ("virtual/test_ownership_is_proven.py",)
_LOST = ("virtual/test_lost_keys.py",)
_ODD = ("virtual/test_odd_statuses.py",)

PROOF: Final = (
    Mutant(
        "a claim counts only with its seal",
        "reconcile/seals.py",
        "if is_same(seal, self._seal(self.key, resource, status)):",
        "if True:",
        _PROVEN,
    ),
    Mutant(
        "a claim without any seal is none",
        "reconcile/seals.py",
        "            return Proof.MISSING",
        "            return Proof.FITS",
        _PROVEN,
    ),
    Mutant(
        "a seal is for one uid",
        "reconcile/seals.py",
        '{"uid": resource.uid, "kind": resource.key.kind, **told}',
        '{"kind": resource.key.kind, **told}',
        _PROVEN,
    ),
    Mutant(
        "an id that was lost is claimed as well",
        "reconcile/seals.py",
        'CLAIMS: Final = ("id", "intent", "lostIDs")',
        'CLAIMS: Final = ("id", "intent")',
        _PROVEN,
    ),
    Mutant(
        "a report about a forged status does not seal it",
        "reconcile/report/writing.py",
        "if self.seals.proof(found.resource).holds or decides_ownership(facts):",
        "if True:",
        _PROVEN,
    ),
    Mutant(
        "a seal of any characters is compared",
        "reconcile/seals.py",
        'hmac.compare_digest(told.encode(errors="surrogatepass"), made.encode())',
        "hmac.compare_digest(told, made)",
        _ODD,
    ),
    Mutant(
        "any number in a status is compared with its seal",
        "reconcile/seals.py",
        "isinstance(value, int) and abs(value) > NUMBER_MOST",
        "False",
        _ODD,
    ),
    Mutant(
        "a proven claim goes before an older unproven one",
        "reconcile/claims.py",
        "key=lambda key: (self._entries[key].standing, self._entries[key].age)",
        "key=lambda key: self._entries[key].age",
        _PROVEN,
    ),
    Mutant(
        "what is disputed is not believed",
        "reconcile/observe.py",
        "if (other := self.claims.disputed_by(resource.key)) is not None:",
        "if (other := None) is not None:",
        _PROVEN,
    ),
    Mutant(
        "nothing is made in the place of what is not proven",
        "reconcile/decision/decide.py",
        "    if seen.unproven:\n        return Stall(",
        "    if False:\n        return Stall(",
        _PROVEN,
    ),
    Mutant(
        "nobody gets in by an unproven datastore",
        "reconcile/references.py",
        "if not self.claims.counts(key):",
        "if False:",
        _PROVEN,
    ),
    Mutant(
        "what somebody says to hold is not for those who may adopt",
        "reconcile/references.py",
        "        key = self.claims.holder(ObjectName(project.place, collection.name, id_))\n",
        "        key = self.claims.proven_holder(ObjectName(project.place, collection.name, id_))\n",
        _LOST,
    ),
    Mutant(
        "a key that is put back lists what it listed",
        "reconcile/key_keeping.py",
        "listed = self._seals.listed\n        else",
        "listed = frozenset[bytes]()\n        else",
        _LOST,
    ),
    Mutant(
        "a lost key is no first start",
        "reconcile/key_keeping.py",
        "frozenset[bytes]() if was_there else list_claims(key",
        "list_claims(key",
        _PROVEN,
    ),
    Mutant(
        "a key that was deleted is put back as it was",
        "reconcile/key_keeping.py",
        "key = known or OwnershipKey.generate()",
        "key = OwnershipKey.generate()",
        _PROVEN,
    ),
)

DELETION: Final = (
    Mutant(
        "what is protected is not deleted",
        "reconcile/decision/deletion.py",
        "if kind.protected(seen) and not (parent is not None and parent.going):",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not deleted",
        "reconcile/decision/deletion.py",
        "    if seen.holder is not None:\n        return Release(",
        "    if False:\n        return Release(",
        _DECIDE,
    ),
    Mutant(
        "Retain keeps the cloud object",
        "reconcile/decision/deletion.py",
        'if seen.status.id is not None and seen.spec.deletion_policy == "Retain":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a datastore waits for what is in it",
        "reconcile/decision/deletion.py",
        "    if seen.children:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "an attempt of unknown outcome is looked for before a resource is let go",
        "reconcile/decision/deletion.py",
        "if seen.settle_seconds is not None or not seen.listed:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "the finalizer stays until the cloud object is gone",
        "reconcile/decision/deletion.py",
        "    if seen.mine is None or seen.mine_unsure:\n        return Wait(",
        "    if seen.mine is None or seen.mine_unsure:\n        return Release(",
        _DECIDE,
    ),
)
