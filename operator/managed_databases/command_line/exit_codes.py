"""How the commands for people end. The help of each command, and docs/command-line.md, say what it means there."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
"""It could not be found out: the cluster or the cloud does not answer, or a right is missing."""
BAD_USAGE: Final = 2
"""An option, a name, a manifest or a kubeconfig is wrong. Nothing was asked."""
FOUND: Final = 3
"""There is something to tell: something waits, differs, or belongs to nobody."""
SERIOUS: Final = 4
"""What is told needs a person."""
IMPOSSIBLE: Final = 5
"""What is asked for cannot be carried out as it is, or refers to what there is not."""
