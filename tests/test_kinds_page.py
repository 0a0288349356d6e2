"""The generated page of the kinds tells what every field means."""

import re

import yaml

from managed_databases.kinds.registry import kinds
from managed_databases.kinds_page import kinds_page


def test_every_field_has_a_meaning() -> None:
    inside_table, bare, section = False, [], ""
    for line in kinds_page().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if line.startswith("| field |"):
            inside_table = True
        elif not line.startswith("|"):
            inside_table = False
        elif inside_table and not line.startswith("|--") and line.endswith("|  |"):
            bare.append(f"{section}: {line}")
    assert not bare, "give these a Field(description=...)"


def test_every_kind_has_an_example_with_more_than_it_needs() -> None:
    page = kinds_page()
    for kind in kinds().values():
        section = page.partition(f"\n## {kind.name}\n")[2].partition("\n## ")[0]
        (text,) = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        manifest = yaml.safe_load(text)
        assert manifest["kind"] == kind.name
        spec = kind.spec.model_validate(manifest["spec"])
        assert len(spec.model_fields_set) > 3, kind.name
