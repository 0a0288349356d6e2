"""Dependencies are what was locked: without a database of vulnerabilities the hashes are what CI checks."""

import re
from pathlib import Path

TOP = Path(__file__).parent.parent


def test_every_locked_file_has_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", (TOP / "requirements.lock").read_text().strip())
    assert len(entries) > 10
    assert [
        entry.split()[0] for entry in entries if not re.match(r"[\w.-]+==\S+.*--hash=sha256:", entry, re.DOTALL)
    ] == []
