"""`python -m managed_databases.controlplane`: have every program of a control plane and of its tests, however long it takes."""

import asyncio
import sys

from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from managed_databases.controlplane.releases import CONTROL_PLANE_PROGRAMS


def main() -> None:
    """Tell the progress on standard error, and end with 1 when a program cannot be had."""

    def tell(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    try:
        asyncio.run(find_binaries(tell, CONTROL_PLANE_PROGRAMS))
    except BinariesMissing as error:
        sys.exit(str(error))


main()
