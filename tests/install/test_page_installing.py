"""What a reader of README.md, docs/installing.md and docs/operating.md types to install, on a bare API server."""

import shutil
from pathlib import Path

import pytest
import yaml

from install.helm import find_helm
from install.kubectl import Kubectl
from page_shell import PageShell, walk
from typed_pages import TOP, blocks

REGISTRY = "it takes a container engine and a registry (test_image.py, make e2e)"
ACCOUNT = "it takes an account in a cloud"
OPERATOR = "test_page_command_line.py"
PERSON = "test_headline_commands.py"


@pytest.fixture
def helm() -> Path:
    return Path(find_helm())


async def test_what_is_typed_to_install(fresh: Kubectl, helm: Path, tmp_path: Path) -> None:
    for name in ("shop", "reports", "monitoring"):
        fresh("create", "namespace", name)
    for name in ("helm", "crds"):
        (tmp_path / name).symlink_to(TOP / name)
    shutil.copytree(TOP / "deploy/base", tmp_path / "deploy/base")
    texts = {each.text.partition("\n")[0]: each.text for each in blocks(TOP / "docs/installing.md")}
    (tmp_path / "deploy/mine").mkdir()
    (tmp_path / "deploy/mine/kustomization.yaml").write_text(texts["# kustomization.yaml"])
    (tmp_path / "projects.yaml").write_text(texts["# projects.yaml"])
    (tmp_path / "root.crt").write_text("-----BEGIN CERTIFICATE-----\n")

    async def no_project_by_hand(shell: PageShell) -> None:
        fresh("delete", "databaseproject", "team")

    programs = f"{fresh.program.parent}:{helm.parent}"
    config = {"KUBECONFIG": str(fresh.kubeconfig), "KUBECACHEDIR": str(tmp_path / "cache")}
    async with PageShell(tmp_path, {"OVERLAY": "deploy/mine"}, programs=programs, **config) as shell:
        of_readme = await walk(
            "README.md",
            shell,
            left_out={
                "make demo": "half a minute; a person sees it at work",
                "make test": "it is these tests",
            },
            elsewhere=dict.fromkeys(
                ("kubectl get databases", "kubectl wait", "kubectl delete manageddatastore"), PERSON
            ),
        )
        of_installing = await walk(
            "docs/installing.md",
            shell,
            apply=True,
            left_out={
                "make image": REGISTRY,
                "docker": REGISTRY,
                "kubectl get dbproject": ACCOUNT,
                "managed-databases release": "it asks a person",
            },
            elsewhere={"kubectl delete crd": OPERATOR},
            before={"helm upgrade --install managed-databases-projects": no_project_by_hand},
        )
        fresh.apply((TOP / "tests/install/monitoring-crds.yaml").read_text())
        of_operating = await walk("docs/operating.md", shell, left_out={}, headings=["Who may read the metrics"])
    (container,) = yaml.safe_load(
        fresh("get", "deployment", "-n", "managed-databases-system", "-o", "yaml",
              "managed-databases-managed-databases-operator")
    )["spec"]["template"]["spec"]["containers"]  # fmt: skip
    assert container["image"].startswith("registry.example.com/managed-databases-operator")
    assert [len(each.run) for each in (of_readme, of_installing, of_operating)] == [1, 16, 2]
