"""The operator as people install it, and what they apply first."""

from typing import Any, Final

from e2e.operator_image import REPOSITORY
from e2e.operator_pods import NAMESPACE, RELEASE
from e2e.real_cluster import RealCluster
from e2e.waiting import until
from install.kubectl import TOP, Kubectl

CHART: Final = str(TOP / "helm/managed-databases-operator")
QUICKSTART: Final = TOP / "deploy/examples/quickstart.yaml"
RESTRICTED: Final = {"pod-security.kubernetes.io/enforce": "restricted"}


def install_chart(cluster: RealCluster) -> str:
    """`helm install --wait`; return what it prints. The nodes have the image already, so its name has no registry."""
    image = f"--set=image.repository={REPOSITORY}"
    return cluster.run_helm("install", RELEASE, CHART, f"--namespace={NAMESPACE}", image, "--wait", "--timeout=4m")


def until_ready(kubectl: Kubectl) -> None:
    """Wait until every resource of the category `databases` in the namespace `default` is Ready."""

    def all_ready() -> bool:
        found = kubectl.get("databases", "--namespace=default")["items"]
        return bool(found) and all(_is_ready(each) for each in found)

    until("the resources are Ready", all_ready, lambda: kubectl("get", "databases", "--all-namespaces"))


def _is_ready(resource: dict[str, Any]) -> bool:
    conditions = resource.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
