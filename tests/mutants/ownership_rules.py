"""Never another's object, and none deleted that nobody asked for."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decide",)
_HELD_UP = ("virtual/test_deletions_held_up.py", "reconcile/observe/test_going_along.py")
_GUARDS = ("virtual/test_guards.py",)
_REFERENCES = tuple(f"reconcile/observe/test_references{part}.py" for part in ("", "_of_guests", "_depend"))

OWNERSHIP: Final = (
    Mutant(
        "nothing is adopted unless the spec says so",
        "reconcile/decide/without_object.py",
        'if observed.spec.adoption == "Never":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "nothing is adopted without the power to",
        "reconcile/decide/without_object.py",
        "if observed.project is None or not observed.project.may_adopt:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what differs in what can never change is not adopted",
        "reconcile/decide/without_object.py",
        "if differing := fields_that_differ(expected, actual):",
        "if differing := []:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not changed",
        "reconcile/decide/decide.py",
        "    if presence.holder is not None:\n        return Stall(Reason.CONFLICT",
        "    if False:\n        return Stall(Reason.CONFLICT",
        _DECIDE,
    ),
    Mutant(
        "a pinned identity is compared with the project in each pass",
        "reconcile/observe/project_access.py",
        "if pinned is not None and (pinned.project_id, pinned.region) != (view.project_id, view.region):",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a namespace that the project does not allow does nothing",
        "reconcile/observe/project_access.py",
        "if powers is None:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a deletion in a namespace that the project does not allow makes no call",
        "reconcile/observe/project_access.py",
        "if powers is None:",
        "if powers is None and not current.observed.deleting:",
        ("virtual/test_ownership_is_proven.py",),
    ),
    Mutant(
        "another namespace's datastore needs its permission",
        "reconcile/observe/references.py",
        "return self._is_in(asker, holder) if spec is None else asker.key.namespace in allowed_namespaces(spec)",
        "return True",
        _GUARDS,
    ),
    Mutant(
        "who refers to a resource whose spec cannot be read waits for it, and does not fail",
        "reconcile/observe/references.py",
        "        except UnreadableSpec:\n            return None\n",
        "        except UnreadableSpec:\n            raise\n",
        _REFERENCES,
    ),
    Mutant(
        "a spec that cannot be read lets in nobody whose object is not proven to be there",
        "reconcile/observe/references.py",
        "return told.id is not None and told.datastore_id == holder.told.id and self.owners.counts(asker.key)",
        "return True",
        _REFERENCES,
    ),
    Mutant(
        "no step is taken in a datastore whose spec cannot be read",
        "reconcile/observe/references.py",
        "if problem is None and spec is None:",
        "if False:",
        _REFERENCES,
    ),
    Mutant(
        "what is in a datastore whose spec cannot be read does not count as going with it",
        "reconcile/observe/references.py",
        "    if spec is None:\n        return False\n",
        "    if spec is None:\n        return holder.deleting_since is not None\n",
        _REFERENCES,
    ),
    Mutant(
        "a datastore that nobody holds needs the power to adopt",
        "reconcile/observe/references.py",
        "if not lookup.project.may_adopt:",
        "if False:",
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
        "reconcile/observe/references.py",
        "        if _project_of(holder, lookup.project) != lookup.project.name:\n",
        "        if False:\n",
        ("virtual/test_two_projects_of_one.py",),
    ),
    Mutant(
        "a disruptive change of an adopted object is approved by a person",
        "reconcile/decide/differences.py",
        "if change.risk < Risk.RESTART or not (observed.status.adopted or by_policy):",
        "if True:",
        _DECIDE,
    ),
    Mutant(
        "what is being deleted is not adopted",
        "reconcile/decide/without_object.py",
        "    if dying:\n",
        "    if False:\n",
        ("virtual/test_status_tells_the_truth.py",),
    ),
)

_UNREAD = ("virtual/test_a_spec_that_cannot_be_read.py",)
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
        "if self.seals.proof(current.resource).holds or decides_ownership(facts):",
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
        "reconcile/observe/references.py",
        "if not self.owners.counts(key):",
        "if False:",
        _PROVEN,
    ),
    Mutant(
        "what somebody says to hold is not for those who may adopt",
        "reconcile/observe/references.py",
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

_OWNED = ("reconcile/observe/test_ownership_index_lookups.py", "virtual/test_owned_by_hand.py")

INLINE_ONLY: Final = (
    Mutant(
        "an annotation alone makes nobody an owner",
        "reconcile/observe/ownership_index.py",
        "return stated if stated in resource.owner_uids else None",
        "return stated",
        _OWNED,
    ),
    Mutant(
        "an ownerReference alone makes nobody an owner",
        "reconcile/observe/ownership_index.py",
        "return stated if stated in resource.owner_uids else None",
        "return stated or next(iter(resource.owner_uids), None)",
        _OWNED,
    ),
    Mutant(
        "only what a spec can list goes for its owner's sake",
        "reconcile/observe/ownership_index.py",
        "if key.kind in kinds and key.namespace",
        "if key.namespace",
        _OWNED,
    ),
    Mutant(
        "nothing in another namespace is changed for an owner's sake",
        "reconcile/observe/ownership_index.py",
        " and key.namespace == owner.key.namespace)",
        ")",
        _OWNED,
    ),
    Mutant(
        "what lacks a mark and differs is not changed",
        "reconcile/decide/owned_resources.py",
        "    if found.has_lost_a_mark and differs:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "what has lost its marks since the look is not deleted",
        "reconcile/act/actor.py",
        "(there is None or owner_of(there) != current.resource.uid)",
        "there is None",
        ("reconcile/act/test_actor_owned.py",),
    ),
    Mutant(
        "a protected resource that somebody has given an owner keeps its datastore",
        "reconcile/observe/inside.py",
        " and not child.stated.is_protected",
        "",
        ("reconcile/observe/test_inside.py",),
    ),
    Mutant(
        "what has another owner as well keeps its datastore",
        "reconcile/observe/inside.py",
        "all(owner in going for owner in child.owner_uids)",
        "any(owner in going for owner in child.owner_uids)",
        ("reconcile/observe/test_inside.py",),
    ),
)

DELETION: Final = (
    Mutant(
        "what is protected is not deleted",
        "reconcile/decide/deletion.py",
        "if kind.protected(observed) and not (parent is not None and parent.going):",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what would go with a datastore whose deletion is held up is deleted by itself",
        "reconcile/observe/going_along.py",
        "replace(each, going=False)",
        "each",
        _HELD_UP,
    ),
    Mutant(
        "what goes with its datastore waits a while for it",
        "reconcile/observe/going_along.py",
        "        if left > 0:\n",
        "        if False:\n",
        _HELD_UP,
    ),
    Mutant(
        "only what a status says of the deletion itself holds that up",
        "reconcile/observe/references.py",
        " and holder.told.observed_generation == holder.generation",
        "",
        ("reconcile/observe/test_references_of_guests.py",),
    ),
    Mutant(
        "whatever holds up a deletion is seen as that",
        "reconcile/observe/references.py",
        "synced is not None and synced.reason != Reason.DELETING",
        "synced is not None and synced.reason == Reason.IN_USE",
        (*_HELD_UP, "reconcile/observe/test_references_of_guests.py"),
    ),
    Mutant(
        "an object that another resource holds is not deleted",
        "reconcile/decide/deletion.py",
        "    if observed.presence.holder is not None:\n        return LetGo(",
        "    if False:\n        return LetGo(",
        _DECIDE,
    ),
    Mutant(
        "Retain keeps the cloud object",
        "reconcile/decide/deletion.py",
        'if observed.status.id is not None and observed.spec.deletion_policy == "Retain":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a datastore waits for what is in it",
        "reconcile/decide/deletion.py",
        "    if observed.deletion.children:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "an attempt of unknown outcome is looked for before a resource is let go",
        "reconcile/decide/deletion.py",
        "if observed.creation.settle_seconds is not None or not observed.creation.is_listed:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "the finalizer stays until the cloud object is gone",
        "reconcile/decide/deletion.py",
        "    if observed.external is None or observed.presence.is_unsure:\n        return Wait(",
        "    if observed.external is None or observed.presence.is_unsure:\n        return LetGo(",
        _DECIDE,
    ),
    Mutant(
        "force-delete lets go what cannot be read",
        "reconcile/reconciler.py",
        'if resource.deleting_since is not None and resource.annotations.get(FORCE_DELETE) == "true":',
        "if False:",
        _UNREAD,
    ),
    Mutant(
        "only force-delete lets go what is being deleted and cannot be read",
        "reconcile/reconciler.py",
        'if resource.deleting_since is not None and resource.annotations.get(FORCE_DELETE) == "true":',
        "if resource.deleting_since is not None:",
        _UNREAD,
    ),
    Mutant(
        "what cannot be read is let go only once it is being deleted",
        "reconcile/reconciler.py",
        'if resource.deleting_since is not None and resource.annotations.get(FORCE_DELETE) == "true":',
        'if resource.annotations.get(FORCE_DELETE) == "true":',
        _UNREAD,
    ),
    Mutant(
        "the Secret of what cannot be read stays, for whoever adopts the object",
        "reconcile/act/letting_go.py",
        "await self._secrets(resource, name, resource.told.id, retain=True)",
        "await self._secrets(resource, name, resource.told.id, retain=False)",
        _UNREAD,
    ),
)
