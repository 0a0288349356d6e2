from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from managed_databases.reconcile.multimap import Multimap

KEYS = st.sampled_from("ab")
VALUES = st.integers(0, 3)


@given(st.lists(st.tuples(st.booleans(), KEYS, VALUES), max_size=40))
def test_it_is_a_mapping_to_sets(history: list[tuple[bool, str, int]]) -> None:
    small, plain = Multimap[str, int](), defaultdict[str, set[int]](set)
    for adds, key, value in history:
        before, known = small.of(key), set(plain[key])
        if adds:
            small.add(key, value)
            plain[key].add(value)
        else:
            small.discard(key, value)
            plain[key].discard(value)
        assert before == known, "what was returned does not change"
        assert {key: small.of(key) for key in "ab"} == {key: plain[key] for key in "ab"}
