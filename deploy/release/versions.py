"""The version of the project: where it stands, whether it is the same everywhere, and a new one for all places.

`python -m release.versions X.Y.Z` (`make version VERSION=X.Y.Z`) writes it, and gives the unreleased part of the changelog that
version.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).resolve().parents[2]
NUMBER: Final = r"\d+\.\d+\.\d+"
IN_PAGES: Final = (
    (r"managed[-_]databases[-_](?:operator|projects)[-:]", r"[\s\"`,/.-]"),
    (r"newTag: ", "$"),
    (r"--version\n", "$"),
    (r"make (?:version|release) VERSION=", r"[\s`]"),
)
PLACES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "pyproject.toml": ((r'^version = "', '"$'),),
    "helm/*/Chart.yaml": ((r"^(?:version|appVersion): ", "$"),),
    "deploy/base/kustomization.yaml": ((r"^ +newTag: ", "$"),),
    "*.md": IN_PAGES,
    "docs/*.md": IN_PAGES,
    "docs/*/*.md": IN_PAGES,
}
"""Files, as patterns, and what stands before and after the version in them."""
HISTORY: Final = ("CHANGELOG.md", "docs/adr")
"""They tell what was."""


class BadVersion(Exception):
    """The version cannot be given; the text says why."""


@dataclass(frozen=True)
class Place:
    path: Path
    line: int
    """From 1."""
    version: str


def files(top: Path = TOP) -> Iterator[tuple[Path, re.Pattern[str]]]:
    """Yield each file that tells the version, with one pattern at a time: its groups are what stands before, and the version."""
    for glob, around in PLACES.items():
        for path in sorted(top.glob(glob)):
            if not any(path.is_relative_to(top / each) for each in HISTORY):
                for before, after in around:
                    yield path, re.compile(f"({before})({NUMBER})(?={after})", re.MULTILINE)


def places(top: Path = TOP) -> list[Place]:
    """Return every place that tells the version. Raises BadVersion when a file that must tell it does not."""
    found = []
    for path, pattern in files(top):
        text = path.read_text()
        here = [Place(path, text.count("\n", 0, match.start(2)) + 1, match[2]) for match in pattern.finditer(text)]
        if not here and path.suffix != ".md":
            raise BadVersion(f"{path.relative_to(top)} tells no version")
        found += here
    return found


def version_of(top: Path = TOP) -> str:
    """Return the version on which all places agree. Raises BadVersion when they do not, with the places."""
    by_version: dict[str, list[str]] = {}
    for place in places(top):
        by_version.setdefault(place.version, []).append(f"{place.path.relative_to(top)}:{place.line}")
    if len(by_version) != 1:
        told = "\n".join(f"  {version}: {', '.join(where)}" for version, where in sorted(by_version.items()))
        raise BadVersion(f"the version is not the same everywhere (`make version` writes it):\n{told}")
    return next(iter(by_version))


def write(version: str, top: Path = TOP) -> list[Path]:
    """Write the version into all places, and return the files that it changed. Raises BadVersion."""
    if not re.fullmatch(NUMBER, version):
        raise BadVersion(f"{version!r} is no version such as 1.2.3")
    changed: dict[Path, None] = {}
    for path, pattern in files(top):
        text = path.read_text()
        if (written := pattern.sub(rf"\g<1>{version}", text)) != text:
            path.write_text(written)
            changed[path] = None
    changelog = top / "CHANGELOG.md"
    text = changelog.read_text()
    if f"\n## [{version}]" not in text:
        today = datetime.now(UTC).date().isoformat()
        heading = f"\n## [Unreleased]\n\n## [{version}] - {today}\n"
        changelog.write_text(text.replace("\n## [Unreleased]\n", heading, 1))
        changed[changelog] = None
    return list(changed)


def main(*arguments: str) -> int:
    try:
        for path in write(arguments[0].removeprefix("v") if arguments else ""):
            print(f"wrote {path.relative_to(TOP)}")  # noqa: T201 - a command
    except BadVersion as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
