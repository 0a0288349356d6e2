"""Ends a process that has to end, whatever hangs, by a thread that needs neither the event loop nor a file.

A task may swallow its cancellation, a thread may never return, files may be used up, the event loop may stand still: none of
these keeps a process that no longer watches anything alive for longer than its time.
"""

import asyncio
import faulthandler
import json
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Final

END_SECONDS: Final = 9.0
"""The most seconds from the end of a part, or the request to stop, to the end of the process; an orderly end is quicker."""
LAST_RESORT_SECONDS: Final = 0.7
"""The seconds after which the interpreter itself ends the process, if not even the thread can run."""
STUCK_SECONDS: Final = 60
"""The seconds that the event loop may stand still before the process is ended: as long as the kubelet takes to notice it."""
TURN_SECONDS: Final = 0.5
BEAT_SECONDS: Final = 1.0
MAX_WRITE_SECONDS: Final = 200 / 1000

_STDERR: Final = 2
_WHOLE_WRITE_BYTES: Final = 4096
"""What goes into a pipe that takes anything, without waiting for its reader (PIPE_BUF)."""


class Watchdog:
    """Watches over the end of the process. After `start`, `beats` shows that the event loop turns; `end_within` sets the time
    within which the process must end.
    """

    def __init__(self, *, mask: Callable[[str], str] = str, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._mask = mask
        self._stuck_turns = stuck_seconds / TURN_SECONDS
        self._turns_without_beat: int | None = None
        """Turns of the thread, not time: a process that was stopped as a whole, or a machine that slept, is not stuck."""
        self._ends_at: float | None = None
        self._reason = ""
        self._code = 1
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._main = threading.get_ident()

    def start(self) -> None:
        """Start the thread. To be called in the thread that will run the event loop."""
        self._main = threading.get_ident()
        self._thread.start()

    async def beats(self) -> None:
        """Show that the loop turns, until cancelled."""
        while True:
            self._turns_without_beat = 0
            await asyncio.sleep(BEAT_SECONDS)

    def end_within(self, seconds: float, reason: str, code: int) -> None:
        """End the process after that time, with this exit code, if it has not ended by itself.

        Of several calls the first reason, the earliest time and the last exit code count.
        """
        at = time.monotonic() + seconds
        self._code = code
        if self._ends_at is not None and self._ends_at <= at:
            return
        self._reason = self._reason or reason
        self._ends_at = at
        with suppress(OSError, ValueError, RuntimeError, AttributeError):  # no stderr to write to
            faulthandler.dump_traceback_later(seconds + LAST_RESORT_SECONDS, exit=True)

    def _watch(self) -> None:
        while True:
            time.sleep(TURN_SECONDS)
            if self._ends_at is not None and time.monotonic() >= self._ends_at:
                self._leave("the process did not end in time, and is ended", self._reason, self._code)
            elif self._turns_without_beat is not None:
                self._turns_without_beat += 1
                if self._turns_without_beat > self._stuck_turns:
                    self._leave("the process is ended", "its event loop stands still", 1)

    def _leave(self, event: str, reason: str, code: int) -> None:
        """Write the last log line and end the process. A log that nobody reads, or a lock of the logging, does not hold this
        up.
        """
        try:
            where = _stack(sys._current_frames().get(self._main))
            line = {
                "event": event,
                "level": "error",
                "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                "reason": self._mask(reason)[:1000],
                "stands_at": where[-12:],
            }
            written = json.dumps(line).encode()[: _WHOLE_WRITE_BYTES - 1] + b"\n"
            ready = select.poll()
            ready.register(_STDERR, select.POLLOUT)
            if ready.poll(MAX_WRITE_SECONDS * 1000):
                os.write(_STDERR, written)
        finally:
            os._exit(code)


def _stack(frame: FrameType | None) -> list[str]:
    """Places only, the innermost last: to show lines of source files would have to be opened."""
    places = []
    while frame is not None:
        places.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return places[::-1]
