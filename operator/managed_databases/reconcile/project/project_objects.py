"""The cloud objects of one project: enters answers into the snapshots and wakes the resources that depend on a change.

When a datastore is gone, the objects in it are gone, too.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from managed_databases.api.calls import ObjectCollection
from managed_databases.api.collections import DATASTORES
from managed_databases.api.errors import NotFound, OutcomeUnknown
from managed_databases.api.models import CloudObject
from managed_databases.kinds.kind import CloudKind
from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot
from managed_databases.reconcile.project.project_client import ProjectClient
from managed_databases.reconcile.scheduling import dependencies as dependency
from managed_databases.reconcile.scheduling.dependencies import Dependency
from managed_databases.reconcile.scheduling.work_queue import Priority

DELETED = "DELETED"
"""An object with this status is gone, although the API still shows it [assumed]: a LIST counts as not showing it, and a GET by
id as answered with 404."""


@dataclass(frozen=True)
class KnownCollection:
    """A collection in use."""

    collection: ObjectCollection
    key_of: Callable[[CloudObject], tuple[str, ...]]
    snapshot: CollectionSnapshot[CloudObject]

    @property
    def name(self) -> str:
        return self.collection.name


def _parent_of(obj: CloudObject) -> str | None:
    return obj.in_datastore


class ProjectObjects:
    """Enters the API's answers about single objects, and wakes the resources that depend on these objects."""

    def __init__(
        self,
        project: str,
        client: ProjectClient,
        wake: Callable[[Dependency, Priority], None],
        is_ours: Callable[[CloudObject], bool] = lambda _: True,
    ) -> None:
        """`is_ours` is False for an object that says to be in another cloud project: for the operator it does not exist."""
        self._project = project
        self._is_ours = is_ours
        self._client = client
        self._wake = wake
        self.known: dict[str, KnownCollection] = {}

    def of(self, kind: CloudKind) -> KnownCollection:
        """Return what is known of the kind's collection; empty if nobody has asked for that collection before."""
        collection = kind.collection
        if known := self.known.get(collection.name):
            return known
        snapshot = CollectionSnapshot[CloudObject](
            kind.key_of, _parent_of, completed=lambda new, old: new.completed_by(old), is_ours=self._is_ours
        )
        known = KnownCollection(collection, kind.key_of, snapshot)
        self.known[collection.name] = known
        return known

    async def look(
        self, known: KnownCollection, id_: str, priority: Priority, who: Hashable = None, account: Hashable = None
    ) -> CloudObject | None:
        """GET an object by its id and enter the answer; return the object as it is known now, None if it is gone.

        `who` is the pass for which a call was reserved, on this account; with None the call waits for its turn. Raises ApiError.
        """
        call = known.collection.get(id_)
        if who is None:
            await self._client.admit(call.operation, priority)
        else:
            self._client.enter_claimed(call.operation, priority, who)
        begun = known.snapshot.call_started()
        try:
            reply = await self._client.exchange(call, priority, account)
        except NotFound as error:
            if not error.is_about(known.collection.words, id_):
                why = f"the 404 is not about the {known.collection.one} {id_}: {error.message}"
                raise OutcomeUnknown(call.operation, why, status=404, request_id=error.request_id) from None
            self.gone(known, id_, priority)
            return None
        obj = reply.value
        if obj is None or obj.id != id_ or not self._is_ours(obj):
            raise OutcomeUnknown(
                call.operation, "the answer is not the object", status=reply.status, request_id=reply.request_id
            )
        if obj.status == DELETED:
            self.gone(known, id_, priority)
            return None
        before = known.snapshot.get(id_)
        if known.snapshot.answered(obj, begun):
            self.tell(known, id_, (before, obj), priority)
        return known.snapshot.get(id_)

    def gone(self, known: KnownCollection, id_: str, priority: Priority) -> None:
        """Enter that an object is confirmed gone, and with a datastore all objects in it."""
        before = known.snapshot.get(id_)
        known.snapshot.confirmed_gone(id_)
        self.tell(known, id_, (before,), priority)
        if known.name != DATASTORES.name:
            return
        for other in self.known.values():
            if other is known:
                continue
            children = other.snapshot.of_parent(id_)
            other.snapshot.parent_gone(id_)
            for child in children:
                self.tell(other, child.id, (child,), priority)

    def tell(self, known: KnownCollection, id_: str, shapes: Iterable[CloudObject | None], priority: Priority) -> None:
        """Wake the resources that depend on this object, or on a key that it has or had."""
        self._wake(dependency.cloud_object(self._project, known.name, id_), priority)
        for key in {known.key_of(shape) for shape in shapes if shape is not None}:
            self._wake(dependency.key(self._project, known.name, key), priority)

    def tell_listed(self, known: KnownCollection) -> None:
        """Wake the resources that wait for a LIST of this collection."""
        self._wake(dependency.listed(self._project, known.name), Priority.LOW)
