"""`make audit` says that nothing is known only when somebody was asked about everything."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from audit import __main__ as audit_command
from audit.answers import read_answer, report

TOP = Path(__file__).parent.parent
GOOD = {"name": "orjson", "version": "3.13.0", "vulns": []}
BAD = {
    "name": "aiohttp",
    "version": "3.9.0",
    "vulns": [{"id": "PYSEC-2024-24", "fix_versions": ["3.9.2"], "aliases": [], "description": "..."}],
}
UNKNOWN = {"name": "kopf", "skip_reason": "Dependency not found on PyPI and could not be audited: kopf (1.45.2)"}


@pytest.mark.parametrize(
    ("why", "packages", "said", "code"),
    [
        ("all was asked about", [GOOD], "told about 1 of 1 packages of requirements.lock: nothing is known", 0),
        ("one is known", [GOOD, BAD], "aiohttp 3.9.0: PYSEC-2024-24, mended in 3.9.2", 1),
        ("one is known, and one was not told about", [BAD, UNKNOWN], "told about 1 of 2", 1),
        (
            "one was not told about",
            [GOOD, UNKNOWN],
            "told about 1 of 2 packages of requirements.lock; not about kopf",
            2,
        ),
        ("a registry that is a mirror tells about none", [UNKNOWN], "told about 0 of 1", 2),
        ("nothing was asked", [], "not about any", 2),
    ],
)
def test_what_it_says(why: str, packages: list[dict[str, Any]], said: str, code: int) -> None:
    answer = read_answer(json.dumps({"dependencies": packages, "fixes": []}))
    assert answer is not None
    text, ends_with = report(answer, "pypi.org")
    assert (ends_with, said in text) == (code, True), (why, text)


@pytest.mark.parametrize("text", ["", "Traceback (most recent call last):", "[]", '{"other": 1}'])
def test_what_is_no_answer(text: str) -> None:
    assert read_answer(text) is None


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({"pypi": [GOOD]}, 0, "pypi.org told about 1 of 1"),
        ({"pypi": [UNKNOWN], "osv": [GOOD]}, 0, "api.osv.dev told about 1 of 1"),
        ({"pypi": [UNKNOWN], "osv": [BAD]}, 1, "PYSEC-2024-24"),
        ({"pypi": [UNKNOWN]}, 2, "NOT AUDITED: no advisory database told about all"),
        ({}, 2, "api.osv.dev: Name or service not known"),
    ],
)
def test_the_databases_are_asked_in_turn(
    answers: dict[str, list[dict[str, Any]]],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ask(_: Path, database: str) -> Any:
        if database not in answers:
            return "Name or service not known"
        return read_answer(json.dumps({"dependencies": answers[database]}))

    monkeypatch.setattr(audit_command, "_installed", lambda: Path("pip-audit"))
    monkeypatch.setattr(audit_command, "_ask", ask)
    assert audit_command.main() == code
    shown = capsys.readouterr()
    assert said in (shown.err if code == 2 else shown.out)


def test_the_tool_is_locked_too() -> None:
    lock = (TOP / "deploy/audit/requirements.lock").read_text()
    versions = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    assert "pip-audit" in versions
    assert lock.count("--hash=sha256:") >= len(versions)
