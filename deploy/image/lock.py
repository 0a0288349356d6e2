"""The part of requirements.lock that something needs: `python -m image.lock NAME` prints it, hashes and all.

The lock also holds the tools of the developers. It tells who needs what ("via"), so nothing has to be resolved anew.
NAME is a package in the lock, or the project itself for what the operator needs at run time. Standard library only.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = "managed-databases-operator"
RUN_TIME = f"{PROJECT} (pyproject.toml)"


@dataclass(frozen=True)
class Entry:
    name: str
    version: str
    text: str
    """As it stands in the lock: version, marker, hashes."""
    via: frozenset[str]
    """Who needs it: names in the lock, RUN_TIME, or the same with a group's name."""


def read(lock: str) -> dict[str, Entry]:
    """Return the entries by name. Raises ValueError for what is no locked requirement."""
    entries = {}
    for text in re.split(r"\n(?=[A-Za-z0-9])", lock.strip()):
        head = re.match(r"([\w.-]+)==(\S+)", text)
        if head is None or "--hash=sha256:" not in text:
            raise ValueError(f"not a requirement with version and hash: {text.splitlines()[0]}")
        comments = re.findall(r"^ +# +(.*)$", text, re.MULTILINE)
        via = {one.removeprefix("via").strip() for one in comments} - {""}
        requirement = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        entries[head[1]] = Entry(head[1], head[2], requirement, frozenset(via))
    return entries


def needed_by(entries: dict[str, Entry], name: str) -> dict[str, Entry]:
    """Return what `name` needs, itself included if it is in the lock. Raises ValueError when nobody knows it."""
    root = RUN_TIME if name == PROJECT else name
    found = {name} & entries.keys()
    reached = {root}
    while reached:
        more = {entry.name for entry in entries.values() if entry.via & reached} - found
        found |= more
        reached = more
    if not found:
        raise ValueError(f"{name} is not in the lock")
    return {each: entries[each] for each in sorted(found)}


def main() -> None:
    entries = read(Path("requirements.lock").read_text())
    print("\n".join(entry.text for entry in needed_by(entries, sys.argv[1]).values()))  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
