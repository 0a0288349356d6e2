"""What an extension needs first, whichever way round the catalogue tells it."""

import pytest

from kinds.builders import uuid
from managed_databases.api.models import AvailableExtension
from managed_databases.kinds.extension_dependencies import Dependencies, dependencies

CUBE, EARTH, A, B, C = (uuid(n) for n in range(1, 6))
NAMES = {CUBE: "cube", EARTH: "earthdistance", A: "a", B: "b", C: "c"}


def catalogue(**listed: str) -> dict[str, AvailableExtension]:
    """Return extensions by name; `listed` are names, separated by blanks."""
    ids = {name: id_ for id_, name in NAMES.items()}
    return {
        name: AvailableExtension(
            id=id_, name=name, dependency_ids=tuple(ids[other] for other in listed.get(name, "").split())
        )
        for name, id_ in ids.items()
    }


@pytest.mark.parametrize(
    ("why", "listed", "one", "expected"),
    [
        ("as clients read it", {"earthdistance": "cube"}, "earthdistance", Dependencies((CUBE,), are_sure=True)),
        ("as clients read it", {"earthdistance": "cube"}, "cube", Dependencies((), are_sure=True)),
        ("as the reference says it", {"cube": "earthdistance"}, "earthdistance", Dependencies((CUBE,), are_sure=True)),
        ("as the reference says it", {"cube": "earthdistance"}, "cube", Dependencies((), are_sure=True)),
        (
            "a known pair tells it of all others",
            {"cube": "earthdistance", "a": "b c"},
            "b",
            Dependencies((A,), are_sure=True),
        ),
        ("and the other way", {"earthdistance": "cube", "a": "b c"}, "a", Dependencies((B, C), are_sure=True)),
        ("no known pair", {"a": "b", "c": "a"}, "a", Dependencies((B, C), are_sure=False)),
        ("each way once", {"a": "b", "b": "a"}, "a", Dependencies((B,), are_sure=False)),
        (
            "pairs that contradict one another",
            {"earthdistance": "cube", "cube": "earthdistance"},
            "cube",
            Dependencies((EARTH,), are_sure=False),
        ),
        ("nothing depends on anything", {}, "a", Dependencies((), are_sure=False)),
    ],
)
def test_what_must_be_there_first(why: str, listed: dict[str, str], one: str, expected: Dependencies) -> None:
    offered = catalogue(**listed)
    assert dependencies(offered.values(), offered[one]) == expected, why


def test_an_extension_that_tells_nothing_needs_nothing() -> None:
    silent = AvailableExtension(id=A, name="a")
    assert dependencies([silent], silent).ids == ()
