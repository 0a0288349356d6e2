"""The blocks of a page as its reader types them: commands, what the page says that they print, and manifests."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from managed_databases.kinds.registry import GROUP

TOP = Path(__file__).parent.parent
FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ILLUSTRATION = re.compile(r"\n *\*An illustration: ([^\n]+)\*\n\s*\Z")
"""What stands above a block whose output differs from run to run, or that no test can run: it says why."""
PROGRAMS = (
    "kubectl|helm|managed-databases|make|docker|kind|export|python|curl|git|openssl|cosign|sha256sum|sed|for|"
    "PYTHONPATH=\\S+"
)
GROUPS = (f"{GROUP}/", "apps/", "rbac.authorization.k8s.io/")
STARTS = re.compile(rf"(?:{PROGRAMS})\b")


@dataclass(frozen=True)
class Command:
    text: str
    told: str = ""
    """What the page shows as its output; empty where the page shows none."""


@dataclass(frozen=True)
class Block:
    heading: str
    line: int
    language: str
    text: str
    illustration: str = ""

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """With prompts each command has its output; a block without output may leave the prompts out."""
        if re.search(r"^\$ ", self.text, re.MULTILINE):
            return tuple(_prompted(self.text.splitlines()))
        if self.language in ("sh", "bash") or (not self.language and STARTS.match(self.text)):
            return tuple(Command(each) for each in _commands(self.text.splitlines()))
        return ()

    @cached_property
    def manifests(self) -> list[dict[str, Any]]:
        """The whole resources of this operator's kinds, and of Kubernetes' own; a part of one may be no document by itself."""
        if self.language != "yaml":
            return []
        try:
            found = [each for each in yaml.safe_load_all(self.text) if isinstance(each, dict)]
        except yaml.YAMLError:
            return []
        return [each for each in found if str(each.get("apiVersion", "")).startswith(GROUPS) and "kind" in each]


def blocks(path: Path) -> Iterator[Block]:
    page = path.read_text()
    for found in FENCED.finditer(page):
        before, indent = page[: found.start()], len(found["indent"])
        mark = ILLUSTRATION.search(before)
        text = "".join(
            line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in found["text"].splitlines(True)
        )
        yield Block(
            ([""] + HEADING.findall(FENCED.sub("", before)))[-1],
            before.count("\n") + 1,
            found["language"],
            text,
            mark[1] if mark else "",
        )


def _prompted(lines: list[str]) -> Iterator[Command]:
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        if not line.startswith("$ "):
            continue
        text = line[2:]
        while not _is_whole(text):
            text += "\n" + rest.pop(0)
        told: list[str] = []
        while rest and not rest[0].startswith("$ "):
            told.append(rest.pop(0))
        yield Command(text, "\n".join(told).strip())


def _commands(lines: list[str]) -> Iterator[str]:
    text = ""
    for line in lines:
        text = f"{text}\n{line}" if text else line
        if text.strip() and _is_whole(text):
            yield text
            text = ""
    assert not text.strip(), text


def _is_whole(text: str) -> bool:
    """Whether the shell would ask for no further line."""
    if text.rstrip().endswith(("\\", "|", "&&", "||")):
        return False
    try:
        words = [word.strip(";") for word in shlex.split(text, comments=True)]
    except ValueError:
        return False
    return words.count("do") == words.count("done")
