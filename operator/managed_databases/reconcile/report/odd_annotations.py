"""Annotations that have the operator's prefix and no effect: a person who mistyped one would wait in vain."""

from collections.abc import Iterator, Mapping
from typing import Final

from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.annotations import FORCE_DELETE, OF_PEOPLE, OWNED_BY, PAUSED

ODD_ANNOTATION: Final = "OddAnnotation"
"""The reason of the Event that tells of them."""
_SWITCHES: Final = (FORCE_DELETE, PAUSED)


def odd_annotations(annotations: Mapping[str, str]) -> str | None:
    """Return what to say about annotations of a resource that have no effect; None if there are none."""
    return "; ".join(_told(annotations)) or None


def _told(annotations: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(annotations.items()):
        if not name.startswith(f"{GROUP}/") or name == OWNED_BY:
            continue
        if name not in OF_PEOPLE:
            meant = nearest(
                name.removeprefix(f"{GROUP}/"), [each.removeprefix(f"{GROUP}/") for each in OF_PEOPLE], most=1
            )
            hint = f"did you mean {GROUP}/{meant[0]}?" if meant else f"there are {', '.join(OF_PEOPLE)}"
            yield f"the annotation {name} has no effect: {hint}"
        elif name in _SWITCHES and value not in ("true", "false"):
            yield f'the annotation {name} has an effect only with the value "true"'
