"""A control plane with nothing of ours in it, for what installs and removes CRDs: these are everybody's."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from install.kubectl import Kubectl, kubectl_for
from managed_databases.controlplane.cluster import ControlPlane


@pytest.fixture
def fresh(control_plane: ControlPlane) -> Iterator[Kubectl]:
    """An administrator's kubectl of a control plane of the test's own."""
    plane = ControlPlane(control_plane.binaries, controller_manager=True)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, plane.__aenter__()).result()
        try:
            yield kubectl_for(plane)
        finally:
            thread.submit(asyncio.run, plane.__aexit__(None, None, None)).result()
