"""The files that a forge reads: CI and pre-commit run what `make` runs, and nobody is named who does not exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parent.parent
MAKEFILE = (TOP / "Makefile").read_text()
WORKFLOWS = sorted((TOP / ".github/workflows").glob("*.yaml"))
FORMS = sorted(path for path in (TOP / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def make_targets() -> set[str]:
    """The targets that `make help` lists."""
    return set(re.findall(r"^([a-z0-9-]+):.*## ", MAKEFILE, re.MULTILINE))


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def test_a_workflow_runs_make_targets_and_nothing_else() -> None:
    commands = [step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step]
    assert [command for command in commands if not re.fullmatch(r"make [a-z0-9-]+", command)] == []
    run = {command.removeprefix("make ") for command in commands}
    assert run <= make_targets()
    assert run >= {"check", "test", "mutants", "e2e", "chaos", "audit"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_runs_no_code_of_others_that_can_change(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (.*)", workflow.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v[\d.]+", each)] == []


def test_help_lists_every_target() -> None:
    declared = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(declared[0].split()) == make_targets()
    assert re.search(r"grep -hE '\^\[a-z0-9-\]\+:", MAKEFILE), "the pattern of `make help` takes names with digits"


def test_pre_commit_runs_what_check_runs() -> None:
    check = MAKEFILE.partition("\ncheck:")[2].partition("\n\n")[0]
    commands = re.findall(r"@\$\(BIN\)/(.*)", check)
    (local,) = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in local["hooks"]]
    assert entries == [command.removesuffix(" .") for command in commands]


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_an_issue_form_can_be_filled_in(form: Path) -> None:
    told = yaml.safe_load(form.read_text())
    assert {"name", "description", "labels", "body"} == set(told)
    asked = [field for field in told["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in asked} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert len({field["id"] for field in asked}) == len(asked)
    assert all(field["attributes"]["label"] for field in asked)


def test_no_owner_is_invented_and_what_is_owned_exists() -> None:
    """A line that is not a comment would name somebody: none may be named by this file alone."""
    lines = (TOP / ".github/CODEOWNERS").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)
    owned = [line.removeprefix("#").split()[0] for line in lines if line.endswith("@ORGANIZATION/TEAM")]
    assert "*" in owned
    assert [path for path in owned if not (path == "*" or (TOP / path.lstrip("/")).exists())] == []


def test_the_dev_container_is_made_ready_by_make() -> None:
    container = json.loads((TOP / ".devcontainer/devcontainer.json").read_text())
    assert container["postCreateCommand"].endswith("make .venv/ready")
    assert "$(VENV)/ready: pyproject.toml" in MAKEFILE
    major, minor = re.findall(r":(\d+)\.(\d+)$", container["image"])[0]
    assert f"python:{major}.{minor}-slim" in (TOP / "Dockerfile").read_text(), "the same Python as the image's"


def test_ci_needs_nothing_outside_of_the_repository() -> None:
    """`.ci/run` takes prebuilt programs from beside it where they lie there, and names no other place outside."""
    script = (TOP / ".ci/run").read_text()
    shortcut = re.search(r"^if \[\[ .*? -x (\.\./\S+) \]\]; then\n(.*?)^fi$", script, re.MULTILINE | re.DOTALL)
    assert shortcut
    assert shortcut[1] in shortcut[2]
    rest = script.replace(shortcut[0], "").replace('cd "$(dirname "$0")/.."', "")
    assert re.findall(r"\.\./\S*|(?<![\w.$}])/(?!dev/null|usr/bin/env)(?:\w+/)+\w+", rest) == []
