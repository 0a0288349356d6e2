"""The files that give Argo CD our health check: each way brings the one script for every kind."""

import subprocess
from pathlib import Path

import pytest
import yaml

from cluster import Cluster
from install.helm import find_helm
from managed_databases.gitops.argo_cd import FOLDER, HEALTH_LUA
from managed_databases.kinds.registry import GROUP, kinds

TOP = Path(__file__).parents[2]
WANTED = {f"resource.customizations.health.{GROUP}_{name}": HEALTH_LUA for name in kinds()}


async def test_kubectl_patches_what_argo_cd_has_already(cluster: Cluster) -> None:
    namespace = await cluster.namespace("argocd")
    metadata = {"name": "argocd-cm", "namespace": namespace}
    before = {
        "url": "https://argocd.example",
        "resource.customizations.health.cert-manager.io_Certificate": "return {}",
    }
    await cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": before})
    patch = str(TOP / FOLDER / "argocd-cm.yaml")
    await cluster.kubectl("patch", "configmap", "argocd-cm", "-n", namespace, "--patch-file", patch)
    found = await cluster.get("ConfigMap", "argocd-cm", namespace)
    assert found["data"] == before | WANTED


def test_helm_reads_the_values(tmp_path: Path) -> None:
    """With a chart that puts `configs.cm` into argocd-cm as argo-cd's own does."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: argo-cd, version: 1.0.0}")
    (tmp_path / "templates" / "argocd-cm.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n  {{- toYaml .Values.configs.cm | nindent 2 }}\n"
    )
    command = [find_helm(), "template", "argocd", str(tmp_path), "--values", str(TOP / FOLDER / "values.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert yaml.safe_load(done.stdout)["data"] == WANTED


@pytest.mark.parametrize("kind", kinds())
def test_argo_cds_own_layout(kind: str) -> None:
    folder = TOP / FOLDER / "resource_customizations" / GROUP / kind
    assert (folder / "health.lua").read_text() == HEALTH_LUA
    assert (folder / "health_test.yaml").is_file()
    assert {path.name for path in folder.iterdir()} == {"health.lua", "health_test.yaml", "testdata"}


def test_no_other_kind_is_there() -> None:
    """Of a kind that is no more nothing is left behind."""
    assert {path.name for path in (TOP / FOLDER / "resource_customizations" / GROUP).iterdir()} == {*kinds()}
