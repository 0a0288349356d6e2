"""A mistyped annotation is told; those that have an effect are not."""

import pytest

from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.annotations import OF_PEOPLE
from managed_databases.reconcile.report.odd_annotations import odd_annotations


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("pause", "true", f"did you mean {GROUP}/paused?"),
        ("aproved", "0123", f"did you mean {GROUP}/approve?"),
        ("force-deletion", "true", f"did you mean {GROUP}/force-delete?"),
        ("zzz", "1", "there are "),
        ("paused", "yes", 'only with the value "true"'),
        ("force-delete", "True", 'only with the value "true"'),
    ],
)
def test_what_has_no_effect_is_told(name: str, value: str, told: str) -> None:
    said = odd_annotations({f"{GROUP}/{name}": value, "team": "shop"})
    assert said is not None
    assert told in said
    assert f"{GROUP}/{name}" in said


def test_what_has_an_effect_is_not_told() -> None:
    assert odd_annotations(dict.fromkeys(OF_PEOPLE, "true")) is None
    assert (
        odd_annotations({f"{GROUP}/paused": "false", f"{GROUP}/owned-by": "uid", "example.org/pause": "true"}) is None
    )
