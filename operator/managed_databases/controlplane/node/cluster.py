"""A whole cluster on a private machine: a control plane, kube-scheduler, kube-proxy, and one or two nodes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import NODE_CONTROLLERS
from managed_databases.controlplane.node import private_machine
from managed_databases.controlplane.node.inside import ADDRESSES
from managed_databases.controlplane.node.node import Node, NodeFailed
from managed_databases.controlplane.processes import Processes

SCHEDULER: Final = "kube-scheduler"
PROXY: Final = "kube-proxy"
READY_WITHIN_SECONDS: Final = 180
POLL_SECONDS: Final = 0.3


class NodeCluster:
    """A cluster that runs Pods, for as long as the `async with` block lasts. Only on a private machine.

    `binaries` holds the programs of a control plane, `node_binaries` those of `releases.NODE_PROGRAMS`; `images` is an
    archive for every node, in which `images.PAUSE` must be. Pods and Services reach each other; there is no DNS and
    nothing outside. Entering raises NodeFailed, ProcessFailed or
    TimeoutError. Bound to no event loop, as ControlPlane.
    """

    control_plane: ControlPlane
    nodes: list[Node]

    def __init__(
        self,
        binaries: Path,
        node_binaries: Path,
        images: Path,
        *,
        nodes: int = 2,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        if not 1 <= nodes <= len(ADDRESSES):
            raise ValueError(f"1 to {len(ADDRESSES)} nodes, not {nodes}")
        self._node_binaries = node_binaries.resolve()
        self._images = images.resolve()
        self._say = say
        self._processes = Processes()
        self._names = list(ADDRESSES)[:nodes]
        self.control_plane = ControlPlane(
            binaries, say=say, controller_manager=True, controllers=NODE_CONTROLLERS, address=ADDRESSES["node1"]
        )

    async def __aenter__(self) -> Self:
        folder = private_machine.folder_here()
        if folder is None:
            raise NodeFailed("nodes run on a private machine only: see private_machine.run")
        self.nodes = [Node(name, folder / name, self._processes) for name in self._names]
        try:
            await self._processes.open()
            await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        """End the programs; the containers end with the private machine."""
        await self._processes.close()
        await self.control_plane.__aexit__(None, None, None)

    async def _start(self) -> None:
        self._say(f"importing the images on {len(self.nodes)} nodes, while the control plane starts")
        async with asyncio.TaskGroup() as group:
            for node in self.nodes:
                group.create_task(self._prepare(node), name=node.name)
            group.create_task(self._start_control_plane(), name="control plane")
        kubeconfig = self.control_plane.kubeconfig
        for node in self.nodes:
            await node.start_kubelet(self._node_binaries / "kubelet", kubeconfig)
        await self._until_ready()
        self._say(f"{len(self.nodes)} nodes are Ready")

    async def _prepare(self, node: Node) -> None:
        await node.start_containerd()
        await node.import_images(self._images)

    async def _start_control_plane(self) -> None:
        await self.control_plane.__aenter__()
        access = f"--kubeconfig={self.control_plane.kubeconfig}"
        await self._processes.start(
            SCHEDULER,
            [
                str(self._node_binaries / SCHEDULER),
                access,
                "--leader-elect=false",
                "--secure-port=0",
                "--profiling=false",
            ],
        )
        await self._processes.start(
            PROXY,
            [
                str(self._node_binaries / PROXY),
                access,
                "--proxy-mode=iptables",
                "--iptables-localhost-nodeports=false",
                f"--hostname-override={self.nodes[0].name}",
                "--cluster-cidr=10.88.0.0/16",
                # 0 leaves the kernel's own settings, which are the whole machine's.
                "--conntrack-max-per-core=0",
                "--conntrack-tcp-timeout-established=0",
                "--conntrack-tcp-timeout-close-wait=0",
            ],
        )

    async def _until_ready(self) -> None:
        names = [f"node/{node.name}" for node in self.nodes]
        last = ""
        try:
            async with asyncio.timeout(READY_WITHIN_SECONDS):
                while True:
                    for node in self.nodes:
                        await node.check_runs()
                    for program in (SCHEDULER, PROXY):
                        await self._processes.check_runs(program)
                    code, last = await self.kubectl("wait", "--for=condition=Ready", "--timeout=1s", *names)
                    if code == 0:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            tail = self._processes.log_tail(f"{self.nodes[0].name}-kubelet")
            raise NodeFailed(f"not Ready: {last}. The end of a kubelet's log:\n{tail}") from None

    async def kubectl(self, *arguments: str) -> tuple[int, str]:
        """Run kubectl as an administrator; return its exit code, and what it printed."""
        access = f"--kubeconfig={self.control_plane.kubeconfig}"
        process = await asyncio.create_subprocess_exec(
            str(self.control_plane.binaries / "kubectl"),
            access,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode(errors="replace")
