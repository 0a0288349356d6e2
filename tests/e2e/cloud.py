"""The sandbox in the cluster: a Deployment behind a Service, asked through the API server."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from e2e.operator_image import REPOSITORY, VERSION
from e2e.real_cluster import RealCluster
from install.kubectl import Kubectl, Manifest
from managed_databases.sandbox.projects import DEFAULT_REGION, DEFAULT_WORLD
from sandbox_process import SandboxAdmin

NAMESPACE: Final = "cloud"
PORT: Final = 8080
LABELS: Final = {"app": "sandbox"}


def manifests(node: str) -> list[Manifest]:
    """The sandbox, on one node: its objects live in its memory, and no drain may move it."""
    container = {
        "name": "sandbox",
        "image": f"{REPOSITORY}:{VERSION}",
        "imagePullPolicy": "IfNotPresent",
        "command": ["managed-databases", "sandbox", "--host=0.0.0.0", f"--port={PORT}", "--busy-children"],
        "ports": [{"containerPort": PORT}],
        "resources": {"requests": {"cpu": "200m"}},  # without it, it gets next to nothing on a busy machine
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    pod = {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [container]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "sandbox", "namespace": NAMESPACE},
            "spec": {
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "sandbox", "namespace": NAMESPACE},
            "spec": {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": PORT}]},
        },
    ]


def install(cluster: RealCluster) -> str:
    """Install it and wait until it is ready; return its address in the cluster (there may be no DNS)."""
    cluster.kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(cluster.nodes[0])}))
    cluster.kubectl("rollout", "status", "deployment/sandbox", f"--namespace={NAMESPACE}", "--timeout=240s")
    service = cluster.kubectl.get("service/sandbox", f"--namespace={NAMESPACE}")
    return f"http://{service['spec']['clusterIP']}"


def credentials(address: str) -> dict[str, str]:
    """Return the variables of the credentials' Secret, of the sandbox's first project."""
    project = DEFAULT_WORLD.projects[0]
    return {
        "OS_AUTH_URL": f"{address}/identity/v3",
        "OS_USERNAME": project.username,
        "OS_PASSWORD": project.password,
        "OS_USER_DOMAIN_NAME": project.domain,
        "INFRA_PROJECT_ID": project.id,
        "INFRA_REGION": DEFAULT_REGION,
    }


class Cloud(SandboxAdmin):
    """Its `/sandbox` API, through `kubectl proxy` and the API server's way to Services."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    def _asked(self) -> httpx.AsyncClient:
        return self._http

    async def names(self, collection: str) -> list[str]:
        """Return the names of all objects of a collection, sorted."""
        return sorted(str(each["name"]) for each in await self.objects(collection))

    async def changes(self) -> list[tuple[Any, Any]]:
        """Return method and path of all requests that were to change something."""
        asked = await self.requests(path="^/v1/")
        return [(each["method"], each["path"]) for each in asked if each["method"] != "GET"]


@contextmanager
def proxied(kubectl: Kubectl) -> Iterator[str]:
    """Run `kubectl proxy`; yield the address of the sandbox's own API behind it."""
    command = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"127\.0\.0\.1:\d+", line)
            assert found, f"kubectl proxy said: {line}"
            yield f"http://{found[0]}/api/v1/namespaces/{NAMESPACE}/services/sandbox:http/proxy/sandbox"
        finally:
            process.terminate()
