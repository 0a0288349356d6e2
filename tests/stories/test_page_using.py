"""docs/using.md and docs/code-tour.md: every manifest is applied and every command typed, in the order of the pages."""

from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from page_shell import PageShell, walk
from stories.pace import FAST
from stories.page_world import PageWorld
from typed_pages import TOP, blocks

PAGE = "docs/using.md"
LEFT_OUT = {
    "kubectl get dbu app": "it takes servers, or Pods that are restarted (test_probes.py, test_restarts.py)",
    "make demo ENGINES=1 ARGS='--rotate --exit'": "a minute, with servers (test_engine_two_users.py)",
    "kubectl get mds shop -n shop": "Flux reads it (test_flux.py)",
    "kubectl patch configmap argocd-cm": "it takes Argo CD (test_argocd_files.py)",
    "helm upgrade argocd": "it takes Argo CD (test_argocd_files.py)",
}
SERVICE = {"ports": [{"port": 5432}]}


class Told:
    """What the page only tells, before the command that shows what comes of it."""

    def __init__(self, world: PageWorld) -> None:
        self.world = world

    async def once_there_is_a_datastore(self, shell: PageShell) -> None:
        first = next(each for each in blocks(TOP / PAGE) if each.manifests)
        await shell.apply(first.manifests[0])

    async def somebody_has_the_service(self, shell: PageShell) -> None:
        metadata = {"name": "main-ro", "namespace": self.world.namespace}
        await self.world.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": SERVICE})

    async def no_password_of_its_own(self, shell: PageShell) -> None:
        await self.world.change("DatabaseUser", "shop", passwordSecretRef=None)

    async def no_rotation(self, shell: PageShell) -> None:
        await self.world.change("DatabaseUser", "shop", rotation=None)

    async def somebody_has_made_a_database(self, shell: PageShell) -> None:
        orders = await self.world.get("ManagedDatastore", "orders")
        await self.world.sandbox.create("databases", {"name": "archive", "datastore_id": orders["status"]["id"]})
        await self.world.apply(self.world.database("archive", datastoreRef={"name": "orders"}))

    async def all_are_unprotected(self, shell: PageShell) -> None:
        """And the user is gone whose datastore, by the id of the page, is not there."""
        await self.world.delete("DatabaseUser", "guest")
        for each in await self.world.cluster.list("mds", self.world.namespace):
            await self.world.change("ManagedDatastore", each["metadata"]["name"], deletionProtection=False)

    async def the_files_of_the_section(self, shell: PageShell) -> None:
        (script,) = [each for each in blocks(TOP / PAGE) if each.text.startswith("# check.py")]
        (shell.home / "check.py").write_text(script.text)
        (shell.home / "crds").symlink_to(TOP / "crds")
        (topic,) = [each for each in blocks(TOP / PAGE) if each.text.startswith("# yaml-language-server")]
        (shell.home / "databases").mkdir()
        (shell.home / "databases/topics.yaml").write_text(topic.text.replace("partitions", "partitons"))

    async def others_add_a_node(self, shell: PageShell) -> None:
        await self.world.becomes("ManagedDatastore", "mysql", "Synced")
        await self.world.change("ManagedDatastore", "mysql", driftPolicy="Report")
        id_ = (await self.world.becomes("ManagedDatastore", "mysql", "Synced"))["status"]["id"]
        await self.world.sandbox.edit("datastores", id_, node_count=3)

    async def it_is_paused(self, shell: PageShell) -> None:
        await self.world.annotate("ManagedDatastore", "mysql", paused="true")
        await self.world.change("ManagedDatastore", "mysql", driftPolicy="Correct")


@pytest.mark.parametrize("settings", [FAST])
async def test_the_manifests_and_commands_of_using(
    installed: Cluster, tmp_path: Path, settings: dict[str, Any]
) -> None:
    offers = ("--setting", "user_offers=true")
    async with PageWorld(installed, tmp_path, settings, offers, others=("reports",)) as world:
        await world.allow_more()
        await world.operator.start()
        powers = [{"name": "shop", "powers": ["adopt", "metrics"]}, {"name": "reports"}]
        await world.apply(world.project_manifest(allowedNamespaces=powers))
        told = Told(world)
        async with world.shell(
            tmp_path / "home", {"namespace: default": "namespace: shop"}, varies=[r"\b10\.\d+\.\d+\.\d+"]
        ) as shell:
            came = await walk(
                PAGE,
                shell,
                apply=True,
                left_out=LEFT_OUT,
                before={
                    "kubectl get dbcat team -o jsonpath='{.parameters": told.once_there_is_a_datastore,
                    "DatabaseUser/shop (Have it changed": told.no_password_of_its_own,
                    "ManagedDatastore/main (A Service": told.somebody_has_the_service,
                    "kubectl get mdb archive": told.somebody_has_made_a_database,
                    "kubectl wait dbu --all": told.all_are_unprotected,
                    "python check.py": told.the_files_of_the_section,
                    'kubectl get mds mysql -o jsonpath=\'{.status.conditions[?(@.type=="Synced")]': told.others_add_a_node,
                    'kubectl get mds mysql -o jsonpath=\'{.status.conditions[?(@.type=="Stalled")]': told.it_is_paused,
                },
            )
            tour_told = {"kubectl create secret generic new-password": told.no_rotation}
            tour = await walk("docs/code-tour.md", shell, left_out={}, before=tour_told)
    assert len(came.run) >= 47
    assert len(tour.run) >= 5
