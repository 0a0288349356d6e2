"""Everything that talks to Kubernetes: informers, writes, leadership, and the generated definitions and rights."""

import os
from pathlib import Path


def _be_at_home_somewhere() -> None:
    """The `kubernetes` package asks for a home folder while it is imported, and ends the process where there is none.

    A container's user often has no name, so no home either; container engines say `/` then, and so do we.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


_be_at_home_somewhere()
