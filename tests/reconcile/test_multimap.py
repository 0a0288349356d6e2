from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from managed_databases.reconcile.multimap import Multimap

KEYS = st.sampled_from("ab")
VALUES = st.integers(0, 3)


@given(st.lists(st.tuples(st.booleans(), KEYS, VALUES), max_size=40))
def test_it_is_a_mapping_to_ordered_sets(history: list[tuple[bool, str, int]]) -> None:
    small, plain = Multimap[str, int](), defaultdict[str, dict[int, None]](dict)
    for adds, key, value in history:
        before, known = small.of(key), set(plain[key])
        if adds:
            assert small.add(key, value) == key
            plain[key][value] = None
        else:
            small.discard(key, value)
            plain[key].pop(value, None)
        assert before == known, "what was returned does not change"
        assert {key: small.of(key) for key in "ab"} == {key: plain[key].keys() for key in "ab"}
        assert {key: small.in_order(key) for key in "ab"} == {key: tuple(plain[key]) for key in "ab"}


def test_a_key_with_several_values_is_kept_once() -> None:
    small = Multimap[tuple[str, ...], int]()
    keys = [(*"key",) for _ in range(4)]
    first, second, third, fourth = (small.add(key, value) for value, key in enumerate(keys))
    assert third is second is fourth
    assert first == second
