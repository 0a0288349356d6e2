"""One node on a private machine: containerd and kubelet, and what lies in their folders."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from managed_databases.controlplane.node import cni, containerd, kubelet
from managed_databases.controlplane.node.inside import ADDRESSES
from managed_databases.controlplane.node.requirements import cni_folder, find_program
from managed_databases.controlplane.processes import Processes

ANSWERS_WITHIN_SECONDS: Final = 120
POLL_SECONDS: Final = 0.2
KUBERNETES_NAMESPACE: Final = "k8s.io"
"""containerd's namespace that a kubelet sees."""
FIRST_HEALTHZ_PORT: Final = 10_248


class NodeFailed(Exception):
    """A node, or something on it, could not be started; the text says why."""


@dataclass(frozen=True)
class Node:
    """A node of the name `node1` or `node2`, with all its files below `folder`. `start` begins it, `processes` end it."""

    name: str
    folder: Path
    processes: Processes

    @property
    def number(self) -> int:
        return list(ADDRESSES).index(self.name) + 1

    @property
    def address(self) -> str:
        return ADDRESSES[self.name]

    @property
    def pod_subnet(self) -> str:
        return f"10.88.{self.number}.0/24"

    @property
    def socket(self) -> Path:
        return Path(f"/run/containerd-{self.name}/containerd.sock")

    async def start_containerd(self) -> None:
        """Start containerd and return when it answers. Raises NodeFailed, ProcessFailed."""
        plugins, program = cni_folder(), find_program("containerd")
        if plugins is None or program is None:
            raise NodeFailed("containerd or the CNI plugins are not installed")
        network = self.folder / "cni"
        network.mkdir(parents=True)
        (network / "10-pods.conflist").write_text(cni.config_text(self.pod_subnet, self.folder / "leases"))
        config = self.folder / "containerd.toml"
        config.write_text(
            containerd.config_text(
                self.folder / "containerd", self.socket.parent / "state", self.socket, plugins, network
            )
        )
        await self.processes.start(self._named("containerd"), [program, f"--config={config}"])
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            while (await self._ctr("version"))[0] != 0:
                await self.processes.check_runs(self._named("containerd"))
                await asyncio.sleep(POLL_SECONDS)

    async def import_images(self, archive: Path) -> None:
        """Have the images of an archive. Raises NodeFailed."""
        code, said = await self._ctr("-n", KUBERNETES_NAMESPACE, "images", "import", str(archive))
        if code != 0:
            raise NodeFailed(f"{self.name} cannot import {archive}: {said}")

    async def start_kubelet(self, program: Path, kubeconfig: Path) -> None:
        """Start kubelet; the node is Ready soon after. Raises ProcessFailed."""
        folder = self.folder / "kubelet"
        folder.mkdir()
        configuration = kubelet.write_config(
            self.folder / "kubelet.json",
            kubelet.config(self.name, self.address, self.socket, folder, FIRST_HEALTHZ_PORT - 1 + self.number),
        )
        command = kubelet.command(program, configuration, kubeconfig, folder, self.name, self.address)
        await self.processes.start(self._named("kubelet"), command)

    async def check_runs(self) -> None:
        """Raise ProcessFailed, with the tail of its log, when containerd or kubelet has ended."""
        for program in ("containerd", "kubelet"):
            await self.processes.check_runs(self._named(program))

    def ctr_command(self, *arguments: str) -> list[str]:
        """Return the command line of containerd's own client for this node."""
        return [find_program("ctr") or "ctr", f"--address={self.socket}", *arguments]

    async def _ctr(self, *arguments: str) -> tuple[int, str]:
        return await _output(self.ctr_command(*arguments))

    def _named(self, program: str) -> str:
        return f"{self.name}-{program}"


async def _output(command: Sequence[str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")
