"""What a command says to people, whatever becomes of it: somebody reads no further, a disk is full, a letter has no bytes."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from managed_databases.command_line.exit_codes import FAILED


class _Open(io.FileIO):
    """A stream of the process that takes all that is written. What does not get out, is in `failure`."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            pass  # who reads has read enough: that changes nothing about the answer
        except OSError as error:
            self.failure = error
        return memoryview(data).nbytes


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Write stdout and stderr so that no write raises. The process ends with `FAILED` if stdout could not be written."""
    before = sys.stdout, sys.stderr
    opened = _opened(sys.stdout)
    sys.stdout, sys.stderr = _over(opened, sys.stdout), _over(_opened(sys.stderr), sys.stderr)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        if opened is not None and opened.failure is not None:
            print(f"the answer could not be written: {opened.failure.strerror}", file=sys.stderr, flush=True)  # noqa: T201
            sys.exit(FAILED)
        sys.stdout, sys.stderr = before


def _opened(stream: TextIO | None) -> _Open | None:
    """Return the file of a stream; None if it is closed, or has none."""
    try:
        return None if stream is None else _Open(stream.fileno(), "w", closefd=False)
    except (OSError, ValueError):
        return None


def _over(opened: _Open | None, stream: TextIO) -> TextIO:
    if opened is None:
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(opened),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=isinstance(stream, io.TextIOWrapper) and stream.line_buffering,
        write_through=isinstance(stream, io.TextIOWrapper) and stream.write_through,
    )
