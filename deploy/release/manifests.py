"""What is installed without Helm: one file of CustomResourceDefinitions, one of the operator, and what GitOps tools need."""

import json
import re
import shutil
from pathlib import Path
from typing import Final

import yaml

from managed_databases.kube.generated_files import definition_names
from release.archives import write_folders
from release.charts import check_image
from release.programs import Failed, run

SCHEMA_OF_VALUES: Final = Path(__file__).parents[2] / "helm/managed-databases-operator/values.schema.json"
IMAGE: Final = "managed-databases-operator"
ARGOCD: Final = {
    "argocd-cm.yaml": "Argo CD's health checks, for Argo CD by manifests: `kubectl patch configmap argocd-cm --patch-file`",
    "values.yaml": "the same for the chart `argo-cd`",
}
SCHEMA: Final = "manageddatabases-schema.json"
OBSERVED: Final = {"alerts.yaml": "a file of alert rules for Prometheus", "dashboard.json": "the Grafana dashboard"}


class BadRepository(Exception):
    """No image can have that name; the text says why."""


def check_repository(repository: str | None) -> None:
    """Raises BadRepository unless the chart would take it, too. None is for an image that nodes have already."""
    properties = json.loads(SCHEMA_OF_VALUES.read_text())["properties"]["image"]["properties"]
    if repository is not None and not (repository and re.fullmatch(properties["repository"]["pattern"], repository)):
        raise BadRepository(f"{repository!r} is no repository of an image: lower case, without scheme, tag and digest")


def make_manifests(kubectl: Path, source: Path, version: str, repository: str | None, into: Path) -> dict[str, str]:
    """Write them for the image of `repository`, and return what each file is. Raises Failed, also when one is not right."""
    definitions = run([kubectl, "kustomize", source / "crds"])
    (into / "crds.yaml").write_text(definitions)
    _check_definitions(definitions)
    installed = run([kubectl, "kustomize", _overlay(source, repository, version)])
    (into / "install.yaml").write_text(installed)
    image = f"{repository or IMAGE}:{version}"
    check_image(yaml.safe_load_all(installed), image, "install.yaml")
    whose = "" if repository else ", which has no registry: put it on each node, or name another by an overlay"
    files = {
        "crds.yaml": "the CustomResourceDefinitions and their policies, for `kubectl apply --server-side -f`",
        "install.yaml": f"the operator with the image `{image}`{whose}, for `kubectl apply -f` after `crds.yaml`",
    }
    for name, what in ARGOCD.items():
        target = name if name.startswith("argocd-") else f"argocd-{name}"
        shutil.copyfile(source / "deploy/argocd" / name, into / target)
        files[target] = what
    for name, what in OBSERVED.items():
        shutil.copyfile(source / "helm/managed-databases-operator/files" / name, into / name)
        files[name] = what
    shutil.copyfile(source / "crds/schemas/all.json", into / SCHEMA)
    files[SCHEMA] = "the JSON schema of all kinds, for editors and for checks without a cluster"
    bundles = {
        f"schemas-{version}.tar.gz": (("crds/schemas",), "a JSON schema for each kind, and the one for all"),
        f"kustomize-{version}.tar.gz": (
            ("crds", "deploy/base", "deploy/restart-workloads", "deploy/services"),
            "bases and components for overlays of your own",
        ),
        f"examples-{version}.tar.gz": (("deploy/examples",), "examples, also for Argo CD and Flux (`gitops`)"),
    }
    for name, (folders, what) in bundles.items():
        write_folders(into / name, source, folders)
        files[name] = what
    return files


def _overlay(source: Path, repository: str | None, version: str) -> Path:
    """deploy/base with the image where it will be."""
    if repository is None:
        return source / "deploy/base"
    folder = source / "deploy/released"
    folder.mkdir()
    overlay = {"resources": ["../base"], "images": [{"name": IMAGE, "newName": repository, "newTag": version}]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return folder


def _check_definitions(text: str) -> None:
    found = {
        each["metadata"]["name"] for each in yaml.safe_load_all(text) if each["kind"] == "CustomResourceDefinition"
    }
    if found != (wanted := definition_names()):
        raise Failed(f"crds.yaml has the definitions {sorted(found)} instead of {sorted(wanted)}")
