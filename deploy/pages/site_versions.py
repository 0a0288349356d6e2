"""The sites of several versions side by side in one folder, as any web server can serve it. Standard library only.

1.2.0/  1.3.0/      the site of each version; these addresses stay
latest/             the newest version once more
versions.json       what the site's choice of versions reads, in the form that mike has given it
index.html          leads to latest/
"""

import json
import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Final

LATEST: Final = "latest"
LIST: Final = "versions.json"
_FIRST_PAGE: Final = f"""\
<!doctype html>
<meta charset="utf-8">
<title>The newest version</title>
<meta http-equiv="refresh" content="0; url={LATEST}/index.html">
<a href="{LATEST}/index.html">The newest version</a>
"""


class NoSite(Exception):
    """This is no site of a version; the text says why."""


def add(folder: Path, version: str, site: Path) -> None:
    """Put the site of a version into the folder, in the place of one that the version had before. Raises NoSite."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise NoSite(f"{version!r} is no version such as 1.2.3")
    if not (site / "index.html").is_file():
        raise NoSite(f"{site} has no index.html")
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / version, site)
    versions = sorted(_there(folder), key=_number, reverse=True)
    _replace(folder / LATEST, folder / versions[0])
    listed = [{"version": each, "title": each, "aliases": [LATEST] if each == versions[0] else []} for each in versions]
    (folder / LIST).write_text(json.dumps(listed, indent=2) + "\n")
    (folder / "index.html").write_text(_FIRST_PAGE)


def add_archive(folder: Path, archive: Path) -> str:
    """Put the site of a release's `docs-VERSION.tar.gz` into the folder, and return the version. Raises NoSite."""
    found = re.fullmatch(r"docs-(.+)\.tar\.gz", archive.name)
    if found is None or not archive.is_file():
        raise NoSite(f"{archive} is no docs-VERSION.tar.gz of a release")
    with tempfile.TemporaryDirectory(prefix="docs-") as name, tarfile.open(archive) as packed:
        packed.extractall(name, filter="data")
        add(folder, found[1], Path(name, f"docs-{found[1]}"))
    return found[1]


def _replace(target: Path, site: Path) -> None:
    """Whoever reads meanwhile sees the old site, the new one, or for an instant none, and never parts of two."""
    new, old = (target.with_name(f".{target.name}.{each}") for each in ("new", "old"))
    for each in (new, old):
        shutil.rmtree(each, ignore_errors=True)
    shutil.copytree(site, new)
    new.chmod(0o755)  # that of a temporary folder is its owner's alone
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _there(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", path.name) and path.is_dir()]


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
