"""The speed of time in a story: the operator's own waits are shortened, and its polls are close together."""

from typing import Any

import pytest

FAST: dict[str, Any] = {"clock_speed": 5, "pending_poll_seconds": 2, "settle_margin_seconds": 5}
"""Settings of the operator."""

fast = pytest.mark.parametrize("world", [{"settings": FAST}], indirect=True)
