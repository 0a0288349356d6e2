"""A Secret as files, as kubelet mounts it: what is in the folder changes as a whole, some moments after the Secret."""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from managed_databases.demo.cluster_access import ClusterAccess
from managed_databases.reconcile.ports import KubeError

LOOK_SECONDS: Final = 1.0
_DATA: Final = "..data"
"""The link that kubelet turns to the newest files."""


def read_mounted(folder: Path) -> dict[str, str]:
    """Return the values by their keys, all from one version of the Secret."""
    return {each.name: each.read_text() for each in (folder / _DATA).resolve().iterdir()}


def _put(folder: Path, version: int, data: Mapping[str, str]) -> None:
    files = folder / f"..{version}"
    files.mkdir(parents=True)
    for key, value in data.items():
        (files / key).write_text(value)
    link = folder / f"..{version}.link"
    link.symlink_to(files.name)
    link.replace(folder / _DATA)


class Mount:
    """Keeps a folder as a Secret is. `start` returns once the files are there; `keep` goes on until it is cancelled."""

    def __init__(self, access: ClusterAccess, namespace: str, secret: str, folder: Path) -> None:
        self._access = access
        self._where = namespace, secret
        self._folder = folder
        self._versions = itertools.count()
        self._data: Mapping[str, str] = {}

    async def look(self) -> None:
        data = await self._access.secret_data(*self._where)
        if data != self._data:
            await asyncio.to_thread(_put, self._folder, next(self._versions), data)
            self._data = data

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(KubeError):
                await self.look()
