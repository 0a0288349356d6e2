"""Finds and reads the dumps: what the programs themselves have answered (README.md says how they were asked)."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

Record = dict[str, str]


def records(path: Path, *, quoted: bool = True) -> list[Record]:
    """Return the rows of a file of tab-separated values with a line of names; with `quoted` False quotes are plain text."""
    with path.open(encoding="utf-8", newline="") as file:
        if quoted:
            return list(csv.DictReader(file, delimiter="\t", strict=True))
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def found(folder: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    """Yield the part of each file's name that the group of `pattern` matches, with its path: oldest version first."""
    matches = ((match[1], path) for path in folder.iterdir() if (match := re.fullmatch(pattern, path.name)))
    yield from sorted(matches, key=lambda each: _version(each[0]))


def one(folder: Path, pattern: str) -> tuple[str, Path]:
    """Return the newest version of a dump. Raises FileNotFoundError."""
    if versions := list(found(folder, pattern)):
        return versions[-1]
    raise FileNotFoundError(f"no {pattern} in {folder}")


def number(text: str) -> int | float:
    """Return a number as JSON best holds it: `1e+06` is whole, too."""
    try:
        return int(text)
    except ValueError:
        told = float(text)
        return int(told) if told.is_integer() and abs(told) < 2**53 else told


def _version(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)]
