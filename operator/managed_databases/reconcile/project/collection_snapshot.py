"""The operator's copy of one collection of a project: what is known, what must be looked at again, what is gone.

What is newer is decided by the order of our own sends and receives, never by the API's clock. Each thing that we
start or learn gets the next number of one count.
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

    `changed`: ids that are new, differ, or are certain again after they were dirty. `missing`: ids that the LIST did
    not show; each is kept, and dirty, until a GET by id says 404. `suspect`: when it is not empty, the LIST lost too
    much at once and *nothing* of it was applied: GET these ids, then see `CollectionSnapshot.accept_suspect`.
    """

    changed: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    suspect: tuple[str, ...] = ()


Slices = Generator[None, None, Delta]
"""A long work in slices: whoever does it lets others have their turn between them."""


@dataclass(slots=True)
class _RunningList(Generic[O]):
    at: float
    held_back: Sequence[O] = ()


class CollectionSnapshot(Generic[O]):
    """All objects of one collection, indexed by id, by key and by parent.

    An object leaves only by `confirmed_gone` and `parent_gone`. What an answer does not tell stays as it was:
    `completed` makes of a new answer and an old one what is known now. What is not `is_ours` is never entered. For one
    event loop; not for threads.
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
        """A LIST is about to be sent, at that moment of the clock; return its token. Several may run at once."""
        token = self._next()
        self._running[token] = _RunningList(at)
        return token

    def list_finished(self, token: int, objects: Sequence[O]) -> Delta:
        """The LIST was answered with these objects.

        A LIST that was begun before one that has been applied teaches nothing. Raises KeyError for a token that is
        not running.
        """
        return _all_of(self.finishing(token, objects))

    def finishing(self, token: int, objects: Sequence[O]) -> Slices:
        """Do as `list_finished` does, in slices. Answers to own calls that are entered between slices are the newer ones."""
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
        """The LIST failed or, after it was suspect, is not believed: throw it away."""
        self._running.pop(token, None)

    def accept_suspect(self, token: int) -> Delta:
        """Apply a suspect LIST after all: at least one of the suspect ids was answered with 404.

        Before, enter the answers of those GETs with `answered` and `confirmed_gone`. When all were answered with 200,
        or the GETs failed, call `list_failed` instead. Raises KeyError for a token that is not running.
        """
        return _all_of(self.accepting_suspect(token))

    def accepting_suspect(self, token: int) -> Slices:
        """Do as `accept_suspect` does, in slices."""
        running = self._running.pop(token)
        return (yield from self._apply(token, running.at, running.held_back))

    @property
    def has_listed(self) -> bool:
        """Whether a LIST was ever applied. `last_list_begun` is the moment at which the newest one was begun."""
        return self.last_list_begun is not None

    # --- our own calls ---

    def call_started(self) -> int:
        """A GET is about to be sent; return the number for `answered`."""
        return self._next()

    def answered(self, obj: O, begun: int | None = None) -> bool:
        """Enter the answer to one of our calls; return whether it taught something (see `Delta.changed`).

        No LIST begun before now will overwrite it. `begun`, for a GET only, is what `call_started` returned: an answer
        to a GET begun before something newer was learned of the object is ignored.
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
        """Our DELETE was accepted: what is known of the object stays, but is dirty until seen again."""
        self.outcome_unknown(id_)

    def outcome_unknown(self, id_: str) -> None:
        """A call ended unknown or with an empty body: the id is dirty until a GET or LIST begun from now on."""
        self._learned[id_] = self._next()
        self._dirty.add(id_)

    def confirmed_gone(self, id_: str) -> bool:
        """A GET by id was answered with 404: remove the object; return whether it was known."""
        self._learned[id_] = self._next()
        self._gone.add(id_)
        return self._remove(id_)

    def forget_gone(self, is_wanted: Callable[[str], bool]) -> None:
        """Keep in mind only of those that somebody still means that they are gone: about others nobody asks, and a GET
        would tell.
        """
        self._gone = {id_ for id_ in self._gone if is_wanted(id_)}

    def parent_gone(self, parent_id: str) -> frozenset[str]:
        """The parent is confirmed gone: remove its children, without GETs; return their ids."""
        children = frozenset(child.id for child in self._objects.of_parent(parent_id))
        for id_ in children:
            self.confirmed_gone(id_)
        self._parents_gone[parent_id] = self._next()
        return children

    def clear(self) -> None:
        """Nobody keeps it up to date any more: as if nothing had ever been listed. No LIST may be running."""
        for known in (self._objects, self._dirty, self._missing, self._gone):
            known.clear()
        self.last_list_begun = None

    # --- what is known ---

    def get(self, id_: str) -> O | None:
        """The object as last seen, also while it is dirty."""
        return self._objects.get(id_)

    def is_dirty(self, id_: str) -> bool:
        """Whether what is known of the id may be wrong, so that nothing may be decided on it."""
        return id_ in self._dirty

    def is_gone(self, id_: str) -> bool:
        """Whether the API confirmed that the object is no more."""
        return id_ in self._gone

    def of_key(self, key: tuple[str, ...]) -> tuple[O, ...]:
        """All objects with that key, oldest known first."""
        return self._objects.of_key(key)

    def of_parent(self, parent_id: str) -> tuple[O, ...]:
        """All objects of that parent, oldest known first."""
        return self._objects.of_parent(parent_id)

    def all(self) -> Iterable[O]:
        """All objects, as they are at this moment."""
        return self._objects.all()

    # --- inside ---

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _unseen(self, token: int, shown: Collection[str]) -> set[str]:
        """The ids that a LIST should have shown and did not."""
        expected = self._objects.ids() | self._dirty
        return {id_ for id_ in expected if id_ not in shown and self._learned.get(id_, 0) < token}

    def _telling(self, lost: Collection[str]) -> tuple[str, ...]:
        """The suspects whose absence would be a surprise come first: others prove nothing by being gone."""

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
        """Make `obj` what is known and certain."""
        was_dirty = obj.id in self._dirty
        self._dirty.discard(obj.id)
        self._missing.discard(obj.id)
        self._gone.discard(obj.id)
        old = self._objects.get(obj.id)
        if old is not None:
            obj = self._completed(obj, old)
        if old == obj:
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
