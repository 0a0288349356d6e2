"""Links that lead somewhere on a forge, made to lead to the same on the site. Standard library only.

Pages in docs/ are pages of the site under the same names. Every other file of the repository that a page links to is on the site
below `repository/`; a folder is there as a page that lists its files; README.md is the site's first page.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DOCS: Final = "docs"
FIRST: Final = "README.md"
PLACE: Final = "repository"
ADRS: Final = "docs/adr"
SCHEMAS: Final = "crds/schemas"
"""On the site at an address that editors can be told: schemas/all.json."""

LINK: Final = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
FENCE: Final = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


def on_site(path: str, top: Path) -> str:
    """Return where a file or folder of the repository is on the site; both as paths from the top."""
    if path == FIRST:
        return "index.md"
    if path == ADRS:
        return "adr/index.md"
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    if path == SCHEMAS or path.startswith(f"{SCHEMAS}/"):
        on_it = path.removeprefix("crds/")
        return f"{on_it}/index.md" if path == SCHEMAS else on_it
    return f"{PLACE}/{path}/index.md" if (top / path).is_dir() else f"{PLACE}/{path}"


def targets(text: str, path: str) -> Iterator[str]:
    """Yield the files and folders of the repository that the page at `path` links to."""
    for part in _prose(text):
        for link in LINK.finditer(part):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(path), link[1]))


def linked(tops: list[str], top: Path) -> dict[str, str]:
    """Return the texts of all pages: those in `tops`, and those outside of docs/ that one of them leads to, and so on."""
    texts: dict[str, str] = {}
    left = list(tops)
    while left:
        path = left.pop()
        if path not in texts and path.endswith(".md") and (top / path).is_file():
            texts[path] = (top / path).read_text()
            left += targets(texts[path], path)
    return texts


def with_links_of_the_site(text: str, path: str, top: Path) -> str:
    """Return the page with each link as it is on the site."""
    here = posixpath.dirname(on_site(path, top))

    def lead(link: re.Match[str]) -> str:
        target = on_site(posixpath.normpath(posixpath.join(posixpath.dirname(path), link[1])), top)
        return posixpath.relpath(target, here or ".") + (link[2] or "")

    return "".join(LINK.sub(lead, part) if not FENCE.fullmatch(part) else part for part in _parts(text))


def as_mkdocs_reads_it(text: str) -> str:
    """Return the page with what belongs to an item of a numbered list indented by four blanks: forges are content with three."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    in_items = re.compile(r"^   (?=\S| )", re.MULTILINE)
    return "".join(part if part.startswith("```") else in_items.sub("    ", part) for part in parts)


def listing(folder: str, top: Path) -> str:
    """Return a page that lists the files of a folder."""
    paths = sorted(path for path in (top / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    names = [str(path.relative_to(top / folder)) for path in paths]
    return f"# {folder}\n\n" + "".join(f"- [{name}]({name})\n" for name in names)


def _parts(text: str) -> list[str]:
    """Code blocks and what is between them."""
    return FENCE.split(text)


def _prose(text: str) -> Iterator[str]:
    yield from (re.sub("`[^`]*`", "", part) for part in _parts(text) if not FENCE.fullmatch(part))
