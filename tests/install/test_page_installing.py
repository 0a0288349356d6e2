"""What a reader of README.md and of docs/installing.md, operating.md and security.md types to install, on a bare API server."""

import json
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
DIGEST = f"sha256:{'0' * 64}"
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
    (tmp_path / "deploy/examples").symlink_to(TOP / "deploy/examples")
    texts = {each.text.partition("\n")[0]: each.text for each in blocks(TOP / "docs/installing.md")}
    (tmp_path / "deploy/mine").mkdir()
    (tmp_path / "deploy/mine/kustomization.yaml").write_text(texts["# kustomization.yaml"])
    (tmp_path / "projects.yaml").write_text(texts["# projects.yaml"])
    (tmp_path / "root.crt").write_text("-----BEGIN CERTIFICATE-----\n")

    async def no_project_by_hand(shell: PageShell) -> None:
        fresh("delete", "databaseproject", "team")

    async def quotas_are_counted(shell: PageShell) -> None:
        """As the controller of quotas does it, which does not run here; from then on the API server counts."""
        for quota in fresh.get("resourcequotas", "-A")["items"]:
            hard = quota["spec"]["hard"]
            status = json.dumps({"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}})
            name, namespace = quota["metadata"]["name"], quota["metadata"]["namespace"]
            fresh("patch", "quota", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", status)

    async def no_project_but_its_file(shell: PageShell) -> None:
        """As in an installation that begins with these commands."""
        fresh("delete", "databaseproject", "team")
        fresh("delete", "secret", "-n", "managed-databases-system", "team-credentials")
        (tmp_path / "team.env").write_text(
            "OS_AUTH_URL=https://cloud.example.com/v3\nOS_USERNAME=robot\nOS_PASSWORD=secret\n"
        )

    programs = f"{fresh.program.parent}:{helm.parent}"
    config = {"KUBECONFIG": str(fresh.kubeconfig), "KUBECACHEDIR": str(tmp_path / "cache")}
    async with PageShell(
        tmp_path, {"OVERLAY": "deploy/mine", "sha256:...": DIGEST}, programs=programs, **config
    ) as shell:
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
        of_security = await walk(
            "docs/security.md",
            shell,
            left_out={},
            before={
                "helm upgrade --install": quotas_are_counted,
                "kubectl -n managed-databases-system create secret": no_project_but_its_file,
            },
        )
    (container,) = yaml.safe_load(
        fresh("get", "deployment", "-n", "managed-databases-system", "-o", "yaml",
              "managed-databases-managed-databases-operator")
    )["spec"]["template"]["spec"]["containers"]  # fmt: skip
    assert container["image"] == f"registry.example.com/managed-databases-operator@{DIGEST}"
    (secret,) = fresh.get(
        "secrets", "-n", "managed-databases-system", "--field-selector=metadata.name=team-credentials"
    )["items"]
    assert secret["metadata"]["annotations"]["manageddatabases.io/projects"] == "team"
    assert fresh.get("databaseproject", "team")["spec"]["projectID"] == "0123456789abcdef0123456789abcdef"
    assert [len(each.run) for each in (of_readme, of_installing, of_operating, of_security)] == [1, 16, 2, 5]
