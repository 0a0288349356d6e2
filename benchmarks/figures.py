"""A figure with what it is to be measured by."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`most` is the aim: the value or, where `aim_is_ratio`, value to floor shall not be above it.

    `floor` is the same measured in the same run for what nobody can do without; `peer` what the best Go operator needed
    for its own cloud, on a machine of this class. `size` is the number of resources, of what was measured at several.
    """

    name: str
    value: float
    unit: str
    most: float | None = None
    floor: float | None = None
    peer: float | None = None
    aim_is_ratio: bool = False
    size: int | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def is_met(self) -> bool | None:
        """None without an aim."""
        measured = self.ratio if self.aim_is_ratio else self.value
        return None if self.most is None or measured is None else measured <= self.most

    def __str__(self) -> str:
        floor = "" if self.floor is None else f"  floor {self.floor:.3g}, ratio {self.ratio:.3g}"
        missed = "  MISSED" if self.is_met is False else ""
        return f"{self.name}: {self.value:.4g} {self.unit}{floor}{missed}"

    def told(self) -> dict[str, Any]:
        return asdict(self)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed. Raises ValueError when there are none."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
