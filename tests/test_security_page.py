"""docs/security.md and docs/reference/access.md leave no kind, right or policy out."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import Access, AccessRule, access

TOP = Path(__file__).parent.parent
PAGE = (TOP / "docs/security.md").read_text()
RIGHTS = access(kinds().values())


@pytest.mark.parametrize("place", [each.name for each in fields(Access)])
def test_each_right_says_why_and_what_it_is_good_for_in_other_hands(place: str) -> None:
    rules: tuple[AccessRule, ...] = getattr(RIGHTS, place)
    silent = [(rule.resources, rule.verbs) for rule in rules if not rule.why or not rule.misuse]
    assert silent == []


def test_each_place_of_rights_is_shown() -> None:
    page = (TOP / "docs/reference/access.md").read_text()
    assert page.count("\n## ") == len(fields(Access))


def test_it_says_what_writing_each_kind_means() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE)
    assert set(kinds()) <= set(re.findall(r"`(\w+)`", " ".join(rows)))


def test_it_names_each_policy_and_no_other() -> None:
    paths = [*(TOP / "crds").glob("*.yaml"), TOP / "deploy/base/policies.yaml"]
    documents = [each for path in paths for each in yaml.safe_load_all(path.read_text())]
    names = {each["metadata"]["name"] for each in documents if each["kind"] == "ValidatingAdmissionPolicy"}
    plurals = "|".join(kind.plural for kind in kinds().values())
    installed = {re.sub(rf"-({plurals})\.", "-KINDS.", name) for name in names}
    section = PAGE.partition("## Admission policies\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)) == installed


def test_the_hardened_files_are_those_that_it_applies() -> None:
    section = PAGE.partition("## A hardened installation\n")[2].partition("\n## ")[0]
    applied = set(re.findall(r"deploy/examples/hardened/([\w-]+\.yaml)", section))
    assert applied == {path.name for path in (TOP / "deploy/examples/hardened").glob("*.yaml")}


def test_it_says_how_to_report_without_addresses_and_people() -> None:
    page = (TOP / "SECURITY.md").read_text()
    assert "private vulnerability reporting" in page
    assert re.findall(r"\S+@\S+|https?://", page) == []
