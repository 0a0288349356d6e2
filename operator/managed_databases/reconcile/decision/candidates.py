"""Which cloud objects an attempt of unknown outcome may have made."""

from collections.abc import Mapping, Sequence
from typing import Any

from managed_databases.kinds.frame import Intent
from managed_databases.kinds.kind import CloudSide


def candidates(cloud: CloudSide, namesakes: Sequence[Any], intent: Intent) -> list[Any]:
    """Of the objects with the key that nobody holds: those new since, and equal in all that never changes."""
    return [
        namesake
        for namesake in namesakes
        if namesake.id not in intent.others and not fields_that_differ(intent.expected, cloud.expected_of(namesake))
    ]


def fields_that_differ(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    """A field that the spec or the API does not tell (None) proves nothing."""
    return [field for field, value in expected.items() if value is not None and actual.get(field) not in (None, value)]
