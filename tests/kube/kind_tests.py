"""What the tests of single kinds tell of their kind, found as the kinds themselves are: there is no list to enter into."""

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
