"""What is said where a port cannot be listened on, because somebody does already."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class PortInUse(OSError):
    """The text says which port, how to see who has it, and what to change."""


@contextmanager
def busy_port_told(port: int, way_out: str) -> Iterator[None]:
    """Raises PortInUse, with this way out, where listening fails because the port is in use."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUse(f"port {port} is in use (`ss -ltnp` shows by whom); {way_out}") from error
