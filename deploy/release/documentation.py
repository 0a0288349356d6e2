"""The documentation's site of the version, as an archive."""

import os
import tempfile
from pathlib import Path

from image.sources import NOW
from pages.__main__ import build
from release.archives import write_archive
from release.programs import Failed


def make_documentation(source: Path, version: str, into: Path) -> dict[str, str]:
    """Build the site of `source`, and return what each file is. Raises Failed, also for a warning of the build."""
    name = f"docs-{version}"
    os.environ["SOURCE_DATE_EPOCH"] = str(NOW)
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        site = Path(folder, name)
        if ended := build(source, site):
            raise Failed(f"the documentation could not be built: mkdocs ended with {ended}")
        paths = sorted(path for path in site.rglob("*") if path.is_file())
        write_archive(into / f"{name}.tar.gz", ((str(path.relative_to(folder)), path) for path in paths))
    return {f"{name}.tar.gz": "the documentation as a site: open `index.html`, or let a web server serve it"}
