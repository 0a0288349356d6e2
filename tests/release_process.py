"""`managed-databases release` as people run it."""

import asyncio
import sys
from dataclasses import dataclass

from cluster import Cluster


@dataclass
class Ended:
    code: int
    said: str


async def release(cluster: Cluster | None, *arguments: str) -> Ended:
    """As the administrator of `cluster`; None: without a kubeconfig."""
    where = ("--kubeconfig", str(cluster.kubeconfig)) if cluster else ()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "managed_databases", "release", *where, *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode())
