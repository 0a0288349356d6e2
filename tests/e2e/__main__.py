"""`python -m e2e PYTEST_ARGUMENTS...`: the end-to-end tests, on kind's nodes where they can be had, else on local ones.

Says which it took. Exit codes: pytest's own; 77 when neither can be had, with the reasons.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from e2e.kind import KIND_VARIABLE, NoKind, kind_cluster
from e2e.operator_image import archive_path, describe
from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from managed_databases.controlplane.node import private_machine, requirements
from managed_databases.controlplane.node.__main__ import CANNOT_RUN
from managed_databases.controlplane.releases import CONTROL_PLANE_PROGRAMS, NODE_PROGRAMS

# A step on a busy machine may take minutes; the waits of the tests themselves end before that.
PYTEST = [sys.executable, "-m", "pytest", "-n", "0", "-m", "e2e", "-o", "faulthandler_timeout=900", "tests/e2e"]


def main(arguments: list[str]) -> int:
    archive = archive_path()
    if not archive.is_file():
        say(f"there is no image of the operator at {archive}: make image")
        return CANNOT_RUN
    say(f"the operator's image: {describe(archive)}")
    try:
        with tempfile.TemporaryDirectory() as folder, kind_cluster(Path(folder), say) as cluster:
            asyncio.run(find_binaries(say, CONTROL_PLANE_PROGRAMS))
            say(f"the nodes are kind's, in {cluster.engine}")
            environment = os.environ | {KIND_VARIABLE: json.dumps(asdict(cluster))}
            return subprocess.run([*PYTEST, *arguments], env=environment, check=False).returncode
    except NoKind as error:
        say(f"not on kind: {error}")
    if reasons := requirements.missing():
        for reason in reasons:
            say(f"not on local nodes: {reason}")
        return CANNOT_RUN
    try:
        for programs in (CONTROL_PLANE_PROGRAMS, NODE_PROGRAMS):  # they may come from different folders
            asyncio.run(find_binaries(say, programs))
    except BinariesMissing as error:
        say(str(error))
        return CANNOT_RUN
    say("the nodes are local ones: kubelet and containerd on a private machine")
    return private_machine.run([*PYTEST, *arguments])


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
