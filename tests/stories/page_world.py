"""The world that a page tells its reader to have: its names, and a shell in which its commands are typed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import access
from page_shell import PageShell
from stories.world import World


@dataclass
class PageWorld(World):
    """An operator that may do all that can be allowed, for people in the namespace `is_in`."""

    is_in: str = "shop"
    system_namespace: str = "managed-databases-system"
    project_name: str = "team"
    others: tuple[str, ...] = ()
    """Further namespaces that the operator serves."""

    async def _take_names(self) -> None:
        self.namespace, self.system, self.project = self.is_in, self.system_namespace, self.project_name
        for name in (self.namespace, self.system, *self.others):
            await self._its_own(name)
        self.namespaces += self.others

    async def _its_own(self, name: str) -> None:
        """Make this namespace, once that of an earlier page has ended."""

        async def is_there() -> bool:
            made = await self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            return bool(made["status"]["phase"] == "Active")

        await self.until(f"the namespace {name} is there", is_there)

    async def allow_more(self) -> None:
        """Before the operator is started: what an installation allows only where somebody says so."""
        rights = access(kinds().values())
        for namespace in self.namespaces:
            await self.grant("Role", namespace, f"{self.system}-more", (*rights.services, *rights.restart_workloads))

    def shell(
        self, folder: Path, stand_ins: dict[str, str] | None = None, *, varies: Iterable[str] = (), programs: str = ""
    ) -> PageShell:
        """A shell in `folder`, whose kubectl is an administrator's, in this world's namespace. `programs` is one more folder."""
        config = yaml.safe_load(self.cluster.kubeconfig.read_text())
        for each in config["contexts"]:
            each["context"]["namespace"] = self.namespace
        folder.mkdir(exist_ok=True)
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        programs = f"{self.cluster.control_plane.binaries.resolve()}:{programs}"
        cache = str(folder / "cache")  # that in the home folder may be of an earlier cluster of this port
        return PageShell(folder, stand_ins, varies=varies, programs=programs, KUBECONFIG=str(path), KUBECACHEDIR=cache)
