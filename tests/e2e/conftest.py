"""What all end-to-end tests share: one cluster with nodes, and in it the sandbox, the operator and the quickstart."""

import base64
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio

from e2e import cloud as sandbox
from e2e import kind, operator_image
from e2e.installation import QUICKSTART, RESTRICTED, install_chart, until_ready
from e2e.kind import KIND_VARIABLE
from e2e.operator_pods import NAMESPACE, OperatorPods
from e2e.real_cluster import KindCluster, LocalCluster, RealCluster
from install.kubectl import Kubectl
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.controlplane.node import private_machine
from managed_databases.controlplane.node.cluster import NodeCluster
from managed_databases.controlplane.releases import CONTROL_PLANE_PROGRAMS, NODE_PROGRAMS
from session import in_a_loop_of_its_own, teller

STORY: Final = ("install", "application", "leader", "nodes", "upgrade", "uninstall")
"""The modules in the order of the story. Each can also run alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.parent == Path(__file__).parent]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
    ours.sort(key=lambda item: STORY.index(item.path.stem.removeprefix("test_")))
    items[:] = [item for item in items if item not in ours] + ours


@pytest.fixture(scope="session")
def real_cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Two nodes that run Pods and have the operator's image."""
    say = teller(request.config)
    binaries = in_a_loop_of_its_own(find_binaries(say, CONTROL_PLANE_PROGRAMS))
    images = operator_image.for_nodes(tmp_path_factory.mktemp("images"))
    if KIND_VARIABLE in os.environ:
        handle = kind.KindHandle(**json.loads(os.environ[KIND_VARIABLE]))
        kind.load(handle, images)
        kubectl = Kubectl(binaries / "kubectl", Path(handle.kubeconfig))
        yield KindCluster(kubectl, binaries / "helm", handle.workers, handle.engine)
        return
    assert private_machine.folder_here(), "these tests need a cluster of their own: make e2e"
    of_nodes = in_a_loop_of_its_own(find_binaries(say, NODE_PROGRAMS))
    local = NodeCluster(binaries, of_nodes, images, say=say)
    in_a_loop_of_its_own(local.__aenter__())
    images.unlink()
    try:
        yield LocalCluster(
            Kubectl(binaries / "kubectl", local.control_plane.kubeconfig),
            binaries / "helm",
            [node.name for node in local.nodes],
            {node.name: node.ctr_command() for node in local.nodes},
        )
    finally:
        in_a_loop_of_its_own(local.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def kubectl(real_cluster: RealCluster) -> Kubectl:
    return real_cluster.kubectl


@pytest.fixture(scope="session")
def sandbox_address(real_cluster: RealCluster) -> str:
    """The sandbox as a Deployment behind a Service; its address in the cluster."""
    return sandbox.install(real_cluster)


@pytest.fixture(scope="session")
def sandbox_api(real_cluster: RealCluster, sandbox_address: str) -> Iterator[str]:
    with sandbox.proxied(real_cluster.kubectl) as address:
        yield address


@pytest_asyncio.fixture
async def cloud(sandbox_api: str) -> AsyncIterator[sandbox.Cloud]:
    """The sandbox's own API."""
    async with httpx.AsyncClient(base_url=sandbox_api, timeout=60, trust_env=False) as http:
        yield sandbox.Cloud(http)


@pytest.fixture(scope="session")
def operator(real_cluster: RealCluster) -> OperatorPods:
    """The operator, installed by the chart with its defaults into a namespace that enforces `restricted`."""
    metadata = {"name": NAMESPACE, "labels": RESTRICTED}
    real_cluster.kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
    install_chart(real_cluster)
    return OperatorPods(real_cluster)


@pytest.fixture(scope="session")
def quickstart(operator: OperatorPods, sandbox_address: str) -> None:
    """The project's credentials and deploy/examples/quickstart.yaml, and all of it Ready."""
    kubectl = operator.kubectl
    data = {
        name: base64.b64encode(value.encode()).decode() for name, value in sandbox.credentials(sandbox_address).items()
    }
    # The sandbox speaks no TLS, and is not on the operator's own machine.
    annotations = {"manageddatabases.io/allow-insecure": "true"}
    metadata = {"name": "cloud-credentials", "namespace": NAMESPACE, "annotations": annotations}
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}))
    kubectl.apply(QUICKSTART.read_text())
    until_ready(kubectl)
