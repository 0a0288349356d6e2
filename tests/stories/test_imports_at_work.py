"""The image leaves out packages that the operator does not import: an operator at work imports no more than was checked."""

import re
import sys
from pathlib import Path

import pytest

from image import imported, packages
from operator_process import OperatorProcess
from stories.pace import FAST
from stories.test_least_rights import everything
from stories.world import World

SETTINGS = {**FAST, "leader_election": True, "lease_seconds": 5}


NOT_NEEDED = (
    *("kubernetes/client", "kubernetes/config", "kubernetes/dynamic", "kubernetes/stream", "kubernetes/aio/stream"),
    *("managed_databases/controlplane", "managed_databases/demo", "managed_databases/sandbox"),
    *("aiokafka", "aiomysql", "asyncpg", "pymysql"),  # until somebody asks for a probe
    *("anyio", "oauthlib", "pygments", "requests", "requests_oauthlib", "rich", "starlette"),
    *("urllib3", "uvicorn", "websocket"),
)
"""Packages that an operator does not use, and that would take a fifth of its memory."""


class TellingImports(OperatorProcess):
    """Its log has a line for each module that it imports, when it does."""

    def _command(self) -> list[str]:
        python, *rest = super()._command()
        return [python, "-X", "importtime", *rest]


def files_of(log: str) -> set[str]:
    """Return the modules of a log as files of site-packages, packages left aside."""
    names = re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", log, re.MULTILINE)
    return {f"{name.replace('.', '/')}.py" for name in names}


@pytest.mark.parametrize("world", [{"settings": SETTINGS}], indirect=True, ids=["elected"])
async def test_an_operator_at_work_imports_nothing_that_is_left_out(world: World) -> None:
    kubeconfig = await world.cluster.service_account(world.system, "operator")
    world.operator = TellingImports(kubeconfig, world.operator.log, **world.operator.settings)
    await everything(world)
    asked = files_of(world.operator.log.read_text())
    assert {"kubernetes/aio/client/rest.py", "managed_databases/kube/operator.py", "kopf/on.py"} <= asked
    # The log names a package itself also where the import of it has failed.
    assert [file for file in asked if file.startswith(tuple(f"{name}/" for name in NOT_NEEDED))] == []
    site = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    known = [Path(file) for file in imported.modules().values()]
    kept = frozenset(str(file.relative_to(site)) for file in known if file.is_relative_to(site))
    assert [file for file in asked if packages.is_left_out(file, kept)] == []
