"""What a reader of docs/recipes.md types: taking over, beginning again in an empty cluster, and the end of a namespace.

The cluster of this test is made empty where the page begins in a new one: the API server is the same, uids and statuses are not.
"""

import asyncio
from pathlib import Path

import yaml

from cluster import Cluster, Manifest
from install.helm import render
from managed_databases.kinds.registry import kinds
from page_shell import PageShell, walk
from stories.pace import FAST
from stories.page_world import PageWorld
from stories.restored import all_ready, ids

TWO_CLUSTERS = "test_moved_between_clusters.py"
CREDENTIALS, KEY = "team-credentials", "managed-databases-ownership-key"
DEPLOYMENT = "managed-databases-managed-databases-operator"
OF_CLOUD = {"projectRef": {"name": "cloud"}}


class Told:
    """What the page only tells, before the command that does the next step."""

    def __init__(self, world: PageWorld) -> None:
        self.world = world
        place = {"datastoreRef": {"name": "orders"}}
        self.project = world.project_manifest(
            allowedNamespaces=[{"name": "shop", "powers": ["adopt"]}], credentialsSecretRef={"name": CREDENTIALS}
        )
        self.resources = [
            world.datastore("orders", **OF_CLOUD, deletionProtection=True),
            world.database("shop", **place),
            world.user("shop", **place, databaseRef={"name": "shop"}),
        ]

    # --- From Terraform or the console ---

    async def the_project_has_more(self, shell: PageShell) -> None:
        world = self.world
        await world.put_secret(world.system, CREDENTIALS, world.sandbox.credentials())
        await world.apply(self.project, *self.resources)
        await all_ready(world, self.resources)
        place = {"datastore_id": (await world.get("ManagedDatastore", "orders"))["status"]["id"]}
        self.legacy = await world.sandbox.create("databases", {"name": "legacy"} | place)

    # --- When the Kubernetes side was lost ---

    async def it_is_to_be_backed_up(self, shell: PageShell) -> None:
        """And the import has left one manifest, for what nobody holds."""
        (imported,) = [each for each in yaml.safe_load_all((shell.home / "imported.yaml").read_text()) if each]
        assert (imported["kind"], imported["spec"]["adoption"]) == ("ManagedDatabase", "Required")
        await self.world.sandbox.vanish("databases", self.legacy["id"])
        (shell.home / "manifests").mkdir()
        (shell.home / "manifests/shop.yaml").write_text(yaml.safe_dump_all(self.resources))
        (shell.home / "project.yaml").write_text(yaml.safe_dump(self.project))

    async def the_cluster_is_lost(self, shell: PageShell) -> None:
        """The new one has an operator that does not run yet, and so no key."""
        world = self.world
        self.there, self.login = await ids(world), await world.secret("shop-user")
        await world.operator.kill()
        for kind in sorted({each["kind"] for each in await self.what_is_there()}):
            await world.cluster.kubectl("patch", kind, *await self.names(kind), "-n", "shop", "--type=merge",
                                        "-p", '{"metadata": {"finalizers": null}}')  # fmt: skip
        await world.cluster.delete("Namespace", "shop", wait=True)
        await world.cluster.delete("DatabaseProject", "cloud", wait=True)
        for name in (CREDENTIALS, KEY):
            await world.cluster.delete("Secret", name, world.system, wait=True)
        values = {"replicas": 0}
        made = await asyncio.to_thread(render, values, namespace=world.system, release="managed-databases")
        (deployment,) = [each for each in made if each["kind"] == "Deployment"]
        assert deployment["metadata"]["name"] == DEPLOYMENT
        await world.apply(deployment)

    async def what_is_there(self) -> list[Manifest]:
        plurals = [kind.plural for kind in kinds().values() if kind.namespaced]
        return [each for plural in plurals for each in await self.world.cluster.list(plural, "shop")]

    async def names(self, kind: str) -> list[str]:
        return [each["metadata"]["name"] for each in await self.what_is_there() if each["kind"] == kind]

    async def there_are_two_replicas(self, shell: PageShell) -> None:
        world = self.world
        deployment = await world.cluster.get("Deployment", DEPLOYMENT, world.system)
        assert deployment["spec"]["replicas"] == 2
        await world.sandbox.clear_requests()
        await world.operator.start()

    # --- Delete a namespace ---

    async def another_datastore_shall_be_kept(self, shell: PageShell) -> None:
        world = self.world
        await all_ready(world, self.resources)
        assert await ids(world) == self.there
        assert await world.calls("POST", "/v1/") == []
        assert await world.calls("DELETE") == []
        assert await world.secret("shop-user") == self.login
        assert await world.login_works("shop")
        reports = [
            world.datastore("reports", **OF_CLOUD, deletionProtection=True),
            world.user("reports", datastoreRef={"name": "reports"}),
        ]
        await world.apply(*reports)
        await all_ready(world, reports)

    async def only_what_shall_be_kept_is_left(self, shell: PageShell) -> None:
        assert (await shell.type("kubectl delete namespace shop --timeout=60s")).code == 0
        for collection, names in {"datastores": ["reports"], "users": ["reports"], "databases": []}.items():
            assert [each["name"] for each in await self.world.sandbox.objects(collection)] == names


async def test_the_commands_of_the_page(installed: Cluster, tmp_path: Path) -> None:
    adopting = 'kubectl patch --local -f manifests --type merge -o json -p \'{"spec": {"adoption": "IfExists"}}\' |'
    async with PageWorld(installed, tmp_path, FAST, project_name="cloud") as world:
        await world.serve_whole_cluster()
        await world.operator.start()
        told = Told(world)
        async with world.shell(tmp_path / "home") as shell:
            came = await walk(
                "docs/recipes.md",
                shell,
                left_out={},
                elsewhere=dict.fromkeys(("kinds=", "kubectl --context", f"{adopting}\n"), TWO_CLUSTERS),
                before={
                    "kubectl databases import": told.the_project_has_more,
                    "kubectl -n shop get secret": told.it_is_to_be_backed_up,
                    "kubectl create namespace shop": told.the_cluster_is_lost,
                    "kubectl apply -f project.yaml": told.there_are_two_replicas,
                    "kubectl patch $(kubectl get": told.another_datastore_shall_be_kept,
                },
            )
            await told.only_what_shall_be_kept_is_left(shell)
    assert (len(came.run), len(came.elsewhere)) == (12, 6)
