from hypothesis import given
from hypothesis import strategies as st

from managed_databases.reconcile.scheduling.dependencies import Dependency, DependencyIndex, catalogue, resource

MAIN = resource("ManagedDatastore", "shop", "main")
CATALOGUE = catalogue("p1")


def test_replacing_forgets_what_is_no_longer_wanted() -> None:
    index = DependencyIndex[str]()
    index.replace("orders", [MAIN, CATALOGUE])
    index.replace("orders", [CATALOGUE])
    assert index.of(MAIN) == frozenset()
    assert index.of(CATALOGUE) == {"orders"}


def test_each_has_its_own() -> None:
    index = DependencyIndex[str]()
    index.replace("orders", [MAIN, CATALOGUE])
    index.replace("carts", [MAIN])
    assert index.of(MAIN) == {"orders", "carts"}
    assert index.of(CATALOGUE) == {"orders"}


def test_dropping_someone_unknown_is_no_error() -> None:
    DependencyIndex[str]().drop("orders")


def test_what_was_returned_does_not_change() -> None:
    index = DependencyIndex[str]()
    index.replace("orders", [MAIN])
    listeners = index.of(MAIN)
    index.drop("orders")
    assert listeners == {"orders"}


WHO = st.integers(0, 3)
DEPENDENCIES = st.tuples(st.sampled_from("abc")).map(Dependency)
CHANGES: st.SearchStrategy[tuple[str, int, list[Dependency]]] = st.one_of(
    st.tuples(st.just("replace"), WHO, st.lists(DEPENDENCIES)),
    st.tuples(st.just("drop"), WHO, st.just([])),
)


@given(st.lists(CHANGES))
def test_both_directions_agree(changes: list[tuple[str, int, list[Dependency]]]) -> None:
    index, model = DependencyIndex[int](), dict[int, set[Dependency]]()
    for change, who, dependencies in changes:
        match change:
            case "replace":
                index.replace(who, dependencies)
                model[who] = set(dependencies)
            case _:
                index.drop(who)
                model.pop(who, None)
        for letter in "abc":
            dependency = Dependency((letter,))
            assert index.of(dependency) == {who for who, dependencies in model.items() if dependency in dependencies}
