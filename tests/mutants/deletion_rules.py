"""Nothing is deleted that nobody asked for, and nothing is left behind that somebody asked to delete."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decide",)
_HELD_UP = ("virtual/test_deletions_held_up.py", "reconcile/observe/test_going_along.py")
_UNREAD = ("virtual/test_a_spec_that_cannot_be_read.py",)
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
        "reconcile/observe/resolved_references.py",
        " and holder.told.observed_generation == holder.generation",
        "",
        ("reconcile/observe/test_references_of_guests.py",),
    ),
    Mutant(
        "whatever holds up a deletion is seen as that",
        "reconcile/observe/resolved_references.py",
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
