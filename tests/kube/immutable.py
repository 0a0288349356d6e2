"""What is tested of a field that can never change."""

from dataclasses import dataclass, field
from typing import Any

BY_ID = {"datastoreRef": {"id": "11111111-2222-4333-8444-555555555555"}}


@dataclass(frozen=True)
class Immutable:
    """`path` leads to the field inside the spec; `beside` is what else a resource needs that has it.

    A `required` field cannot be absent, so it can be neither added nor removed. One that `may_be_absent` can be both:
    it only cannot go from `value` to `other`.
    """

    kind: str
    path: tuple[str, ...]
    value: Any
    other: Any
    says: str
    required: bool = False
    beside: dict[str, Any] = field(default_factory=dict)
    may_be_absent: bool = False

    def __str__(self) -> str:
        return f"{self.kind}.spec.{'.'.join(self.path)}"

    def patch(self, value: Any) -> dict[str, Any]:
        """A merge patch of the spec that sets the field; None removes it."""
        for name in reversed(self.path):
            value = {name: value}
        assert isinstance(value, dict)
        return value
