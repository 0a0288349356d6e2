"""The operator's Pod fits the strictest Pod Security Standard, as the API server itself judges it."""

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml

from install.helm import render
from install.kubectl import TOP, Kubectl, Manifest, kubectl_for
from managed_databases.controlplane.cluster import ControlPlane

pytestmark = pytest.mark.story

NAMESPACE = "restricted"
VALUES: list[dict[str, Any]] = [{}, {"leaderElection": False, "replicas": 1}]


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """An administrator's kubectl, and a namespace that enforces `restricted`."""
    kubectl = kubectl_for(control_plane)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kubectl.apply(
        json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    )
    return kubectl


def pod_of(manifests: list[Manifest]) -> Manifest:
    """The Pod that the Deployment among them would make; Deployments themselves are only warned about."""
    (deployment,) = [each for each in manifests if each["kind"] == "Deployment"]
    template = deployment["spec"]["template"]
    metadata = template["metadata"] | {"name": "operator", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def dry_run(kubectl: Kubectl, pod: Manifest) -> None:
    name = pod["spec"]["serviceAccountName"]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
    kubectl.apply(json.dumps(account))
    kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", given=json.dumps(pod))


@pytest.mark.parametrize("values", VALUES, ids=["elected", "alone"])
def test_the_charts_pod_is_restricted(kubectl: Kubectl, values: dict[str, Any]) -> None:
    dry_run(kubectl, pod_of(render(values, namespace=NAMESPACE)))


def test_the_bases_pod_is_restricted(kubectl: Kubectl) -> None:
    dry_run(kubectl, pod_of(list(yaml.safe_load_all(kubectl("kustomize", str(TOP / "deploy/base"))))))


def test_a_pod_with_one_right_more_is_refused(kubectl: Kubectl) -> None:
    """Else the namespace enforces nothing, and the tests above prove nothing."""
    pod = pod_of(render({}, namespace=NAMESPACE))
    dry_run(kubectl, pod)
    lax = deepcopy(pod)
    lax["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    complaint = kubectl.refused("create", "--dry-run=server", "-f", "-", given=json.dumps(lax))
    assert "violates PodSecurity" in complaint
    assert "allowPrivilegeEscalation" in complaint


def test_the_image_runs_as_the_user_that_the_pod_names() -> None:
    """Without a number in the image, runAsNonRoot alone could not be checked by the kubelet."""
    users = [line.split()[1] for line in (TOP / "Dockerfile").read_text().splitlines() if line.startswith("USER ")]
    asked = pod_of(render({}, namespace=NAMESPACE))["spec"]["securityContext"]
    assert users[-1] == f"{asked['runAsUser']}:{asked['runAsGroup']}"
