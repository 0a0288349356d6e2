"""What mkdocs calls while it makes the site: adds what pages link to, and turns the repository's links into the site's."""

import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "deploy"))

from pages import links


def on_files(files: Any, config: Any) -> Any:
    """Add what is outside of docs/: other pages, files that are linked to, and a list for each folder that is."""
    from mkdocs.structure.files import File

    inside = [str(path.relative_to(TOP)) for path in sorted((TOP / links.DOCS).rglob("*.md"))]
    texts = links.linked([links.FIRST, *inside], TOP)
    schemas = {str(path.relative_to(TOP)) for path in (TOP / links.SCHEMAS).glob("*.json")}
    wanted = schemas | set(texts) | {target for path, text in texts.items() for target in links.targets(text, path)}
    for folder in sorted(path for path in wanted if (TOP / path).is_dir()):
        place = links.on_site(folder, TOP)
        files.append(File.generated(config, place, content=links.listing(folder, TOP)))
        if folder != links.ADRS:
            wanted |= {str(path.relative_to(TOP)) for path in (TOP / folder).rglob("*") if path.is_file()}
    for path in sorted(wanted):
        if (TOP / path).is_file() and not path.startswith(f"{links.DOCS}/") and "__pycache__" not in path:
            files.append(File.generated(config, links.on_site(path, TOP), abs_src_path=str(TOP / path)))
    return files


def on_post_build(config: Any, **_: Any) -> None:
    """Remove the page for what is not there: its links begin at the server's root, where below VERSION/ nothing of them is."""
    Path(config["site_dir"], "404.html").unlink(missing_ok=True)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    source = Path(page.file.abs_src_path).resolve() if page.file.abs_src_path else None
    if source is None:  # a list of files, whose links are right
        return markdown
    path = source.relative_to(TOP).as_posix()
    return links.as_mkdocs_reads_it(links.with_links_of_the_site(markdown, path, TOP))
