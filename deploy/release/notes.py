"""The notes of a release: its part of CHANGELOG.md, and what its files are."""

import re
from collections.abc import Mapping


class NoNotes(Exception):
    """The changelog has no part for the version; the text says what to do."""


def changes_of(version: str, changelog: str) -> str:
    """Return what stands under the version's heading. Raises NoNotes."""
    parts = re.split(r"^## \[(.+?)\](.*)$", changelog, flags=re.MULTILINE)
    for name, date, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if name != version:
            continue
        if not re.fullmatch(r" - \d{4}-\d{2}-\d{2}", date):
            raise NoNotes(f"CHANGELOG.md gives {version} no date: ## [{version}] - YYYY-MM-DD")
        if not text.strip():
            raise NoNotes(f"CHANGELOG.md says nothing of {version}")
        return str(text.strip())
    raise NoNotes(f"CHANGELOG.md has no part for {version}: `make version` makes it of the unreleased one")


def write_notes(version: str, changes: str, files: Mapping[str, str], lacks: Mapping[str, str]) -> str:
    """Return the notes, in Markdown. `files` tells what each file is, `lacks` what is not there, and why."""
    said = [f"# managed-databases-operator {version}", ""]
    for what, why in lacks.items():
        said += [f"**This release has no {what}**: {why}.", ""]
    said += [changes, "", "## Files", "", "| file | what it is |", "|---|---|"]
    said += [f"| `{name}` | {what} |" for name, what in sorted(files.items())]
    return "\n".join(said) + "\n"
