"""However the owner of a control plane ends, its processes and its folder go."""

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.processes import Processes, ProcessFailed

# A shell that starts the tests in the background has them, and all that they start, ignore SIGINT.
LISTEN_TO_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"

TWO_SLEEPERS = """
    import asyncio
    from managed_databases.controlplane.processes import Processes

    async def main():
        processes = Processes()
        await processes.open()
        try:
            for name in ("one", "two"):
                await processes.start(name, ["sh", "-c", "sleep 1000; : $0", str(processes.folder)])
            print(processes.folder, flush=True)
            await asyncio.sleep(1000)
        finally:
            await processes.close()

    asyncio.run(main())
"""

WHOLE_CONTROL_PLANE = """
    import asyncio, sys
    from pathlib import Path
    from managed_databases.controlplane.cluster import ControlPlane

    async def main():
        async with ControlPlane(Path(sys.argv[1]), controller_manager=True) as plane:
            print(plane.folder, flush=True)
            await asyncio.sleep(1000)

    asyncio.run(main())
"""


def left_of(folder: str) -> tuple[list[str], bool]:
    """Return the processes whose command line names the folder, and whether it exists."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if folder in line], Path(folder).exists()


async def until_there_are(processes: int, folder: str) -> None:
    """Wait until so many processes run in a folder; with none, until the folder is gone as well."""
    left: tuple[list[str], bool] | None = None
    try:
        async with asyncio.timeout(60):
            while left is None or (len(left[0]), left[1]) != (processes, processes > 0):
                await asyncio.sleep(0.05)
                left = await asyncio.to_thread(left_of, folder)
    except TimeoutError:
        pytest.fail(f"{processes} processes expected in {folder}, found {left}")


@asynccontextmanager
async def owner(script: str, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a script in a process of its own; yields it and the folder that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LISTEN_TO_CTRL_C + textwrap.dedent(script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(150):
            folder = (await process.stdout.readline()).decode().strip()
        assert folder, "the owner ended before it had anything"
        yield process, folder
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_when_the_owner_is_killed(number: signal.Signals) -> None:
    async with owner(TWO_SLEEPERS) as (process, folder):
        await until_there_are(2, folder)
        process.send_signal(number)
        await process.wait()
        await until_there_are(0, folder)


@pytest.mark.story
async def test_when_the_owner_of_a_whole_control_plane_is_killed(control_plane: ControlPlane) -> None:
    async with owner(WHOLE_CONTROL_PLANE, str(control_plane.binaries.resolve())) as (process, folder):
        await until_there_are(3, folder)
        process.kill()
        await process.wait()
        await until_there_are(0, folder)


async def test_when_a_block_ends_with_an_exception(control_plane: ControlPlane) -> None:
    async def fails(plane: ControlPlane) -> None:
        async with plane:
            raise RuntimeError("on purpose")

    plane = ControlPlane(control_plane.binaries)
    with pytest.raises(RuntimeError, match="on purpose"):
        await fails(plane)
    assert left_of(str(plane.folder)) == ([], False)


async def test_when_a_program_ends_at_its_start_its_log_is_told(tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).write_text("#!/bin/sh\necho no room left on $0\nexit 3\n")
        (tmp_path / name).chmod(0o755)
    plane = ControlPlane(tmp_path)
    with pytest.raises(ProcessFailed, match=r"ended with 3\. The end of its log:\nno room left on "):
        async with plane:
            pytest.fail("it cannot have started")
    assert not plane.folder.exists()


async def test_when_a_program_is_not_there(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path)
    with pytest.raises(ProcessFailed, match="No such file"):
        async with plane:
            pytest.fail("it cannot have started")
    assert not plane.folder.exists()


async def test_a_killed_process_can_be_started_again() -> None:
    processes = Processes()
    await processes.open()
    try:
        first = await processes.start("sleeper", ["sleep", "1000"])
        await processes.check_runs("sleeper")
        await processes.kill("sleeper")
        await processes.kill("sleeper")
        with pytest.raises(ProcessFailed, match="sleeper ended"):
            await processes.check_runs("sleeper")
        assert await processes.start("sleeper", ["sleep", "1000"]) != first
        await processes.check_runs("sleeper")
    finally:
        await processes.close()
    await processes.close()
    with pytest.raises(ProcessFailed, match="not running"):
        await processes.start("sleeper", ["sleep", "1000"])


async def test_a_keeper_that_is_gone_is_told() -> None:
    processes = Processes()
    await processes.open()
    assert processes._keeper is not None
    processes._keeper.terminate()
    await asyncio.to_thread(processes._keeper.wait)
    assert not processes.folder.exists()
    with pytest.raises(ProcessFailed, match="keeper is gone"):
        await processes.start("sleeper", ["sleep", "1000"])
    await processes.close()
