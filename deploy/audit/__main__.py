"""Asks advisory databases about each version of requirements.lock, by pip-audit, which has a lock and an environment of its own.

Exit codes: 0 nothing is known, 1 something is, 2 nobody could be asked about all of it.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from audit.answers import Audit, read_answer, report

TOP: Final = Path(__file__).resolve().parents[2]
LOCK: Final = TOP / "requirements.lock"
OWN_LOCK: Final = Path(__file__).with_name("requirements.lock")
ENVIRONMENT: Final = TOP / ".cache/audit"
DATABASES: Final = {"pypi": "pypi.org", "osv": "api.osv.dev"}
"""pip-audit's names of the databases that it knows, in the order in which they are asked, and where they are."""
SECONDS: Final = 300


def main() -> int:
    pip_audit = _installed()
    if pip_audit is None:
        return 2
    failures: list[str] = []
    for database, host in DATABASES.items():
        answer = _ask(pip_audit, database)
        if isinstance(answer, Audit):
            text, code = report(answer, host)
            if code != 2:
                print(text)  # noqa: T201 - a command
                return code
            failures.append(text)
        else:
            failures.append(f"{host}: {answer}")
    _complain("NOT AUDITED: no advisory database told about all of requirements.lock.", *failures)
    _complain("Run `make audit` where one of these can be reached; a release waits for that.")
    return 2


def _installed() -> Path | None:
    uv = TOP / ".venv/bin/uv"
    program = ENVIRONMENT / "bin/pip-audit"
    python = str(ENVIRONMENT / "bin/python")
    steps = [
        [str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
        [str(uv), "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(OWN_LOCK)],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            _complain("NOT AUDITED: pip-audit could not be installed from its lock.", done.stderr.strip())
            return None
    return program


def _ask(pip_audit: Path, database: str) -> Audit | str:
    """Return what it found, or why it could not."""
    command = [str(pip_audit), "--requirement", str(LOCK), "--require-hashes", "--no-deps", "--disable-pip"]
    command += ["--vulnerability-service", database, "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"no answer in {SECONDS} s"
    return read_answer(done.stdout) or (done.stderr.strip().splitlines() or ["no answer"])[-1][:200]


def _complain(*lines: str) -> None:
    print(*lines, sep="\n", file=sys.stderr)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
