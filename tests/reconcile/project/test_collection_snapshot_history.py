"""The snapshot beside a cloud that changes by itself, with lists and calls that overlap in any way."""

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot, Delta


@dataclass(frozen=True)
class Thing:
    """`version` only grows: an older one in the snapshot than we know of is a step back."""

    id: str
    parent: str
    version: int = 0
    status: str | None = "ACTIVE"


@dataclass
class Pending:
    """A LIST or GET under way: what the cloud answers is fixed some time between its start and its end."""

    begun: int
    answer: dict[str, Thing] | None = None


SLOTS = st.sampled_from("pq")


class SnapshotHistory(RuleBasedStateMachine):
    """Nothing goes back, nothing comes back, nothing leaves unconfirmed, and doubt stays until something newer."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = CollectionSnapshot[Thing](
            lambda thing: (thing.parent, thing.id[-1]), lambda thing: thing.parent
        )
        self.parents = {"p": "p0", "q": "q0"}
        self.cloud: dict[str, Thing] = {}
        self.ids = 0
        self.count = 0
        self.lists: dict[int, Pending] = {}
        self.gets: dict[int, tuple[str, Pending]] = {}
        self.floor: dict[str, int] = {}
        self.known: set[str] = set()
        self.gone: set[str] = set()
        self.doubted: dict[str, int] = {}

    def tick(self) -> int:
        self.count += 1
        return self.count

    def pick(self, data: st.DataObject, known: bool = False) -> Thing:
        things = [thing for thing in self.cloud.values() if not known or thing.id in self.known]
        return data.draw(st.sampled_from(things))

    # --- what happens in the cloud ---

    @rule(slot=SLOTS, count=st.integers(1, 6))
    def others_create(self, slot: str, count: int) -> None:
        for _ in range(count):
            self.ids += 1
            id_ = f"t{self.ids}"
            self.cloud[id_] = Thing(id_, self.parents[slot])

    @precondition(lambda self: self.cloud)
    @rule(data=st.data())
    def others_change(self, data: st.DataObject) -> None:
        thing = self.pick(data)
        self.cloud[thing.id] = replace(thing, version=thing.version + 1)

    @precondition(lambda self: self.cloud)
    @rule(data=st.data(), count=st.integers(1, 5))
    def others_delete(self, data: st.DataObject, count: int) -> None:
        for _ in range(min(count, len(self.cloud))):
            del self.cloud[self.pick(data).id]

    # --- our calls that are answered at once ---

    @rule(slot=SLOTS)
    def we_create(self, slot: str) -> None:
        self.ids += 1
        thing = self.cloud[f"t{self.ids}"] = Thing(f"t{self.ids}", self.parents[slot])
        assert self.snapshot.answered(thing)
        self.is_known(thing)

    @precondition(lambda self: self.cloud.keys() & self.known)
    @rule(data=st.data())
    def we_change(self, data: st.DataObject) -> None:
        thing = self.pick(data, known=True)
        self.cloud[thing.id] = changed = replace(thing, version=thing.version + 1)
        assert self.snapshot.answered(changed)
        self.is_known(changed)

    @precondition(lambda self: self.cloud.keys() & self.known)
    @rule(data=st.data(), effect=st.booleans())
    def we_change_and_cannot_know(self, data: st.DataObject, effect: bool) -> None:
        thing = self.pick(data, known=True)
        if effect:
            self.cloud[thing.id] = replace(thing, version=thing.version + 1)
        self.snapshot.outcome_unknown(thing.id)
        self.doubted[thing.id] = self.tick()

    @precondition(lambda self: self.cloud.keys() & self.known)
    @rule(data=st.data(), at_once=st.booleans())
    def we_delete(self, data: st.DataObject, at_once: bool) -> None:
        thing = self.pick(data, known=True)
        if at_once:
            del self.cloud[thing.id]
        else:
            self.cloud[thing.id] = replace(thing, version=thing.version + 1, status="PENDING_DELETE")
        self.snapshot.deleted(thing.id)
        assert self.snapshot.get(thing.id) is not None
        self.doubted[thing.id] = self.tick()

    @rule(slot=SLOTS)
    def a_parent_goes(self, slot: str) -> None:
        parent = self.parents[slot]
        for id_ in [id_ for id_, thing in self.cloud.items() if thing.parent == parent]:
            del self.cloud[id_]
            self.gone.add(id_)
        expected = {thing.id for thing in self.snapshot.all() if thing.parent == parent}
        assert self.snapshot.parent_gone(parent) == expected
        for id_ in expected:
            self.is_gone(id_)
        self.ids += 1
        self.parents[slot] = f"{slot}{self.ids}"

    # --- lists ---

    @rule()
    def list_starts(self) -> None:
        self.lists[self.snapshot.list_started(float(self.count))] = Pending(self.tick())

    @precondition(lambda self: self.lists)
    @rule(data=st.data())
    def list_is_read(self, data: st.DataObject) -> None:
        pending = self.lists[data.draw(st.sampled_from(sorted(self.lists)))]
        pending.answer = pending.answer or dict(self.cloud)

    @precondition(lambda self: self.lists)
    @rule(data=st.data(), shown=st.floats(0, 1), fails=st.booleans())
    def list_ends(self, data: st.DataObject, shown: float, fails: bool) -> None:
        token = data.draw(st.sampled_from(sorted(self.lists)))
        pending = self.lists.pop(token)
        if fails:
            self.snapshot.list_failed(token)
            return
        answer = list((self.cloud if pending.answer is None else pending.answer).values())
        is_short = shown < 0.3
        self.applies(token, pending, answer[: int(len(answer) * shown)] if is_short else answer)

    def applies(self, token: int, pending: Pending, answer: list[Thing]) -> Delta:
        before = {thing.id: thing for thing in self.snapshot.all()}
        delta = self.snapshot.list_finished(token, answer)
        if delta.suspect:
            assert {thing.id: thing for thing in self.snapshot.all()} == before
            assert not delta.changed
            assert not delta.missing
            assert 1 <= len(delta.suspect) <= 3
            lost = [self.get_now(id_) for id_ in delta.suspect].count(False)
            before = {thing.id: thing for thing in self.snapshot.all()}
            if not lost:
                self.snapshot.list_failed(token)
                return delta
            delta = self.snapshot.accept_suspect(token)
        after = {thing.id: thing for thing in self.snapshot.all()}
        assert before.keys() <= after.keys(), "a list never removes"
        assert {id_ for id_ in after if before.get(id_) != after[id_]} <= delta.changed
        assert all(self.snapshot.is_dirty(id_) for id_ in delta.missing)
        assert not any(self.snapshot.is_dirty(id_) for id_ in delta.changed)
        for thing in answer:
            if thing.id in delta.changed:
                assert self.doubted.get(thing.id, 0) < pending.begun, "an older list ended the doubt"
                self.known.add(thing.id)
                self.doubted.pop(thing.id, None)
        return delta

    # --- GETs ---

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def get_starts(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.known)))
        self.gets[self.snapshot.call_started()] = (id_, Pending(self.tick(), dict(self.cloud)))

    @precondition(lambda self: self.gets)
    @rule(data=st.data())
    def get_ends(self, data: st.DataObject) -> None:
        begun = data.draw(st.sampled_from(sorted(self.gets)))
        id_, pending = self.gets.pop(begun)
        thing = (pending.answer or {}).get(id_)
        if thing is None:
            self.snapshot.confirmed_gone(id_)
            self.is_gone(id_)
        elif self.snapshot.answered(thing, begun):
            assert self.doubted.get(id_, 0) < pending.begun, "an older GET ended the doubt"
            self.is_known(thing)

    def get_now(self, id_: str) -> bool:
        thing = self.cloud.get(id_)
        if thing is None:
            self.snapshot.confirmed_gone(id_)
            self.is_gone(id_)
            return False
        self.snapshot.answered(thing, self.snapshot.call_started())
        self.is_known(thing)
        return True

    # --- what must hold ---

    def is_known(self, thing: Thing) -> None:
        self.known.add(thing.id)
        self.doubted.pop(thing.id, None)
        self.floor[thing.id] = max(thing.version, self.floor.get(thing.id, 0))

    def is_gone(self, id_: str) -> None:
        self.known.discard(id_)
        self.gone.add(id_)
        self.doubted.pop(id_, None)

    @invariant()
    def nothing_goes_back_or_comes_back(self) -> None:
        things = {thing.id: thing for thing in self.snapshot.all()}
        assert things.keys() == self.known
        assert not things.keys() & self.gone
        for id_, thing in things.items():
            assert thing.version >= self.floor.get(id_, 0), f"{thing} is older than our last answer"
        for id_ in self.doubted:
            assert self.snapshot.is_dirty(id_)

    @invariant()
    def indices_agree(self) -> None:
        things = list(self.snapshot.all())
        for thing in things:
            assert thing in self.snapshot.of_key((thing.parent, thing.id[-1]))
            assert thing in self.snapshot.of_parent(thing.parent)

    def teardown(self) -> None:
        for _ in range(2):
            delta = self.applies(self.snapshot.list_started(0), Pending(self.tick()), list(self.cloud.values()))
            for id_ in delta.missing:
                self.get_now(id_)
        assert not delta.missing
        assert {thing.id: thing for thing in self.snapshot.all()} == self.cloud
        assert not any(self.snapshot.is_dirty(id_) for id_ in self.cloud)


SnapshotHistory.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestSnapshotHistory = SnapshotHistory.TestCase
