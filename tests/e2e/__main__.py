"""`python -m e2e PYTEST_ARGUMENTS...`: the end-to-end tests, on kind's nodes where they can be had, else on local ones.

Says which it took. `--prepare` only gets what can be had within a few minutes, and builds no programs. Exit codes: pytest's
own; 77 when nodes or the operator's image cannot be had, with the reasons.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from e2e.kind import KIND_VARIABLE, KindHandle, NoKind, kind_cluster, why_no_kind
from e2e.operator_image import IMAGE_VARIABLE, archive_path, describe
from install.kubectl import TOP
from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from managed_databases.controlplane.node import private_machine, requirements
from managed_databases.controlplane.node.__main__ import CANNOT_RUN
from managed_databases.controlplane.releases import CONTROL_PLANE_PROGRAMS, NODE_PROGRAMS

# A step on a busy machine may take minutes; the waits of the tests themselves end before that.
PYTEST = [sys.executable, "-m", "pytest", "-n", "0", "-m", "e2e", "tests/e2e"]
PYTEST += ["-o", "faulthandler_timeout=900", "-o", "cache_dir=.pytest_cache/e2e"]
PREPARE = "--prepare"


def main(arguments: list[str]) -> int:
    try:
        if arguments == [PREPARE]:
            return prepare()
        if not image_is_there():
            return CANNOT_RUN
        asyncio.run(find_binaries(say, CONTROL_PLANE_PROGRAMS))
        say(f"the operator's image: {describe(archive_path())}")
        try:
            with tempfile.TemporaryDirectory() as folder, kind_cluster(Path(folder), say) as cluster:
                return on_kind(cluster, arguments)
        except NoKind as error:
            say(f"not on kind: {error}")
        return on_local_nodes(arguments)
    except BinariesMissing as error:
        say(str(error))
        return CANNOT_RUN


def on_kind(cluster: KindHandle, arguments: list[str]) -> int:
    say(f"the nodes are kind's, in {cluster.engine}")
    environment = os.environ | {KIND_VARIABLE: json.dumps(asdict(cluster))}
    return subprocess.run([*PYTEST, *arguments], env=environment, check=False).returncode


def on_local_nodes(arguments: list[str]) -> int:
    """Raises BinariesMissing."""
    if not can_be_local():
        return CANNOT_RUN
    asyncio.run(find_binaries(say, NODE_PROGRAMS))  # they may come from another folder than the control plane's
    say("the nodes are local ones: kubelet and containerd on a private machine")
    return private_machine.run([*PYTEST, *arguments])


def prepare() -> int:
    """Raises BinariesMissing."""
    if why_no_kind():
        if not can_be_local():
            return CANNOT_RUN
        asyncio.run(find_binaries(say, NODE_PROGRAMS, may_build=False))
    return 0 if image_is_there() else CANNOT_RUN


def can_be_local() -> bool:
    reasons = requirements.missing()
    for reason in reasons:
        say(f"not on local nodes: {reason}")
    return not reasons


def image_is_there() -> bool:
    """Have the image that $E2E_IMAGE names, or make this checkout's; it is not made again when nothing changed."""
    if IMAGE_VARIABLE in os.environ:
        if archive_path().is_file():
            return True
        say(f"there is no {IMAGE_VARIABLE}={archive_path()}")
        return False
    environment = os.environ | {"PYTHONPATH": str(TOP / "deploy")}
    return subprocess.run([sys.executable, "-m", "image"], cwd=TOP, env=environment, check=False).returncode == 0


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # asyncio has ended what it was building
        sys.exit(128 + signal.SIGINT)
