"""Looks who else has the resource's key, and what a pass has to wait for before it makes an object with this key."""

from dataclasses import dataclass
from itertools import product
from typing import Final

from managed_databases.api.models import CloudObject
from managed_databases.kinds.observed import CreationView, Observed, SameKey, Standing
from managed_databases.kinds.verdicts import Stall, Wait
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.observe.ownership_index import KeyName, ObjectName, OwnershipIndex, named_to
from managed_databases.reconcile.scheduling import dependencies as dependency

UNREADABLE_SECONDS: Final = 600.0
"""Seconds that a first attempt waits for objects that do not tell their names. So an object that never tells its name holds up
no others for longer.
"""


@dataclass(frozen=True)
class CreationLook:
    owners: OwnershipIndex
    clock: Clock

    def look(self, current: PassInProject, unlisted: Wait | Stall | None) -> tuple[SameKey[CloudObject], CreationView]:
        """Return who has the resource's key, and what a creation has to wait for. The key is noted in `current.interests`.

        `unlisted` says why the collection cannot be listed, None if it can be.
        """
        observed, view, collection = current.observed, current.view, current.kind.collection.name
        wanted = KeyName(view.place, collection, _pinned_key(observed) or current.kind.key(observed))
        current.interests.wanted_key = wanted
        current.dependencies.add(dependency.key(view.name, collection, wanted.key))
        same_key = self._same_key(current, wanted)
        return same_key, self._view(current, wanted, same_key, unlisted)

    def _same_key(self, current: PassInProject, wanted: KeyName) -> SameKey[CloudObject]:
        observed, view, asker = current.observed, current.view, current.resource.key
        namesakes: list[CloudObject] = []
        held: dict[str, str] = {}
        for other in current.snapshot.of_key(wanted.key):
            if other.id in (observed.status.id, _created_id(current)) or current.snapshot.is_gone(other.id):
                continue
            holder = self.owners.holder(ObjectName(view.place, wanted.collection, other.id))
            if holder is None or (holder == asker and observed.standing is Standing.UNPROVEN):
                namesakes.append(other)
            elif holder != asker:
                held[other.id] = named_to(current.resource, holder)
                current.dependencies.add(dependency.resource(*holder))
        rival = self.owners.claimant(wanted)
        if rival == asker:
            rival = None
        if rival is not None:
            current.dependencies.add(dependency.resource(*rival))
        is_wanted = observed.status.id is None or _gets_another_key(current, wanted)
        return SameKey(
            namesakes=tuple(namesakes),
            held=held,
            unreadable=self._unreadable(current, wanted) if is_wanted else (),
            rival=None if rival is None else named_to(current.resource, rival),
        )

    def _unreadable(self, current: PassInProject, wanted: KeyName) -> tuple[str, ...]:
        """Return the ids of the objects that nobody holds, and that may have the key because they do not tell all parts of
        theirs.
        """
        masks = product((False, True), repeat=len(wanted.key))
        keys = [tuple("" if hidden else part for part, hidden in zip(wanted.key, mask, strict=True)) for mask in masks]
        current.dependencies.update(dependency.key(current.view.name, wanted.collection, key) for key in keys[1:])
        return tuple(
            other.id
            for key in keys[1:]
            for other in current.snapshot.of_key(key)
            if not other.is_whole and self.owners.holder(ObjectName(wanted.place, wanted.collection, other.id)) is None
        )

    def _view(
        self,
        current: PassInProject,
        wanted: KeyName,
        same_key: SameKey[CloudObject],
        unlisted: Wait | Stall | None,
    ) -> CreationView:
        """Return what the pass has to wait for before it makes the object with this key, or renames the object to it."""
        observed, creation = current.observed, current.memory.creation
        status, has_looked = observed.status, True
        unreadable_seconds = settle_seconds = again_seconds = None
        if (status.intent is None and status.id is None) or _gets_another_key(current, wanted):
            has_looked = self._has_looked(current, wanted)
            if same_key.unreadable and creation.wanted_since is not None:
                left = creation.wanted_since + UNREADABLE_SECONDS - self.clock.monotonic()
                unreadable_seconds = left if left > 0 else None
        elif observed.external is not None:  # the object has the key that the spec asks for
            creation.want_no_more()
        if status.intent is not None and status.id is None:
            settle_seconds = self._seconds_left(current, status.intent.attempt, status.intent.wait_seconds)
            again_seconds = self._seconds_left(current, status.intent.attempt, status.intent.again_seconds)
        return CreationView(
            is_listed=current.snapshot.has_listed,
            unlisted=unlisted,
            has_looked=has_looked,
            unreadable_seconds=unreadable_seconds,
            settle_seconds=settle_seconds,
            again_seconds=again_seconds,
            created_id=_created_id(current) if status.id is None else None,
        )

    def _has_looked(self, current: PassInProject, wanted: KeyName) -> bool:
        """Return whether a list was begun since the key is wanted. For an object in a datastore that is not needed: a datastore
        refuses a name that is taken, a project does not.
        """
        if current.kind.is_inside:
            return True
        since = current.memory.creation.want(wanted.key, self.clock.monotonic())
        current.dependencies.add(dependency.listed(current.view.name, current.kind.collection.name))
        begun = current.snapshot.last_list_begun
        return begun is not None and begun >= since

    def _seconds_left(self, current: PassInProject, attempt: int, wait: float) -> float | None:
        """Return the seconds that are left of the wait after an attempt whose outcome is unknown, by this process's clock only.

        0 if the wait is over, but no list was begun since; None if a list was.
        """
        over = current.memory.creation.settles_at(attempt, wait, self.clock.monotonic())
        if (left := over - self.clock.monotonic()) > 0:
            return left
        if current.snapshot.last_list_begun is not None and current.snapshot.last_list_begun >= over:
            return None
        current.dependencies.add(dependency.listed(current.view.name, current.kind.collection.name))
        current.interests.listed_now.add(current.kind.collection.name)
        return 0.0


def _created_id(current: PassInProject) -> str | None:
    """Return the id that the operator's POST was answered with. None if nothing proves what the status claims: the remembered id
    does not prove that claim either.
    """
    is_unproven = current.observed.standing is Standing.UNPROVEN
    return None if is_unproven else current.memory.creation.created_id


def _gets_another_key(current: PassInProject, wanted: KeyName) -> bool:
    external = current.observed.external
    return external is not None and not current.observed.deleting and current.kind.key_of(external) != wanted.key


def _pinned_key(observed: Observed) -> tuple[str, ...] | None:
    """Return the key of the identity for an open attempt and for a deletion, in which the spec of today does not count; else
    None.
    """
    status = observed.status
    if status.identity is not None and (observed.deleting or (status.id is None and status.intent is not None)):
        return tuple(status.identity.key)
    return None
