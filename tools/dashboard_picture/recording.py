"""Makes the picture of docs/observing.md: a Prometheus reads two replicas of the operator for eight minutes of `life.py`.

    PYTHONPATH=tests:. python -m tools.dashboard_picture.recording docs/pictures/dashboard.svg --prometheus PROGRAM

All runs on this machine. With `--keep FOLDER` logs and what Prometheus has stored stay there.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import yaml

from managed_databases.controlplane.commands import free_port
from tools.dashboard_picture.__main__ import draw
from tools.dashboard_picture.answers import STEP_SECONDS, Span
from tools.dashboard_picture.drawing import MINUTE
from tools.dashboard_picture.life import SYSTEM, stage

RECORDED_SECONDS: Final = 8 * MINUTE
START_SECONDS: Final = 60
END_SECONDS: Final = 30


def scraping(ports: Mapping[str, int]) -> str:
    """Return a configuration for Prometheus: each Pod has the labels that the chart's PodMonitor gives it, and ours win."""
    targets = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"pod": pod, "namespace": SYSTEM}} for pod, port in ports.items()
    ]
    job = {"job_name": "managed-databases-operator", "honor_labels": True, "static_configs": targets}
    every = {"scrape_interval": f"{STEP_SECONDS}s", "scrape_timeout": f"{STEP_SECONDS}s"}
    return yaml.safe_dump({"global": every, "scrape_configs": [job]})


@asynccontextmanager
async def reading(program: str, ports: Mapping[str, int], folder: Path) -> AsyncIterator[str]:
    """Run Prometheus; give its URL once it is ready. Raises RuntimeError if it does not get ready."""
    (folder / "prometheus.yaml").write_text(scraping(ports))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            stdout=log,
            stderr=log,
        )
    try:
        await _until_ready(f"http://{address}", process)
        yield f"http://{address}"
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(END_SECONDS):
                await process.wait()


async def _until_ready(prometheus: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(START_SECONDS):
            try:
                if process.returncode is None and (await client.get(f"{prometheus}/-/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(1)
    raise RuntimeError("Prometheus is not ready: its log is prometheus.log in the folder of --keep")


async def record(program: str, svg: Path, folder: Path) -> None:
    async with stage(folder) as life, reading(program, life.ports, folder) as prometheus:
        began = time.time()
        await life.goes_on(_tell)
        await asyncio.sleep(max(0, began + RECORDED_SECONDS - time.time()))
        _tell(f"drawing what happened until {time.time():.0f}")
        await asyncio.to_thread(draw, prometheus, svg, Span(began, began + RECORDED_SECONDS))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools.dashboard_picture.recording", description=__doc__)
    parser.add_argument("svg", type=Path)
    parser.add_argument("--prometheus", default=shutil.which("prometheus"), help="the program; else that on PATH")
    parser.add_argument("--keep", type=Path, help="a folder for logs and data")
    told = parser.parse_args()
    if told.prometheus is None:
        sys.exit("prometheus is not on PATH: name the program by --prometheus")
    with tempfile.TemporaryDirectory(prefix="dashboard-") as temporary:
        folder = told.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(record(told.prometheus, told.svg, folder))


if __name__ == "__main__":
    main()
