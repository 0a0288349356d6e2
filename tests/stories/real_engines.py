"""A world whose sandbox runs real servers, and what stories about them share."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from cluster import Cluster
from managed_databases.sandbox.servers.site import folder_of
from stories.provider_ca import NAME, provider_ca
from stories.world import World


@asynccontextmanager
async def world_with_engines(installed: Cluster, folder: Path, **told: Any) -> AsyncIterator[World]:
    """The project's `ca.crt` is the sandbox's; the operator is not started yet."""
    try:
        async with World(installed, folder, sandbox_arguments=("--engines",), **told) as world:
            async with httpx.AsyncClient(trust_env=False) as http:
                certificate = (await http.get(f"{world.sandbox.url}/sandbox/ca.crt")).text
            await world.cluster.apply(provider_ca(world, certificate))
            await world.apply(world.project_manifest(caCertificate=NAME))
            yield world
    finally:
        shutil.rmtree(folder_of(folder / "sandbox.json"), ignore_errors=True)
