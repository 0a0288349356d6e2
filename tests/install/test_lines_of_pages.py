"""The lines that install or upgrade the operator, as the pages show them: each runs the image that was pushed."""

import re
import shlex
from collections.abc import Iterator

import pytest
import yaml

from install.helm import OPERATOR, find_helm
from install.kubectl import TOP
from managed_databases.controlplane.releases import KUBE_VERSION
from release.programs import run
from test_docs import FENCED, PAGES

IMAGE = "registry.example.com/managed-databases-operator"
KEEPS = "--reset-then-reuse-values"
CHARTS = {"helm/managed-databases-operator", "managed-databases-operator-VERSION.tgz"}
OF_NO_USE_WITHOUT_A_CLUSTER = {"--install", "--create-namespace", KEEPS}
HISTORY = {"CHANGELOG.md"}


def lines() -> Iterator[tuple[str, list[str]]]:
    """Yield each page and each of its lines by which Helm installs or upgrades the operator, as words."""
    for page in PAGES:
        for block in FENCED.findall(page.read_text()):
            for line in re.sub(r" \\\n\s*", " ", block).splitlines():
                if re.match(r" *(\$ )?helm (upgrade|install) ", line):
                    words = shlex.split(line.lstrip(" $"))
                    if CHARTS & {*words}:
                        yield str(page.relative_to(TOP)), words


LINES = list(lines())


def test_there_are_such_lines() -> None:
    assert {page for page, _ in LINES} >= {"README.md", "docs/installing.md", "docs/security.md", "docs/releasing.md"}
    assert len(LINES) >= 8


@pytest.mark.parametrize(("page", "words"), LINES, ids=lambda each: " ".join(each) if isinstance(each, list) else each)
def test_the_image_is_the_one_that_was_pushed(page: str, words: list[str]) -> None:
    given = [
        each.replace("sha256:...", f"sha256:{'0' * 64}") for each in words if each not in OF_NO_USE_WITHOUT_A_CLUSTER
    ]
    program, verb, name, chart, *rest = [str(TOP / each) if each.startswith("deploy/") else each for each in given]
    assert (program, verb, chart in CHARTS) == ("helm", "upgrade", True), page
    before = [f"--set=image.repository={IMAGE}"] if KEEPS in words else []
    command = [find_helm(), "template", name, str(OPERATOR), f"--kube-version={KUBE_VERSION}", *before, *rest]
    made = [each for each in yaml.safe_load_all(run(command)) if each]
    (deployment,) = [each for each in made if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert re.split("[:@]", container["image"])[0] == IMAGE
    assert deployment["metadata"]["namespace"] == "managed-databases-system"


def test_nobody_is_told_to_apply_the_base_whose_image_has_no_registry() -> None:
    told = [str(page.relative_to(TOP)) for page in PAGES if re.search(r"apply (\S+ )*-k deploy/base", page.read_text())]
    assert [page for page in told if page not in HISTORY] == []
