"""The pages that people read: their manifests are valid, their links lead somewhere, and nothing is left out."""

import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.reference_pages import KINDS, pages
from managed_databases.settings import Settings

TOP = Path(__file__).parent.parent
PAGES = [*sorted(TOP.glob("*.md")), *sorted((TOP / ".github").glob("*.md")), *sorted((TOP / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
SOURCES = "operator/managed_databases"
SUFFIXES = "py|md|yaml|yml|toml|json|lock"
TOPS = "benchmarks|crds|deploy|docs|helm|operator|tests"
RELEASED = {
    "crds.yaml",
    "install.yaml",
    "manageddatabases-schema.json",
    "index.yaml",
    "versions.json",
    "argocd-values.yaml",
    "NOTES.md",
}
PEOPLES_OWN = {
    ".vscode/settings.json",
    "settings.json",
    "demo-state.json",
    "faults.json",
    "sbom.cdx.json",
    "uv.lock",
    *RELEASED,
}
"""Names of files that people give, or that are made elsewhere."""


def manifests(page: Path) -> Iterator[Any]:
    """Yield each full manifest of ours."""
    for block in BLOCK.findall(page.read_text()):
        for manifest in yaml.safe_load_all(block):
            if str(manifest.get("apiVersion", "")).startswith(f"{GROUP}/"):
                yield manifest


def unknown_fields(model: type[BaseModel], value: Any, path: str) -> Iterator[str]:
    """Yield the fields of `value` that the model does not have: the models themselves ignore these."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    yield from (f"{path}.{name}" for name in value if name not in names)
    for name, field in model.model_fields.items():
        inner, given = inside(field.annotation), value.get(field.alias or name)
        if inner is not None and given is not None:
            for each in given if isinstance(given, list) else [given]:
                yield from unknown_fields(inner, each, f"{path}.{field.alias or name}")


def inside(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    arguments = getattr(annotation, "__args__", ())
    return next((found for each in arguments if (found := inside(each)) is not None), None)


EXAMPLES = [each for each in sorted((TOP / "deploy/examples").rglob("*.yaml")) if each.parent.name != "templates"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_no_example_has_two_objects_of_one_name(path: Path) -> None:
    """The later one would take the place of the earlier one, without a word."""
    objects = [each for each in yaml.safe_load_all(path.read_text()) if isinstance(each, dict) and "metadata" in each]
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert sorted(set(names), key=str) == sorted(names, key=str)


@pytest.mark.parametrize("name", ["using.md", "installing.md", "recipes.md"])
def test_every_manifest_is_valid(name: str) -> None:
    found = list(manifests(TOP / "docs" / name))
    assert found
    for manifest in found:
        assert manifest["apiVersion"] == f"{GROUP}/{VERSION}"
        kind = kinds()[manifest["kind"]]
        assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
        assert not list(unknown_fields(kind.spec, manifest["spec"], kind.name))
        kind.spec.model_validate(manifest["spec"])


def test_a_misspelt_field_would_be_found() -> None:
    spec = {"datastoreRef": {"nam": "x"}, "access": [{"patternTyp": "all"}], "databas": []}
    found = set(unknown_fields(kinds()["DatabaseUser"].spec, spec, "spec"))
    assert found == {"spec.databas", "spec.datastoreRef.nam", "spec.access.patternTyp"}


def test_using_shows_every_kind_that_people_write_beside_the_project() -> None:
    shown = {manifest["kind"] for manifest in manifests(TOP / "docs/using.md")}
    assert shown == set(kinds()) - {"DatabaseProject"}


def test_every_setting_is_explained() -> None:
    page = (TOP / "docs/operating.md").read_text()
    section = page.partition("## Settings\n")[2].partition("\n## ")[0]
    explained = {
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall("`(.*?)`", row)
    }
    assert explained - {"MANAGED_DATABASES_..."} == {name.upper() for name in Settings.model_fields}


def test_the_reference_tells_every_kind_and_field() -> None:
    page = pages()[KINDS]
    for kind in kinds().values():
        assert f"\n## {kind.name}\n" in page
        for name, field in kind.spec.model_fields.items():
            assert f"`{field.alias or name}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub("`[^`]*`", "", FENCED.sub("", page.read_text()))  # a pattern may look like a link
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def files() -> frozenset[str]:
    """Every file of the repository and every folder, by each tail of its path: `a/b.py`, and `b.py`."""
    tails: set[str] = set()
    for folder, folders, names in os.walk(TOP):
        folders[:] = [name for name in folders if name in (".github", ".ci", ".devcontainer") or name[0] not in "._"]
        for name in (*names, *folders):
            parts = (Path(folder) / name).relative_to(TOP).parts
            tails.update("/".join(parts[start:]) for start in range(len(parts)))
    return frozenset(tails)


def named_files(text: str) -> Iterator[str]:
    """Yield what a page names as a file or folder of the repository: in backticks, and in the commands of its blocks."""
    for quoted in re.findall("`([^`\n]+)`", FENCED.sub("", text)):
        if re.fullmatch(rf"\.?\w[\w./-]*\.({SUFFIXES})|({TOPS})/[\w./-]*", quoted):
            yield quoted.rstrip("/")
    for block in FENCED.findall(text):
        yield from (path.rstrip("./") for path in re.findall(rf"(?<![\w./-])(?:{TOPS})/[\w./-]+", block))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_named_file_exists(page: Path) -> None:
    if page.name == "CHANGELOG.md" or page.parent.name == "adr":  # they tell what was so, and what others have
        return
    named = {name for name in named_files(page.read_text()) if not re.search("NAME|VERSION", name)}
    assert {name for name in named if name not in files() and Path(name).name not in PEOPLES_OWN} == set()


def test_a_file_that_is_not_there_would_be_found() -> None:
    text = "see `kinds/kafka_topics.py`\n```\n$ kubectl apply -f deploy/examples/nothing.yaml\n```\n"
    named = list(named_files(text))
    assert named == ["kinds/kafka_topics.py", "deploy/examples/nothing.yaml"]
    assert not set(named) & files()


def test_every_decision_is_listed_in_its_order() -> None:
    page = (TOP / "docs/developing.md").read_text()
    decisions = sorted((TOP / "docs/adr").glob("*.md"))
    titles = [path.read_text().partition("\n")[0].removeprefix("# ") for path in decisions]
    assert [title[:4] for title in titles] == [path.name[:4] for path in decisions]
    wanted = [f"- [{title}](adr/{path.name})" for title, path in zip(titles, decisions, strict=True)]
    assert re.findall(r"^- \[\d{4} .*\]\(adr/.*\)$", page, re.MULTILINE) == wanted


@pytest.mark.parametrize("name", ["code-tour.md", "architecture.md"])
def test_every_named_function_is_in_its_file(name: str) -> None:
    """`reconcile/act/actor.py` (`_change`) and `reconcile/act/actor.py`: `_create` both say that the file has the function."""
    text = " ".join((TOP / "docs" / name).read_text().split())
    said = re.findall(r"`([\w/]+\.py)`(?: \(|: )((?:`[\w.]+`(?:, )?)+)", text)
    assert said or name != "code-tour.md"
    for path, functions in said:
        source = (TOP / SOURCES / path).read_text()
        for function in re.findall(r"`(?:\w+\.)?(\w+)`", functions):
            assert re.search(rf"\b(def|class) {function}\b", source), f"{path} has no {function}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`|\$ )make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets


def test_the_picture_of_the_folders_is_what_the_import_linter_holds() -> None:
    (contract,) = [
        each
        for each in tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        if each.get("containers") == ["managed_databases.reconcile"]
    ]
    section = (TOP / "docs" / "architecture.md").read_text().partition("### The folders of `reconcile/`")[2]
    drawn = [re.split(r"  +", line)[0] for line in section.split("```")[1].strip().splitlines()]
    assert drawn == [layer.replace(" | ", ", ") for layer in contract["layers"]]


def test_a_first_change_writes_the_files_that_contributing_shows() -> None:
    """Its step 3 changes a description, which these files have."""
    shown = re.findall(r"^wrote (\S+)$", (TOP / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    described = "Partitions can only be added."
    generated = [path for folder in ("crds", "helm", "docs/reference") for path in (TOP / folder).rglob("*.*")]
    having = [path for path in generated if path.is_file() and described in " ".join(path.read_text().split())]
    assert sorted(shown) == sorted(str(path.relative_to(TOP)) for path in having)
