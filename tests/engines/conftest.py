"""A sandbox with real servers, and a PostgreSQL datastore in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engines.at_hand import need
from engines.inside_postgresql import VERSION, Inside
from engines.real_sandbox import RealSandbox
from sandbox.account import new_datastore


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[RealSandbox]:
    need(f"postgresql-{VERSION}")
    async with RealSandbox(tmp_path) as sandbox:
        yield sandbox


@pytest.fixture
async def inside(sandbox: RealSandbox) -> Inside:
    return Inside(sandbox, await sandbox.make("datastores", new_datastore("postgresql", VERSION)))
