"""Whether a resource is deleted alone, or because its definition is deleted."""

import pytest

from managed_databases.reconcile.observe.definition_deletion import goes_with_its_definition
from managed_databases.reconcile.ports import Definition, KubeRefused, KubeUnreachable, Resource, ResourceKey

EARLY, LATER, LATEST = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"


class Definitions:
    """A Kubernetes that holds nothing but one definition, or fails."""

    def __init__(self, answer: Definition | None | Exception) -> None:
        self._answer = answer

    async def read_definition(self, kind: str) -> Definition | None:
        assert kind == "KafkaTopic"
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def topic(deleting_since: str | None) -> Resource:
    return Resource(ResourceKey("KafkaTopic", "a", "t"), "u", "1", 1, EARLY, deleting_since, (), {}, {}, {})


@pytest.mark.parametrize(
    ("answer", "deleting_since", "expected", "why"),
    [
        (Definition(EARLY, None), LATER, False, "somebody deleted it, and it only"),
        (Definition(EARLY, LATER), LATER, True, "its deletion follows from the definition's"),
        (Definition(EARLY, LATEST), LATER, True, "it was being deleted already: nobody can tell what was meant"),
        (Definition(LATER, None), EARLY, True, "it is left from an earlier definition, whose deletion it follows from"),
        (Definition(LATER, None), LATER, True, "in the same second: rather let go than delete"),
        (None, LATER, True, "there is no definition any more"),
        (KubeRefused("no"), LATER, None, "an operator of before the right to look"),
    ],
)
async def test_whether_it_goes_with_its_definition(
    answer: Definition | None | Exception, deleting_since: str, expected: bool | None, why: str
) -> None:
    kube = Definitions(answer)
    assert await goes_with_its_definition(kube, topic(deleting_since)) is expected, why  # type: ignore[arg-type]


async def test_without_an_answer_nothing_is_concluded() -> None:
    with pytest.raises(KubeUnreachable):
        await goes_with_its_definition(Definitions(KubeUnreachable("away")), topic(LATER))  # type: ignore[arg-type]
