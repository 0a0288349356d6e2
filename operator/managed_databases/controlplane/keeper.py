"""A small program that owns processes and a private folder, and outlives whoever started it just long enough to end them.

Started by `processes.py` with nothing but the standard library (`python -I keeper.py`), in a session of its own, so that
Ctrl-C in a terminal does not reach it. It makes a folder (mode 0700), prints `{"folder": PATH}`, then answers each line
of JSON on its standard input with one line on its standard output. When the input ends, for whatever reason (close,
crash, SIGKILL of the owner), it kills every process, removes the folder and ends.

    {"start": NAME, "command": [...]}   {"pid": PID} or {"error": TEXT}; output goes to NAME.log in the folder
    {"stop": NAME}                      {"code": CODE}: killed, not asked; null when there is no such process
    {"poll": NAME}                      {"code": CODE or null}: null while it runs
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


class Keeper:
    """The processes by name. Only ever used from one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"start": str(name), "command": list(command)}:
                return self.start(name, command)
            case {"stop": str(name)}:
                return {"code": self.stop(name)}
            case {"poll": str(name)}:
                process = self.processes.get(name)
                return {"code": process.poll() if process else -signal.SIGKILL}
        return {"error": f"unknown request {sorted(request)}"}

    def start(self, name: str, command: list[str]) -> dict[str, Any]:
        try:
            with (self.folder / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            return {"error": f"{name}: {error}"}
        self.processes[name] = process
        return {"pid": process.pid}

    def stop(self, name: str) -> int | None:
        process = self.processes.pop(name, None)
        if process is None:
            return None
        process.kill()
        return process.wait()

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()


def end(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    keeper = Keeper(Path(tempfile.mkdtemp(prefix="managed-databases-")))
    try:
        os.write(1, json.dumps({"folder": str(keeper.folder)}).encode() + b"\n")
        for line in sys.stdin:
            os.write(1, json.dumps(keeper.answer(json.loads(line))).encode() + b"\n")
    except BrokenPipeError:
        pass  # the owner went while it was being answered
    finally:
        keeper.stop_all()
        shutil.rmtree(keeper.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
