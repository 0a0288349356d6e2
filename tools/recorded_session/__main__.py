"""Records what a command shows in a terminal, as an asciicast (version 2) that `asciinema play` shows again.

    PYTHONPATH=. python -m tools.recorded_session docs/sessions/demo.cast make demo ARGS=--exit

Beside the cast it writes what stood on the terminal in the end, as a text. Exit code: the command's own.
"""

import codecs
import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Final

COLUMNS: Final = 100
ROWS: Final = 30
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_HOME: Final = re.compile(r"\x1b\[\d*A|\x1b\[H|\x1b\[2J")
"""What a program writes before it draws its screen anew."""


def main(cast: str, *command: str) -> int:
    started = time.monotonic()
    events: list[tuple[float, str, str]] = []
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while read := _read(terminal):
        events.append((round(time.monotonic() - started, 3), "o", decoder.decode(read)))
    ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "command": " ".join(command), "title": " ".join(command)}
    Path(cast).write_text("".join(f"{json.dumps(line)}\n" for line in (header, *events)))
    shown = "".join(text for _, _, text in events)
    Path(cast).with_suffix(".txt").write_text(f"$ {' '.join(command)}\n{last_screen(shown)}")
    return ended


def last_screen(shown: str) -> str:
    """Return what the program has drawn last, and what it wrote after that, without colours and moves."""
    return "\n".join(line.rstrip() for line in _CONTROLS.sub("", last_drawn(shown)).replace("\r", "").split("\n"))


def last_drawn(shown: str) -> str:
    """Return the same with colours and moves."""
    return _HOME.split(shown)[-1]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the command has ended
        return b""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
