"""What ends `connect` ends the client too, and leaves no file with a password."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = """\
#!/bin/sh
test "$1" = --version && exit 0
echo started
exec cat
"""
CONNECTS = """\
import sys
from managed_databases.command_line.connect_command import passing_signals_on, run_client
login = {"type": "mysql", "host": "h", "port": "1", "username": "u", "password": "hidden"}
with passing_signals_on() as client:
    if sys.argv[1] == "before":
        print("started", flush=True)
        sys.stdin.read()
    code = run_client(login, (), None, client)
sys.exit(code)
"""


@pytest.mark.parametrize("when", ["before", "with the client"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_leaves_nothing(number: signal.Signals, when: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (tmp_path / "mysql").write_text(CLIENT)
    (tmp_path / "mysql").chmod(0o755)
    environment = {**os.environ, "TMPDIR": str(files), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with subprocess.Popen(
        [sys.executable, "-c", CONNECTS, when], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        assert bool([*files.rglob("my.cnf")]) == (when != "before")
        process.send_signal(number)
        assert process.wait() == (128 + number if when == "before" else 1)
        assert process.stdout.read() == b"", "the client has ended as well"
    assert list(files.iterdir()) == []
