from managed_databases.reconcile.scheduling.fair_queue import FairQueue
from managed_databases.reconcile.scheduling.work_queue import Priority, WorkQueue
from reconcile.manual_clocks import StillClock, without_waiting


def drained(rotation: FairQueue[str]) -> list[str]:
    taken = []
    while (entry := rotation.pop()) is not None:
        taken.append(entry)
    return taken


def test_units_take_turns_on_each_level() -> None:
    rotation = FairQueue[str]()
    for share, entries in {
        ("a", "x"): ["ax1", "ax2", "ax3", "ax4"],
        ("a", "y"): ["ay1"],
        ("b", "x"): ["bx1", "bx2"],
    }.items():
        for entry in entries:
            rotation.push(share, entry)
    assert len(rotation) == 7
    assert drained(rotation) == ["ax1", "bx1", "ay1", "bx2", "ax2", "ax3", "ax4"]
    assert len(rotation) == 0


def test_the_least_first_within_one_share() -> None:
    rotation = FairQueue[str]()
    for entry in ("3", "1", "2"):
        rotation.push(("a",), entry)
    assert drained(rotation) == ["1", "2", "3"]


def test_who_may_not_have_the_turn_keeps_it() -> None:
    rotation = FairQueue[str]()
    for unit in ("a", "b"):
        rotation.push((unit,), f"{unit}1")
        rotation.push((unit,), f"{unit}2")
    assert rotation.pop(lambda path: path == ("b",)) == "b1"
    assert rotation.pop(lambda path: path == ("c",)) is None
    assert drained(rotation) == ["a1", "b2", "a2"]


def queue_of(places: int, **counts: int) -> WorkQueue[str]:
    queue = WorkQueue[str](StillClock(), places=places, guaranteed=2)
    for project, count in counts.items():
        for number in range(count):
            queue.set_share(f"{project}{number}", (project, "namespace"))
            queue.add(f"{project}{number}", Priority.LOW)
    return queue


def taken_from(queue: WorkQueue[str]) -> list[str]:
    taken = []
    while (next_ := without_waiting(queue.get())) is not None:
        taken.append(next_[0])
    return taken


def test_one_alone_has_all_places() -> None:
    assert taken_from(queue_of(5, a=9)) == [f"a{number}" for number in range(5)]


def test_two_share_the_places() -> None:
    assert taken_from(queue_of(6, a=9, b=9)) == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_who_comes_later_finds_a_place_at_once() -> None:
    queue = queue_of(5, a=9)
    assert len(taken_from(queue)) == 5
    for number in range(4):
        queue.set_share(f"b{number}", ("b", "namespace"))
        queue.add(f"b{number}", Priority.LOW)
    assert taken_from(queue) == ["b0", "b1"], "what is guaranteed"
    queue.done("a0")
    queue.done("b0")
    assert taken_from(queue) == ["b2"], "five are still at work"
    queue.done("a1")
    queue.done("a2")
    assert taken_from(queue) == ["a5"], "and then the places are shared again"


def test_datastores_of_a_namespace_take_turns() -> None:
    queue = WorkQueue[str](StillClock(), places=100)
    for datastore, count in (("big", 6), ("small", 2)):
        for number in range(count):
            key = f"{datastore}{number}"
            queue.set_share(key, ("project", "namespace"))
            queue.set_group(key, datastore)
            queue.add(key, Priority.HIGH)
    assert taken_from(queue)[:4] == ["big0", "small0", "big1", "small1"]


async def test_a_namespace_within_a_project_need_not_wait_for_passes_of_another() -> None:
    queue = WorkQueue[str](StillClock(), places=4, guaranteed=2, guaranteed_within=1)
    for namespace, count in (("loud", 20), ("quiet", 3)):
        for number in range(count):
            key = f"{namespace}{number}"
            queue.set_share(key, ("team", namespace))
            queue.set_group(key, None)
    for number in range(20):
        queue.add(f"loud{number}", Priority.HIGH)
    assert {(await queue.get())[0][:4] for _ in range(4)} == {"loud"}
    for number in range(3):
        queue.add(f"quiet{number}", Priority.LOW)
    assert taken_from(queue) == ["quiet0"], "all places are taken, and it has none"
