"""One rule, and the edit of the sources that breaks it."""

from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "operator"
_PACKAGE = Path("managed_databases")


class RuleHasMovedError(Exception):
    """The text that a mutant replaces does not stand in its file exactly once: bring the mutant up to date."""


@dataclass(frozen=True)
class Mutant:
    """`rule` says what holds; `old` stands once in `file` (below the package) and `new` in its place breaks the rule.

    `tests` are the files that are expected to notice, below `tests/`; none of them needs an API server.
    """

    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def broken(self, sources: Path = SOURCES) -> str:
        """Return the file's text with the rule broken. Raises RuleHasMovedError."""
        text = (sources / _PACKAGE / self.file).read_text()
        if (times := text.count(self.old)) != 1:
            raise RuleHasMovedError(f"{self.rule}: the text to replace stands {times} times in {self.file}")
        return text.replace(self.old, self.new)

    def apply(self, sources: Path) -> None:
        """Break the rule in a copy of the sources. Raises RuleHasMovedError."""
        text = self.broken(sources)
        (sources / _PACKAGE / self.file).write_text(text)
