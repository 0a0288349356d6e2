"""A cluster with nodes, as the end-to-end tests see it: kind's, or the local one."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from install.kubectl import Kubectl
from managed_databases.controlplane.node.node import KUBERNETES_NAMESPACE


@dataclass(frozen=True)
class RealCluster:
    """`nodes` are the names of those that run Pods; there are two."""

    kubectl: Kubectl
    helm: Path
    nodes: Sequence[str]

    def command_on(self, node: str, command: Sequence[str]) -> list[str]:
        """Return the command line that runs `command` as root on a node."""
        raise NotImplementedError

    def ctr_on(self, node: str) -> list[str]:
        """Return how containerd's client is called on that node, for the containers of Kubernetes."""
        raise NotImplementedError

    def on(self, node: str, *command: str) -> str:
        """Run a command as root on a node; return what it prints. Raises AssertionError with its complaint."""
        done = subprocess.run(self.command_on(node, command), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"on {node}: {' '.join(command)}: {done.stderr}"
        return done.stdout

    def ctr(self, node: str, *arguments: str) -> str:
        return self.on(node, *self.ctr_on(node), f"--namespace={KUBERNETES_NAMESPACE}", *arguments)

    def run_helm(self, *arguments: str) -> str:
        """Run Helm as an administrator; return what it prints. Raises AssertionError with its complaint."""
        command = [str(self.helm), f"--kubeconfig={self.kubectl.kubeconfig}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout


@dataclass(frozen=True)
class LocalCluster(RealCluster):
    """This process is on the same private machine as the nodes."""

    ctr_commands: dict[str, list[str]]

    def command_on(self, node: str, command: Sequence[str]) -> list[str]:
        return list(command)

    def ctr_on(self, node: str) -> list[str]:
        return self.ctr_commands[node]


@dataclass(frozen=True)
class KindCluster(RealCluster):
    """Each node is a container of an engine (docker, podman)."""

    engine: str

    def command_on(self, node: str, command: Sequence[str]) -> list[str]:
        return [self.engine, "exec", node, *command]

    def ctr_on(self, node: str) -> list[str]:
        return ["ctr"]
