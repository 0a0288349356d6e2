"""The sites of several versions stand side by side, and `latest` leads to the newest."""

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from pages import site_versions
from pages.site_versions import NoSite

TOP = Path(__file__).parent.parent
BUILDS = os.environ.get("CI") or (TOP / ".cache/pages/installed.lock").exists()
"""Where `make docs` has run before, or has to work."""


def site(folder: Path, text: str) -> Path:
    (folder / "reference").mkdir(parents=True)
    (folder / "index.html").write_text(text)
    (folder / "reference/kinds.html").write_text(text)
    folder.chmod(0o700)
    return folder


def listed(folder: Path) -> dict[str, list[str]]:
    return {each["version"]: each["aliases"] for each in json.loads((folder / "versions.json").read_text())}


def test_two_versions_stand_side_by_side_and_latest_is_the_newest(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    for version in ("1.9.0", "1.10.0"):
        site_versions.add(docs, version, site(tmp_path / version, version))
    assert list(listed(docs).items()) == [("1.10.0", ["latest"]), ("1.9.0", [])]
    for folder, text in (("1.9.0", "1.9.0"), ("1.10.0", "1.10.0"), ("latest", "1.10.0")):
        assert (docs / folder / "reference/kinds.html").read_text() == text
        assert (docs / folder).stat().st_mode & 0o777 == 0o755
    assert re.findall(r'(?:url|href)="?=?([^">]+)', (docs / "index.html").read_text()) == ["latest/index.html"] * 2


def test_a_correction_of_an_old_version_does_not_become_the_latest(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    for number, version in enumerate(("2.0.0", "1.9.1", "1.9.1")):
        site_versions.add(docs, version, site(tmp_path / str(number), f"{version}, {number}"))
    assert listed(docs) == {"2.0.0": ["latest"], "1.9.1": []}
    assert (docs / "latest/index.html").read_text() == "2.0.0, 0"
    assert (docs / "1.9.1/index.html").read_text() == "1.9.1, 2"
    assert {path.name for path in docs.iterdir()} == {"2.0.0", "1.9.1", "latest", "versions.json", "index.html"}


def test_what_is_no_site_of_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSite, match="no version such as"):
        site_versions.add(tmp_path / "docs", "next", site(tmp_path / "a", ""))
    with pytest.raises(NoSite, match=r"no index\.html"):
        site_versions.add(tmp_path / "docs", "1.2.3", tmp_path)
    with pytest.raises(NoSite, match=r"no docs-VERSION\.tar\.gz"):
        site_versions.add_archive(tmp_path / "docs", tmp_path / "docs-1.2.3.zip")
    assert not (tmp_path / "docs").exists()


def test_the_archive_of_a_release_is_put_beside_the_others(tmp_path: Path) -> None:
    archive = tmp_path / "docs-1.2.3.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(site(tmp_path / "built", "1.2.3"), "docs-1.2.3")
    assert site_versions.add_archive(tmp_path / "docs", archive) == "1.2.3"
    assert (tmp_path / "docs/latest/index.html").read_text() == "1.2.3"


@pytest.mark.skipif(not BUILDS, reason="mkdocs is not installed: `make docs ARGS=build` does that")
def test_the_site_reads_the_list_of_versions(tmp_path: Path) -> None:
    """Strictly built, beside a newer one: the theme looks for ../versions.json, and each page knows its place in the newest."""
    docs = tmp_path / "docs"
    site_versions.add(docs, "99.0.0", site(tmp_path / "newer", "newer"))
    environment = {**os.environ, "PYTHONPATH": str(TOP / "deploy")}
    command = [sys.executable, "-m", "pages", "publish", str(docs)]
    done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (version,) = {*listed(docs)} - {"99.0.0"}
    assert listed(docs) == {"99.0.0": ["latest"], version: []}
    page = (docs / version / "reference/reasons/Gone.html").read_text()
    assert '"version": {"default": "latest", "provider": "mike"}' in page
    assert 'href="../../../latest/reference/reasons/Gone.html"' in page
    assert json.loads((docs / version / "schemas/all.json").read_text())["definitions"]
