"""The documentation site: its order names every page, and links lead to the same as on a forge. `make docs` itself is strict."""

import re
from pathlib import Path

import pytest

from pages import hooks, links

TOP = Path(__file__).parent.parent


def test_the_order_of_the_site_has_every_page_once() -> None:
    nav = (TOP / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    named = re.findall(r": ([\w/.-]+\.md)$", nav, re.MULTILINE)
    pages = {links.on_site(str(path.relative_to(TOP)), TOP) for path in (TOP / "docs").rglob("*.md")}
    assert len(named) == len(set(named))
    assert {page for page in pages if not page.startswith(("adr/", "reference/reasons/"))} <= set(named)
    outside = {name for name in named if name not in pages}
    assert outside == {"index.md", "adr/index.md"} | {name for name in outside if name.startswith("repository/")}
    assert all((TOP / name.removeprefix("repository/")).is_file() for name in outside if name.startswith("repository/"))


@pytest.mark.parametrize(
    ("page", "link", "on_site"),
    [
        ("README.md", "docs/using.md#resize", "using.md#resize"),
        ("README.md", "CONTRIBUTING.md", "repository/CONTRIBUTING.md"),
        ("README.md", "docs/adr", "adr/index.md"),
        ("README.md", "crds/schemas/all.json", "schemas/all.json"),
        ("README.md", "deploy/argocd", "repository/deploy/argocd/index.md"),
        ("docs/using.md", "secrets.md", "secrets.md"),
        ("docs/using.md", "../README.md#install", "index.md#install"),
        ("docs/reference/kinds.md", "../using.md#resize", "../using.md#resize"),
        ("docs/adr/0001-requirements-lock.md", "../../deploy/image", "../repository/deploy/image/index.md"),
        ("CONTRIBUTING.md", "docs/developing.md#style", "../developing.md#style"),
        ("CONTRIBUTING.md", "LICENSE", "LICENSE"),
        ("docs/using.md", "https://example.com/a.md", "https://example.com/a.md"),
        ("docs/using.md", "#resize", "#resize"),
    ],
)
def test_a_link_leads_to_the_same_on_the_site(page: str, link: str, on_site: str) -> None:
    assert links.with_links_of_the_site(f"see [this]({link})\n", page, TOP) == f"see [this]({on_site})\n"


def test_code_has_no_links_and_is_left_alone() -> None:
    text = "```\n[a](b.md)\n   three\n```\n1. one\n\n   ```\n   code\n   ```\n"
    assert links.with_links_of_the_site(text, "docs/using.md", TOP) == text
    assert list(links.targets(text, "docs/using.md")) == []
    wanted = "```\n[a](b.md)\n   three\n```\n1. one\n\n    ```\n    code\n    ```\n"
    assert links.as_mkdocs_reads_it(text) == wanted


def test_what_a_page_outside_of_the_docs_leads_to_is_on_the_site_as_well() -> None:
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} <= links.linked(["README.md"], TOP).keys()


def test_the_first_page_begins_with_a_picture_of_the_whole() -> None:
    picture = (TOP / "README.md").read_text().partition("\n```\n")[2].partition("\n```\n")[0]
    for part in (
        "people",
        "Git",
        "Kubernetes",
        "ManagedDatastore",
        "operator",
        "Databases API",
        "Secret",
        "applications",
    ):
        assert part in picture
    assert max(map(len, picture.splitlines())) <= 90, "else one has to scroll on the site"


def test_the_site_has_no_page_whose_links_begin_at_the_root_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text('<link href="/assets/main.css">')
    (tmp_path / "index.html").write_text('<link href="assets/main.css">')
    hooks.on_post_build({"site_dir": str(tmp_path)})
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
