"""Find the programs of a control plane, or get them: $KUBEBUILDER_ASSETS, our cache, the official download, Go."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from managed_databases.controlplane import go_build
from managed_databases.controlplane.download import (
    DownloadFailed,
    HostUnreachable,
    WrongChecksum,
    download,
    http_client,
)
from managed_databases.controlplane.releases import (
    ETCD_VERSION,
    HELM_VERSION,
    KUBE_VERSION,
    PROGRAMS,
    Target,
    cache_folder,
    release_of,
)

POLL_SECONDS: Final = 0.5
MAKING: Final = ".making-"

Say = Callable[[str], None]


class BinariesMissing(Exception):
    """No way led to the programs; the text names every way, and why it failed."""


async def find_binaries(
    say: Say, wanted: Sequence[str] = ("etcd", "kube-apiserver", "kubectl"), *, may_build: bool = True
) -> Path:
    """Return a folder that holds the wanted programs (of `releases.PROGRAMS`). Raises BinariesMissing.

    Versions are pinned, except in $KUBEBUILDER_ASSETS: who sets it, chooses. `say` gets a line for each thing that
    takes time; a build takes minutes, unless it is left out.
    """
    if unknown := set(wanted) - set(PROGRAMS):
        raise ValueError(f"not programs that are known here: {', '.join(sorted(unknown))}")
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    lacking = missing(Path(assets), wanted) if assets else []
    if assets and not lacking:
        return Path(assets)
    if assets:
        say(f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(lacking)}: looking further")
    target = Target.here()
    folder = cache_folder(target)
    if missing(folder, wanted):
        assets_failed = f"{assets} lacks {', '.join(lacking)}" if assets else "it is not set"
        folder.mkdir(parents=True, exist_ok=True)
        async with _alone(folder, say):
            await _fill(folder, missing(folder, wanted), target, assets_failed, say, may_build)
    return folder


def missing(folder: Path, wanted: Sequence[str]) -> list[str]:
    """Return which programs are not there, or not executable."""
    return [name for name in wanted if not os.access(folder / name, os.X_OK) or not (folder / name).is_file()]


async def _fill(
    folder: Path, wanted: Sequence[str], target: Target, assets_failed: str, say: Say, may_build: bool
) -> None:
    """Download or build programs into the cache. The caller holds its lock."""
    await asyncio.to_thread(_remove_what_a_killed_process_left, folder)
    unreachable: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir=folder, prefix=MAKING) as making:
        for program in wanted:
            try:
                made = await _download(program, target, Path(making), unreachable, say)
            except DownloadFailed as not_downloaded:
                say(f"{program}: no download: {not_downloaded}")
                if not may_build:
                    raise BinariesMissing(f"{program} would have to be built from source") from not_downloaded
                try:
                    made = await go_build.build(program, Path(making), say)
                except go_build.BuildFailed as not_built:
                    text = _all_four_ways(program, assets_failed, folder, str(not_downloaded), str(not_built))
                    raise BinariesMissing(text) from not_built
            made.chmod(0o755)
            made.replace(folder / program)  # complete and executable from the first moment
            say(f"{program}: now in {folder}")


def _remove_what_a_killed_process_left(folder: Path) -> None:
    for making in folder.glob(f"{MAKING}*"):
        shutil.rmtree(making)


async def _download(program: str, target: Target, making: Path, unreachable: dict[str, str], say: Say) -> Path:
    """Download one program, unless its host was found unreachable before. Raises DownloadFailed, BinariesMissing."""
    release = release_of(program, target)
    if release.host in unreachable:
        raise DownloadFailed(unreachable[release.host])
    async with http_client() as client:
        try:
            return await download(client, release, making, say)
        except HostUnreachable as error:
            unreachable[release.host] = str(error)
            raise
        except WrongChecksum as error:
            raise BinariesMissing(f"{error}. Somebody may be in between: nothing was installed.") from error


@asynccontextmanager
async def _alone(folder: Path, say: Say) -> AsyncIterator[None]:
    """Keep others from getting the same programs at the same time. The lock goes with the process that holds it."""
    with (folder / ".lock").open("w") as lock:
        waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    say(f"another process fills {folder}: waiting for it")
                waiting = True
                await asyncio.sleep(POLL_SECONDS)
        yield


def _all_four_ways(program: str, assets: str, folder: Path, download_failed: str, build_failed: str) -> str:
    return f"""{program} was not found. There are four ways to have it:
  1. KUBEBUILDER_ASSETS, a folder that holds it: {assets}.
  2. The cache {folder}: it is not there. By hand: Kubernetes {KUBE_VERSION}, etcd {ETCD_VERSION}, Helm {HELM_VERSION}.
  3. The official download: {download_failed}.
  4. Building it from its Go module: {build_failed}. Install Go from https://go.dev/dl if it is not here."""
