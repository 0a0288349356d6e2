"""The operator's copy of one collection of a project: its objects, which of them must be looked at again, and which are gone.

The order of the operator's own sends and receives decides which answer is newer, never the API's clock: each call that begins
and each answer that is entered gets the next number of one counter.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

from managed_databases.reconcile.project.object_index import O, ObjectIndex

_LOSS_THAT_IS_NORMAL = 3
_SHARE_THAT_IS_NORMAL = 0.1
_SUSPECTS_TO_GET = 3
_SLICE = 250


@dataclass(frozen=True)
class Delta:
    """What a LIST has changed in the snapshot.

    `changed`: ids of objects that are new, differ, or are no longer dirty. `missing`: ids that the LIST did not show; each stays,
    dirty, until a GET by id is answered with 404. `suspect`: if not empty, the LIST lost too many objects at once, and *nothing*
    of it was applied: GET these ids, then see `CollectionSnapshot.accept_suspect`.
    """

    changed: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    suspect: tuple[str, ...] = ()


Slices = Generator[None, None, Delta]
"""A long computation in slices: between two slices its caller lets other tasks run."""


@dataclass(slots=True)
class _RunningList(Generic[O]):
    at: float
    held_back: Sequence[O] = ()


class CollectionSnapshot(Generic[O]):
    """All objects of one collection, indexed by id, by key and by parent.

    An object is removed only by `confirmed_gone` and `parent_gone`. A field that an answer does not tell stays as it was:
    `completed` merges a new answer with the object as it was known. An object for which `is_ours` is False is never entered. For
    one event loop; not for threads.
    """

    def __init__(
        self,
        key_of: Callable[[O], tuple[str, ...]],
        parent_of: Callable[[O], str | None],
        *,
        completed: Callable[[O, O], O] = lambda new, old: new,
        is_ours: Callable[[O], bool] = lambda _: True,
    ) -> None:
        self._parent_of = parent_of
        self._completed = completed
        self._is_ours = is_ours
        self._objects = ObjectIndex(key_of, parent_of)
        self._dirty: set[str] = set()
        self._missing: set[str] = set()
        self._gone: set[str] = set()
        self._count = 0
        self._running: dict[int, _RunningList[O]] = {}
        self._newest_list = 0
        # When we last learned of an id, or of a parent's end, by other ways than a LIST. Only what is newer than the
        # newest LIST matters and is kept: older LISTs are not applied at all.
        self._learned: dict[str, int] = {}
        self._parents_gone: dict[str, int] = {}
        self.last_list_begun: float | None = None

    # --- lists ---

    def list_started(self, at: float) -> int:
        """Enter that a LIST is about to be sent, at that moment of the clock; return its token. Several LISTs may run at once."""
        token = self._next()
        self._running[token] = _RunningList(at)
        return token

    def list_finished(self, token: int, objects: Sequence[O]) -> Delta:
        """Enter the objects of a LIST's answer; return what they changed.

        The answer changes nothing if another LIST that was begun later has already been applied. Raises KeyError for a token
        that is not running.
        """
        return _all_of(self.finishing(token, objects))

    def finishing(self, token: int, objects: Sequence[O]) -> Slices:
        """Do the same as `list_finished`, in slices. Answers to own calls that are entered between two slices count as newer."""
        running = self._running[token]
        objects = [object_ for object_ in objects if self._is_ours(object_)]
        if token > self._newest_list:
            lost = self._unseen(token, {object_.id for object_ in objects}) - self._missing
            lost &= self._objects.ids()
            if len(lost) > max(_LOSS_THAT_IS_NORMAL, _SHARE_THAT_IS_NORMAL * len(self._objects)):
                running.held_back = objects
                return Delta(suspect=self._telling(lost))
        del self._running[token]
        return (yield from self._apply(token, running.at, objects))

    def list_failed(self, token: int) -> None:
        """Discard a LIST that failed, or that was suspect and is not believed."""
        self._running.pop(token, None)

    def accept_suspect(self, token: int) -> Delta:
        """Apply a suspect LIST after all: at least one of the suspect ids was answered with 404.

        Before, enter the answers of those GETs with `answered` and `confirmed_gone`. When all were answered with 200,
        or the GETs failed, call `list_failed` instead. Raises KeyError for a token that is not running.
        """
        return _all_of(self.accepting_suspect(token))

    def accepting_suspect(self, token: int) -> Slices:
        """Do the same as `accept_suspect`, in slices."""
        running = self._running.pop(token)
        return (yield from self._apply(token, running.at, running.held_back))

    @property
    def has_listed(self) -> bool:
        """Whether a LIST was ever applied. `last_list_begun` is the moment at which the newest one was begun."""
        return self.last_list_begun is not None

    # --- our own calls ---

    def call_started(self) -> int:
        """Enter that a GET is about to be sent; return the number for `answered`."""
        return self._next()

    def answered(self, obj: O, begun: int | None = None) -> bool:
        """Enter the object in the answer to one of the operator's calls; return whether it changed (see `Delta.changed`).

        No LIST begun before now will overwrite it. `begun`, for a GET only, is the number from `call_started`: the answer is
        ignored if something newer than the GET is known of the object.
        """
        if not self._is_ours(obj):
            return False
        if begun is not None and (
            begun < max(self._newest_list, self._learned.get(obj.id, 0)) or self._is_orphan(obj, begun)
        ):
            return False
        self._learned[obj.id] = self._next()
        return self._enter(obj)

    def deleted(self, id_: str) -> None:
        """Enter that the API accepted a DELETE: the object stays as it is known, but is dirty until it is seen again."""
        self.outcome_unknown(id_)

    def outcome_unknown(self, id_: str) -> None:
        """Enter that a call ended without a clear answer, or with an empty body: the id is dirty until the answer to a GET or
        LIST that is begun from now on.
        """
        self._learned[id_] = self._next()
        self._dirty.add(id_)

    def confirmed_gone(self, id_: str) -> bool:
        """Remove the object: a GET by its id was answered with 404. Return whether the object was known."""
        self._learned[id_] = self._next()
        self._gone.add(id_)
        return self._remove(id_)

    def forget_gone(self, is_wanted: Callable[[str], bool]) -> None:
        """Forget which objects are gone, except for the ids that `is_wanted`; for others a GET would tell it again."""
        self._gone = {id_ for id_ in self._gone if is_wanted(id_)}

    def parent_gone(self, parent_id: str) -> frozenset[str]:
        """Remove the children of a parent that is confirmed gone, without GETs; return their ids."""
        children = frozenset(child.id for child in self._objects.of_parent(parent_id))
        for id_ in children:
            self.confirmed_gone(id_)
        self._parents_gone[parent_id] = self._next()
        return children

    def clear(self) -> None:
        """Empty the snapshot, as if nothing had ever been listed, because it is no longer kept up to date. No LIST may run."""
        for known in (self._objects, self._dirty, self._missing, self._gone):
            known.clear()
        self.last_list_begun = None

    # --- what is known ---

    def get(self, id_: str) -> O | None:
        """Return the object as last seen, also while it is dirty; None if it is unknown or gone."""
        return self._objects.get(id_)

    def is_dirty(self, id_: str) -> bool:
        """Return whether the known state of this id may be wrong, so that nothing may be decided on it."""
        return id_ in self._dirty

    def is_gone(self, id_: str) -> bool:
        """Return whether the API has confirmed that the object does not exist any more."""
        return id_ in self._gone

    def of_key(self, key: tuple[str, ...]) -> tuple[O, ...]:
        """Return all objects with that key, in the order in which they became known."""
        return self._objects.of_key(key)

    def of_parent(self, parent_id: str) -> tuple[O, ...]:
        """Return all objects of that parent, in the order in which they became known."""
        return self._objects.of_parent(parent_id)

    def all(self) -> Iterable[O]:
        """Return all objects as they are known at this moment."""
        return self._objects.all()

    # --- inside ---

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _unseen(self, token: int, shown: Collection[str]) -> set[str]:
        """Return the ids that a LIST should have shown and did not show."""
        expected = self._objects.ids() | self._dirty
        return {id_ for id_ in expected if id_ not in shown and self._learned.get(id_, 0) < token}

    def _telling(self, lost: Collection[str]) -> tuple[str, ...]:
        """Return the missing ids in the order to ask for: first those whose absence would be a surprise, as the absence of the
        others proves nothing.
        """

        def is_expected_to_go(id_: str) -> bool:
            return id_ in self._dirty or self._objects[id_].status == "PENDING_DELETE"

        return tuple(sorted(lost, key=lambda id_: (is_expected_to_go(id_), id_))[:_SUSPECTS_TO_GET])

    def _apply(self, token: int, at: float, objects: Sequence[O]) -> Slices:
        if token < self._newest_list:
            return Delta()
        changed: set[str] = set()
        for number, object_ in enumerate(objects, 1):
            if (
                self._learned.get(object_.id, 0) < token
                and not self._is_orphan(object_, token)
                and self._enter(object_)
            ):
                changed.add(object_.id)
            if number % _SLICE == 0:
                yield
        unseen = self._unseen(token, {object_.id for object_ in objects})
        self._dirty |= unseen
        self._missing |= unseen
        self._newest_list = token
        self.last_list_begun = at
        self._learned = {id_: number for id_, number in self._learned.items() if number > token}
        self._parents_gone = {id_: number for id_, number in self._parents_gone.items() if number > token}
        return Delta(changed=frozenset(changed), missing=frozenset(unseen))

    def _is_orphan(self, obj: O, begun: int) -> bool:
        parent = self._parent_of(obj)
        return parent is not None and self._parents_gone.get(parent, 0) > begun

    def _enter(self, obj: O) -> bool:
        """Enter `obj` as the known state of its id, which is no longer dirty."""
        was_dirty = obj.id in self._dirty
        self._dirty.discard(obj.id)
        self._missing.discard(obj.id)
        self._gone.discard(obj.id)
        old = self._objects.get(obj.id)
        if old is obj:  # its row in the list was the same as before
            return was_dirty
        if old is not None:
            obj = self._completed(obj, old)
        if old == obj:
            self._objects.put(obj)  # the same in memory as in the list that is remembered: once
            return was_dirty
        self._objects.put(obj)
        return True

    def _remove(self, id_: str) -> bool:
        self._dirty.discard(id_)
        self._missing.discard(id_)
        return self._objects.remove(id_)


def _all_of(slices: Slices) -> Delta:
    while True:
        try:
            next(slices)
        except StopIteration as end:
            delta: Delta = end.value
            return delta
