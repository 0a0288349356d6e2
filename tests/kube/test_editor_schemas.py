"""The JSON schemas for editors: they accept every manifest that we show, and what is misspelt they refuse."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kind_examples import examples_of
from kube.full_specs import FULL
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.kube.editor_schemas import ALL, API_VERSION, schema_files

TOP = Path(__file__).parents[2]
SCHEMAS = TOP / "crds/schemas"
TEMPLATE = re.compile(r"\$\{\w+\}|\{\{ \.")
"""What Flux and Helm replace: only then are these files manifests."""

EXAMPLES = sorted(
    path
    for path in (TOP / "deploy/examples").rglob("*.yaml")
    if f"apiVersion: {GROUP}/" in path.read_text() and not TEMPLATE.search(path.read_text())
)
PAGES = [path for path in sorted((TOP / "docs").rglob("*.md")) if f"apiVersion: {GROUP}/" in path.read_text()]
MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S+)$", re.MULTILINE)
BLOCK = re.compile(r"^ *```yaml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

NEVER_NULL = ("nodeCount",)
"""The API server itself reads it, for `kubectl scale`, and refuses a null."""

Manifest = dict[str, Any]


@cache
def checker(name: str) -> Any:
    return jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / name).read_text()))


def troubles(manifest: Manifest, schema: str = ALL.name) -> list[str]:
    return [error.message for error in checker(schema).iter_errors(manifest)]


def own(kind: str) -> str:
    return f"{kind.lower()}_{VERSION}.json"


def manifest(kind: str, spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "main"}, "spec": spec}


def test_there_is_one_for_each_kind_and_one_for_all() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == {own(kind) for kind in kinds()} | {"all.json"}
    assert {SCHEMAS / path.name for path in schema_files(kinds().values())} == {*SCHEMAS.iterdir()}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(TOP)))
def test_each_example_is_valid_and_names_its_schema(path: Path) -> None:
    text = path.read_text()
    for each in yaml.safe_load_all(text):
        assert not troubles(each)
        if each["apiVersion"] == API_VERSION:
            assert not troubles(each, own(each["kind"]))
    (named,) = MODELINE.findall(text)
    assert (path.parent / named).resolve() == SCHEMAS / "all.json"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_each_manifest_of_the_pages_is_valid(page: Path) -> None:
    found = [each for each in of_page(page) if each.get("apiVersion") == API_VERSION and "spec" in each]
    for each in found:
        assert not troubles(each), each


def of_page(page: Path) -> Iterator[Manifest]:
    for block in BLOCK.findall(page.read_text()):
        if f"apiVersion: {GROUP}/" in block:
            yield from yaml.safe_load_all(block)


def test_pages_with_manifests_are_found() -> None:
    assert {"using.md", "installing.md", "recipes.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_field_is_known_also_without_a_value(kind: str) -> None:
    for spec in FULL[kind]:
        assert not troubles(manifest(kind, spec), own(kind))
    required = {*json.loads((SCHEMAS / own(kind)).read_text())["properties"]["spec"].get("required", ()), *NEVER_NULL}
    for spec in FULL[kind]:
        assert not troubles(manifest(kind, {name: spec[name] if name in required else None for name in spec}))


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_what_is_misspelt_is_refused(kind: str) -> None:
    right = manifest(kind, dict(FULL[kind][0]))
    assert not troubles(right)
    for path in ([], ["spec"]):
        wrong = copy.deepcopy(right)
        place = wrong
        for part in path:
            place = place[part]
        place["speck"] = {}
        for schema in ("all.json", own(kind)):
            assert any("'speck'" in told or '"speck"' in told for told in troubles(wrong, schema))


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("a field deep inside", {"flavor": {"vcpu": 2}}),
        ("a value that is none of them", {"deletionPolicy": "Keep"}),
        ("a number as a text", {"nodeCount": "three"}),
        ("a number that is too small", {"nodeCount": 0}),
        ("a text where a list belongs", {"firewall": "192.0.2.0/24"}),
        ("an id that is none", {"subnetID": "mine"}),
    ],
)
def test_what_no_datastore_can_have_is_refused(why: str, change: dict[str, Any]) -> None:
    datastore = examples_of("ManagedDatastore")[0]
    assert not troubles(datastore)
    assert troubles(datastore | {"spec": datastore["spec"] | change}), why


def test_what_is_not_ours_is_left_alone() -> None:
    assert not troubles({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "stringData": {"a": "b"}})
    assert not troubles({"apiVersion": "apps/v1", "kind": "ManagedDatastore", "spec": {"anything": True}})


def test_a_kind_that_we_do_not_have_is_refused() -> None:
    assert troubles({"apiVersion": API_VERSION, "kind": "ManagedDatabas", "metadata": {"name": "x"}, "spec": {}})


def test_rules_of_the_api_server_are_told() -> None:
    topic = json.loads((SCHEMAS / own("KafkaTopic")).read_text())
    assert "give projectRef only with datastoreRef.id" in topic["properties"]["spec"]["description"]


def test_the_check_of_the_page_tells_what_the_page_says(tmp_path: Path) -> None:
    page = (TOP / "docs/using.md").read_text()
    section = page.partition("## Complete and check manifests in an editor\n")[2].partition("\n## ")[0]
    (example,), (program,) = (
        BLOCK.findall(section),
        re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL),
    )
    (command, told) = re.findall(r"^```console\n\$ python check.py (.*)\n(.*)\n```$", section, re.MULTILINE)[0]
    (tmp_path / "check.py").write_text(program)
    schema, file = TOP / command.split()[0], tmp_path / "topics.yaml"
    file.write_text(example)
    assert checked(tmp_path, schema, file) == (0, "\n")
    file.write_text(example.replace("partitions", "partitons"))
    assert checked(tmp_path, schema, file) == (1, f"{told}\n")


def checked(folder: Path, schema: Path, file: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, folder / "check.py", schema, file], capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.returncode, done.stdout
