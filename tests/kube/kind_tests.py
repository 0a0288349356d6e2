"""What the tests of single kinds tell of their kind, found as the kinds themselves are: there is no list to enter into.

`SAMPLE` is a valid spec for any name, as small as it can be. `IMMUTABLE_FIELDS` are what never changes. `CHANGE` are fields of
the spec as people change them later, and `DRIFT` fields of the API's object as others change them in the cloud, so that the
operator changes them back; a kind whose objects the API can change has both.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

KIND_TESTS = Path(__file__).parent.parent / "kinds"


def told_by_kind_tests(name: str) -> Iterator[tuple[str, Any]]:
    """Yield the kind's name and what stands under `name` in its test, for each test that has it beside its `KIND`."""
    for path in sorted(KIND_TESTS.glob("test_*.py")):
        module = import_module(f"kinds.{path.stem}")
        if hasattr(module, name):
            yield module.KIND.name, getattr(module, name)
