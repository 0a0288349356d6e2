"""The number of files, including connections, that this process may have open."""

import resource
from contextlib import suppress


def take_all_allowed_files() -> None:
    """Raise the soft limit to the hard limit: the soft limit, mostly 1,024, is for programs that use select(2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS has a lower limit than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
