"""The local control plane that every story test shares: started once, by the first test that needs it."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from cluster import Cluster
from gitops import tools
from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.processes import ProcessFailed
from session import in_a_loop_of_its_own, teller

# The same examples each time, and as long as they take: a machine at work elsewhere must not fail a property.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "control_plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.story)


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """etcd, kube-apiserver and kube-controller-manager for the whole session; belongs to no event loop."""
    wanted = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
    try:
        binaries = in_a_loop_of_its_own(find_binaries(teller(request.config), wanted))
        plane = ControlPlane(binaries, controller_manager=True)
        in_a_loop_of_its_own(plane.__aenter__())
    except (BinariesMissing, ProcessFailed, TimeoutError) as error:
        pytest.fail(f"There is no control plane to test against.\n{error}", pytrace=False)
    try:
        yield plane
    finally:
        in_a_loop_of_its_own(plane.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def gitops_tools(request: pytest.FixtureRequest) -> Path:
    """The program with Flux's and Argo CD's libraries; `make gitops-tools` builds it beforehand."""
    if shutil.which("go") is None:
        teller(request.config)(tools.NO_GO)
        pytest.skip(tools.NO_GO)
    return tools.build()


@pytest_asyncio.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """The control plane with an administrator's rights, and the audit log from here on."""
    async with Cluster(control_plane) as cluster:
        yield cluster
