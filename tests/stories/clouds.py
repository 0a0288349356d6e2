"""The two clouds that the main stories run against: what is known of the API allows both."""

import pytest

from stories.pace import FAST

OTHER_CLOUD = ("--other-cloud", "--setting", "busy_children=false")
"""Arguments of the sandbox: everything that is not known of the API the other way than in all other stories, which ask for busy
children.
"""

in_both_clouds = pytest.mark.parametrize(
    "world",
    [{"settings": FAST}, {"settings": FAST, "sandbox_arguments": OTHER_CLOUD}],
    indirect=True,
    ids=["", "other-cloud"],
)
