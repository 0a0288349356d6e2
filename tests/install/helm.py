"""Helm on the chart of this checkout, as people use it."""

import asyncio
import json
import logging
import subprocess
from functools import cache
from typing import Any

import yaml

from install.kubectl import TOP, Kubectl, Manifest
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.kube.generated_files import CHART

log = logging.getLogger(__name__)

RELEASE = "mdo"
PROJECTS_KNOWN = ("--api-versions=manageddatabases.io/v1alpha1/DatabaseProject",)


@cache
def find_helm() -> str:
    """Return the program, found or made as every other. Raises BinariesMissing."""
    return str(asyncio.run(find_binaries(log.info, ("helm",))) / "helm")


def run_helm(verb: str, namespace: str, values: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [find_helm(), verb, RELEASE, str(TOP / CHART), f"--namespace={namespace}", "--values=-", *arguments]
    return subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)


def template(values: dict[str, Any], *arguments: str, namespace: str = "ops") -> subprocess.CompletedProcess[str]:
    return run_helm("template", namespace, values, "--kube-version=1.36.3", *arguments)


def render(values: dict[str, Any], *arguments: str, namespace: str = "ops") -> list[Manifest]:
    """Return what the chart makes of `values`. Raises AssertionError with Helm's complaint when it refuses them."""
    done = template(values, *arguments, namespace=namespace)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def install(kubectl: Kubectl, namespace: str, values: dict[str, Any]) -> str:
    """Install or upgrade; return the notes that Helm prints."""
    access = f"--kubeconfig={kubectl.kubeconfig}"
    done = run_helm("upgrade", namespace, values, "--install", "--create-namespace", access)
    assert done.returncode == 0, done.stderr
    return done.stdout


def uninstall(kubectl: Kubectl, namespace: str) -> None:
    command = [find_helm(), "uninstall", RELEASE, f"--namespace={namespace}", f"--kubeconfig={kubectl.kubeconfig}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
