"""Helm on the charts of this checkout, as people use it."""

import asyncio
import json
import logging
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from install.kubectl import TOP, Kubectl, Manifest
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.controlplane.releases import KUBE_VERSION
from managed_databases.kube.generated_files import CHART

log = logging.getLogger(__name__)

RELEASE = "mdo"
OPERATOR = TOP / CHART
PROJECTS = TOP / "helm/managed-databases-projects"
REPOSITORY = "registry.example.com/operator"
RELEASED = TOP / "tests/install/released/managed-databases-operator-0.1.0.tgz"
"""The last released chart, as it was packaged then; before the first release an early one, with projects in its values."""

Done = subprocess.CompletedProcess[str]


@cache
def find_helm() -> str:
    """Return the program, found or made as every other. Raises BinariesMissing."""
    return str(asyncio.run(find_binaries(log.info, ("helm",))) / "helm")


def run_helm(
    verb: str, namespace: str, values: dict[str, Any], *arguments: str, chart: Path = OPERATOR, release: str = RELEASE
) -> Done:
    command = [find_helm(), verb, release, str(chart), f"--namespace={namespace}", "--values=-", *arguments]
    return subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)


def with_image(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with an image's name, which the operator's chart asks for, unless they say something of it."""
    image = values.get("image", {})
    return values if image is None or "repository" in image else values | {"image": {"repository": REPOSITORY} | image}


def template(
    values: dict[str, Any], *arguments: str, namespace: str = "ops", chart: Path = OPERATOR, release: str = RELEASE
) -> Done:
    """Without a cluster."""
    values = with_image(values) if chart == OPERATOR else values
    return run_helm(
        "template", namespace, values, f"--kube-version={KUBE_VERSION}", *arguments, chart=chart, release=release
    )


def render(
    values: dict[str, Any], *arguments: str, namespace: str = "ops", chart: Path = OPERATOR, release: str = RELEASE
) -> list[Manifest]:
    """Return what the chart makes of `values`. Raises AssertionError with Helm's complaint when it refuses them."""
    done = template(values, *arguments, namespace=namespace, chart=chart, release=release)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def upgrade(
    kubectl: Kubectl,
    namespace: str,
    values: dict[str, Any],
    *arguments: str,
    chart: Path = OPERATOR,
    release: str = RELEASE,
) -> Done:
    """Install or upgrade, and say how it ended. What keeps values keeps the image, too."""
    if chart == OPERATOR and not {"--reuse-values", "--reset-then-reuse-values"} & {*arguments}:
        values = with_image(values)
    access = f"--kubeconfig={kubectl.kubeconfig}"
    usual = ("--install", "--create-namespace", access, *arguments)
    return run_helm("upgrade", namespace, values, *usual, chart=chart, release=release)


def install(
    kubectl: Kubectl,
    namespace: str,
    values: dict[str, Any],
    *arguments: str,
    chart: Path = OPERATOR,
    release: str = RELEASE,
) -> str:
    """Install or upgrade; return the notes that Helm prints. Raises AssertionError with Helm's complaint."""
    done = upgrade(kubectl, namespace, values, *arguments, chart=chart, release=release)
    assert done.returncode == 0, done.stderr
    return done.stdout


def helm(kubectl: Kubectl, namespace: str, *arguments: str) -> str:
    command = [find_helm(), *arguments, f"--namespace={namespace}", f"--kubeconfig={kubectl.kubeconfig}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def uninstall(kubectl: Kubectl, namespace: str, release: str = RELEASE) -> str:
    return helm(kubectl, namespace, "uninstall", release)
