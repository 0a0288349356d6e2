"""What each reason means, who has to do what, and an example: in groups, as people read them."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations import (
    kept_back,
    logins,
    nothing_to_do,
    projects,
    refused,
    the_cloud,
    waiting,
)
from managed_databases.gitops.explanations.explanation import Explanation
from managed_databases.kinds.verdicts import Reason

GROUPS: Final = {
    group.TITLE: group.EXPLANATIONS
    for group in (nothing_to_do, waiting, refused, kept_back, the_cloud, logins, projects)
}
"""By title, in the order of the page."""

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    reason: explanation for group in GROUPS.values() for reason, explanation in group.items()
}
