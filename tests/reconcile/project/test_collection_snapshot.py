from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from managed_databases.reconcile.project.collection_snapshot import CollectionSnapshot, Delta, Slices


@dataclass(frozen=True)
class User:
    id: str
    name: str = "app"
    parent: str | None = "main"
    status: str | None = "ACTIVE"


def key_of(user: User) -> tuple[str, ...]:
    return (user.parent or "", user.name)


def users(count: int) -> list[User]:
    return [User(f"u{number:03}", f"app{number}") for number in range(count)]


APP = User("u1")
LOCKED = replace(APP, status="PENDING_UPDATE")


@pytest.fixture
def snapshot() -> CollectionSnapshot[User]:
    return CollectionSnapshot(key_of, lambda user: user.parent)


def listed(snapshot: CollectionSnapshot[User], *objects: User, at: float = 0) -> Delta:
    return snapshot.list_finished(snapshot.list_started(at), objects)


def test_what_the_last_list_shows_is_in_memory_once(snapshot: CollectionSnapshot[User]) -> None:
    snapshot.answered(replace(APP))
    shown = replace(APP)
    assert listed(snapshot, shown) == Delta(), "nothing is news"
    assert snapshot.get("u1") is shown
    snapshot.outcome_unknown("u1")
    assert listed(snapshot, shown) == Delta(changed=frozenset({"u1"})), "what was unclear is clear"
    assert not snapshot.is_dirty("u1")


def test_a_list_fills_the_snapshot(snapshot: CollectionSnapshot[User]) -> None:
    assert not snapshot.has_listed
    assert listed(snapshot, APP, at=7) == Delta(changed=frozenset({"u1"}))
    assert snapshot.has_listed
    assert snapshot.last_list_begun == 7
    assert snapshot.get("u1") == APP
    assert snapshot.of_key(("main", "app")) == (APP,)
    assert snapshot.of_parent("main") == (APP,)
    assert list(snapshot.all()) == [APP]


def test_what_was_cleared_was_never_listed(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP, replace(APP, id="u2"), at=7)
    snapshot.outcome_unknown("u3")
    snapshot.confirmed_gone("u2")
    begun = snapshot.call_started()
    snapshot.answered(LOCKED)
    snapshot.clear()
    assert not snapshot.has_listed
    assert (list(snapshot.all()), snapshot.of_key(("main", "app")), snapshot.of_parent("main")) == ([], (), ())
    assert not snapshot.is_dirty("u3")
    assert not snapshot.is_gone("u2")
    assert not snapshot.answered(APP, begun), "which answer is newer is still known"
    assert listed(snapshot, APP, at=9) == Delta(changed=frozenset({"u1"}))


def test_at_rest_nothing_changes(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    assert listed(snapshot, APP) == Delta()
    assert listed(snapshot, LOCKED).changed == {"u1"}


def test_another_name_moves_it_in_the_index(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    renamed = replace(APP, name="web", parent=None)
    snapshot.answered(renamed)
    assert snapshot.of_key(("main", "app")) == ()
    assert snapshot.of_parent("main") == ()
    assert snapshot.of_key(("", "web")) == (renamed,)


def test_namesakes_are_all_found(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP, User("u2"))
    assert [user.id for user in snapshot.of_key(("main", "app"))] == ["u1", "u2"]


def test_a_failed_list_teaches_nothing(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP, at=1)
    snapshot.list_failed(snapshot.list_started(2))
    assert snapshot.last_list_begun == 1


def test_an_unknown_token(snapshot: CollectionSnapshot[User]) -> None:
    with pytest.raises(KeyError):
        snapshot.list_finished(99, [])


def test_a_list_begun_before_an_answer_does_not_overwrite_it(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    token = snapshot.list_started(1)
    assert snapshot.answered(LOCKED)
    assert not snapshot.answered(LOCKED)
    assert snapshot.list_finished(token, [APP]) == Delta()
    assert snapshot.get("u1") == LOCKED
    assert listed(snapshot, APP).changed == {"u1"}


def test_what_was_created_during_a_list_is_not_missing(snapshot: CollectionSnapshot[User]) -> None:
    token = snapshot.list_started(1)
    snapshot.answered(APP)
    assert snapshot.list_finished(token, []).missing == frozenset()
    assert not snapshot.is_dirty("u1")


def test_of_two_lists_the_one_begun_later_counts(snapshot: CollectionSnapshot[User]) -> None:
    older, newer = snapshot.list_started(1), snapshot.list_started(2)
    snapshot.list_finished(newer, [LOCKED])
    assert snapshot.list_finished(older, [APP, User("u2")]) == Delta()
    assert list(snapshot.all()) == [LOCKED]
    assert snapshot.last_list_begun == 2


def test_an_answer_stands_against_a_second_list_begun_before_it(snapshot: CollectionSnapshot[User]) -> None:
    older, newer = snapshot.list_started(1), snapshot.list_started(2)
    snapshot.answered(LOCKED)
    snapshot.list_finished(older, [APP])
    assert snapshot.list_finished(newer, [APP]) == Delta()
    assert snapshot.get("u1") == LOCKED


def test_missing_is_not_gone(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    assert listed(snapshot) == Delta(missing=frozenset({"u1"}))
    assert snapshot.get("u1") == APP
    assert snapshot.is_dirty("u1")
    assert not snapshot.is_gone("u1")
    assert snapshot.confirmed_gone("u1")
    assert snapshot.get("u1") is None
    assert snapshot.is_gone("u1")
    assert not snapshot.is_dirty("u1")
    assert snapshot.of_key(("main", "app")) == ()
    assert listed(snapshot) == Delta()


def test_what_is_missing_stays_missing_until_a_get(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    listed(snapshot)
    assert listed(snapshot).missing == {"u1"}
    assert snapshot.answered(APP), "certain again"
    assert not snapshot.is_dirty("u1")


def test_what_shows_up_again_is_news(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    listed(snapshot)
    assert listed(snapshot, APP) == Delta(changed=frozenset({"u1"}))
    assert not snapshot.is_dirty("u1")


def test_a_list_begun_before_the_404_does_not_resurrect(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    token = snapshot.list_started(1)
    snapshot.confirmed_gone("u1")
    assert snapshot.list_finished(token, [APP]) == Delta()
    assert snapshot.get("u1") is None


def test_a_404_for_an_unknown_id(snapshot: CollectionSnapshot[User]) -> None:
    assert not snapshot.confirmed_gone("u9")
    assert snapshot.is_gone("u9")


def test_a_deleted_object_is_kept_but_dirty_until_a_list_begun_later(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    token = snapshot.list_started(1)
    snapshot.deleted("u1")
    assert snapshot.get("u1") == APP
    assert snapshot.list_finished(token, [LOCKED]) == Delta()
    assert snapshot.is_dirty("u1")
    assert listed(snapshot).missing == {"u1"}


def test_an_unknown_outcome_is_dirty_until_a_list_begun_later(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    token = snapshot.list_started(1)
    snapshot.outcome_unknown("u1")
    snapshot.list_finished(token, [APP])
    assert snapshot.is_dirty("u1")
    assert listed(snapshot, APP).changed == {"u1"}
    assert not snapshot.is_dirty("u1")


def test_a_dirty_id_that_nobody_knows_is_missing(snapshot: CollectionSnapshot[User]) -> None:
    snapshot.outcome_unknown("u9")
    assert listed(snapshot).missing == {"u9"}
    snapshot.confirmed_gone("u9")
    assert not snapshot.is_dirty("u9")


def test_a_get_begun_before_an_unknown_outcome_proves_nothing(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, APP)
    begun = snapshot.call_started()
    snapshot.outcome_unknown("u1")
    assert not snapshot.answered(APP, begun)
    assert snapshot.is_dirty("u1")
    assert snapshot.answered(APP, snapshot.call_started())
    assert not snapshot.is_dirty("u1")


def test_a_get_begun_before_a_list_that_was_applied_proves_nothing(snapshot: CollectionSnapshot[User]) -> None:
    begun = snapshot.call_started()
    listed(snapshot, LOCKED)
    assert not snapshot.answered(APP, begun)
    assert snapshot.get("u1") == LOCKED


def test_children_go_with_their_parent(snapshot: CollectionSnapshot[User]) -> None:
    other = User("u3", parent="other")
    listed(snapshot, APP, User("u2", "web"), other)
    token, begun = snapshot.list_started(1), snapshot.call_started()
    assert snapshot.parent_gone("main") == {"u1", "u2"}
    unheard_of = User("u4", "late")
    assert not snapshot.answered(unheard_of, begun)
    assert snapshot.list_finished(token, [APP, unheard_of, other]) == Delta()
    assert list(snapshot.all()) == [other]
    assert snapshot.is_gone("u2")
    assert snapshot.parent_gone("main") == frozenset()


@pytest.mark.parametrize(
    ("known", "lost", "suspect"), [(3, 3, False), (20, 3, False), (20, 4, True), (100, 10, False), (100, 11, True)]
)
def test_a_list_that_loses_too_much(snapshot: CollectionSnapshot[User], known: int, lost: int, suspect: bool) -> None:
    listed(snapshot, *users(known))
    delta = listed(snapshot, *users(known)[lost:])
    assert bool(delta.suspect) == suspect
    assert len(delta.missing) == (0 if suspect else lost)


def test_nothing_of_a_suspect_list_is_applied(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, *users(20), at=1)
    token = snapshot.list_started(2)
    delta = snapshot.list_finished(token, [APP])
    assert delta == Delta(suspect=("u000", "u001", "u002"))
    assert snapshot.get("u1") is None
    assert not snapshot.is_dirty("u000")
    assert snapshot.last_list_begun == 1
    for user in users(3):
        assert not snapshot.answered(user)
    snapshot.list_failed(token)
    with pytest.raises(KeyError):
        snapshot.accept_suspect(token)


def test_a_loss_that_is_real(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, *users(20))
    token = snapshot.list_started(2)
    snapshot.list_finished(token, [APP])
    snapshot.confirmed_gone("u000")
    snapshot.answered(users(20)[1])
    delta = snapshot.accept_suspect(token)
    assert delta.changed == {"u1"}
    assert delta.missing == {user.id for user in users(20)[2:]}
    assert not snapshot.is_dirty("u001"), "a GET that is newer showed it"
    assert snapshot.last_list_begun == 2


def test_a_loss_that_was_accepted_is_not_suspect_again(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, *users(20))
    token = snapshot.list_started(2)
    snapshot.list_finished(token, [])
    snapshot.confirmed_gone("u000")
    snapshot.accept_suspect(token)
    assert len(listed(snapshot).missing) == 19


def test_a_suspect_list_that_a_newer_one_overtook(snapshot: CollectionSnapshot[User]) -> None:
    listed(snapshot, *users(20))
    token = snapshot.list_started(2)
    snapshot.list_finished(token, [])
    listed(snapshot, *users(20))
    assert snapshot.accept_suspect(token) == Delta()
    assert not snapshot.is_dirty("u005")


def test_the_suspects_are_those_that_should_not_be_gone(snapshot: CollectionSnapshot[User]) -> None:
    leaving, *staying = users(20)
    listed(snapshot, replace(leaving, status="PENDING_DELETE"), *staying)
    snapshot.deleted("u001")
    assert listed(snapshot).suspect == ("u002", "u003", "u004")


def test_what_an_answer_does_not_tell_stays_as_it_was() -> None:
    def completed(new: User, old: User) -> User:
        return replace(new, status=new.status or old.status)

    snapshot = CollectionSnapshot[User](key_of, lambda user: user.parent, completed=completed)
    listed(snapshot, APP)
    assert listed(snapshot, replace(APP, status=None)) == Delta()
    assert snapshot.get("u1") == APP
    assert not snapshot.answered(replace(APP, status=None))
    assert snapshot.get("u1") == APP
    assert snapshot.answered(LOCKED)
    assert snapshot.get("u1") == LOCKED


def rest_of(slices: Slices) -> Delta:
    found: list[Delta] = []

    def whole() -> Iterator[None]:
        found.append((yield from slices))

    assert list(whole())
    return found[0]


def test_what_is_learned_between_the_slices_of_a_list_is_newer(snapshot: CollectionSnapshot[User]) -> None:
    """A long list is entered in slices, and our own calls are answered between them."""
    listed(snapshot, *users(1_000))
    slices = snapshot.finishing(snapshot.list_started(1), [replace(user, status="LISTED") for user in users(950)])
    next(slices)
    for id_ in ("u001", "u900"):  # before and behind the slice that was entered
        snapshot.answered(User(id_, f"app{int(id_[1:])}", status="ANSWERED"))
    assert snapshot.confirmed_gone("u901")
    assert snapshot.confirmed_gone("u960")
    delta = rest_of(slices)
    observed = {
        id_: obj.status if (obj := snapshot.get(id_)) else None for id_ in ("u000", "u001", "u900", "u901", "u949")
    }
    assert observed == {"u000": "LISTED", "u001": "ANSWERED", "u900": "ANSWERED", "u901": None, "u949": "LISTED"}
    assert len(delta.missing) == 49
    assert "u960" not in delta.missing
    assert snapshot.is_dirty("u950")
    assert not snapshot.is_dirty("u960")
