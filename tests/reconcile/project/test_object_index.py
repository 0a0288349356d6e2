"""What was put is found by id, key and parent, until it is removed; nothing is left of what moved or went."""

from dataclasses import replace

from managed_databases.reconcile.project.object_index import ObjectIndex
from reconcile.project.test_collection_snapshot import APP, User, key_of

TWIN = replace(APP, id="u0")


def index(*users: User) -> ObjectIndex[User]:
    made = ObjectIndex(key_of, lambda user: user.parent)
    for user in users:
        made.put(user)
    return made


def test_what_came_first_is_told_first() -> None:
    both = index(APP, TWIN)
    both.put(replace(APP, status="DOWN"))
    assert [user.id for user in both.of_key(("main", "app"))] == ["u1", "u0"]
    assert [user.id for user in both.of_parent("main")] == ["u1", "u0"]
    assert len(both) == 2


def test_what_moves_is_found_in_its_new_place_only() -> None:
    moved = replace(APP, name="new", parent="other")
    one = index(APP, TWIN, moved)
    assert (one.get("u1"), one.of_key(("other", "new")), one.of_parent("other")) == (moved, (moved,), (moved,))
    assert (one.of_key(("main", "app")), one.of_parent("main")) == ((TWIN,), (TWIN,))


def test_nothing_is_left_of_what_was_removed() -> None:
    one = index(APP, replace(APP, id="u2", parent=None))
    ids = one.ids()
    assert one.remove("u1")
    assert not one.remove("u1")
    assert set(ids) == {"u2"}
    assert (one.get("u1"), one.of_key(("main", "app")), one.of_parent("main")) == (None, (), ())
    one.clear()
    assert (len(one), one.all(), one.of_key(("", "app"))) == (0, (), ())
