"""A world for each story; the CRDs and admission policies are installed once for all stories."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cluster import Cluster
from definitions import install_crds_once
from stories.guarding import guard_statuses
from stories.world import World


@pytest_asyncio.fixture
async def installed(cluster: Cluster) -> Cluster:
    await install_crds_once(cluster)
    await guard_statuses(cluster)
    return cluster


@pytest_asyncio.fixture
async def world(installed: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Parametrize indirectly with a dict of World's fields to change them; the operator is not started yet."""
    async with World(installed, tmp_path, **getattr(request, "param", {})) as world:
        yield world
