"""What a reader of docs/command-line.md types, in the namespace `shop`; and that a CRD in use stays (docs/installing.md)."""

from pathlib import Path
from typing import Any

import yaml

from cluster import Cluster
from managed_databases.controlplane.commands import free_port
from page_shell import PageShell, walk
from stories.pace import FAST
from stories.page_world import PageWorld

SERVERS = "it takes servers (test_engine_connect.py)"
OF_CLOUD = {"projectRef": {"name": "cloud"}}
PASSWORD = "a-password-that-is-in-use-1"


class Told:
    """What the pages only tell, before the command that shows what comes of it."""

    def __init__(self, world: PageWorld) -> None:
        self.world = world

    # --- command-line.md ---

    async def credentials_are_incomplete(self, shell: PageShell) -> None:
        world = self.world
        await world.put_secret(world.system, "cloud", {"OS_AUTH_URL": world.sandbox.identity_url})
        await world.apply(self.project(), world.datastore(**OF_CLOUD), world.user())
        await world.becomes("ManagedDatastore", "main", "Ready", "False", "CredentialsInvalid")

    def project(self) -> dict[str, Any]:
        return self.world.project_manifest(allowedNamespaces=[{"name": "*", "powers": ["adopt"]}])

    async def all_but_one_work(self, shell: PageShell) -> None:
        world = self.world
        await world.put_secret(world.system, "cloud", world.sandbox.credentials())
        await world.apply(
            world.database("orders"), world.user("reader"), world.user("wrong", datastoreRef={"name": "other"})
        )
        for name in ("app", "reader"):
            await world.becomes("DatabaseUser", name)
        await world.becomes("ManagedDatabase", "orders")
        await world.becomes("DatabaseUser", "wrong", "Stalled")

    async def somebody_has_made_a_database(self, shell: PageShell) -> None:
        await self.world.delete("DatabaseUser", "wrong")
        main = (await self.world.get("ManagedDatastore", "main"))["status"]["id"]
        self.legacy = await self.world.sandbox.create("databases", {"name": "legacy", "datastore_id": main})

    async def manifests_are_written(self, shell: PageShell) -> None:
        world = self.world
        flavor = {"vcpus": 4, "ramMB": 8192, "diskGB": 64}
        main = world.datastore(**OF_CLOUD, flavor=flavor, config={"work_mem": 8192})
        report = world.user("report", databases=[{"name": "shop"}])
        self.write(shell, "manifests/all.yaml", main, world.database("shop"), report, world.user("app"))
        self.write(shell, "wrong.yaml", world.datastore(**OF_CLOUD, engine={"type": "postgresql", "version": "17"}))

    async def only_what_nobody_notices(self, shell: PageShell) -> None:
        self.write(shell, "manifests/all.yaml", self.world.database("shop"))

    def write(self, shell: PageShell, name: str, *manifests: object) -> None:
        path = shell.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump_all(manifests))

    async def a_project_has_more(self, shell: PageShell) -> None:
        world = self.world
        await world.sandbox.vanish("databases", self.legacy["id"])
        flavor = {"vcpus": 2, "ramMB": 4096, "diskGB": 32, "diskType": "local"}
        await world.apply(world.datastore("legacy", name="Legacy_DB", deletionPolicy="Retain", flavor=flavor))
        await world.becomes("ManagedDatastore", "legacy", "Synced")
        place = {"datastore_id": (await world.get("ManagedDatastore", "legacy"))["status"]["id"]}
        create = world.sandbox.create
        owner = await create("users", {"name": "app_owner", "password": PASSWORD} | place)
        report = await create("users", {"name": "report", "password": PASSWORD} | place)
        shop = await create("databases", {"name": "Shop", "owner_id": owner["id"]} | place)
        await create("grants", {"database_id": shop["id"], "user_id": report["id"]} | place)
        await world.delete("ManagedDatastore", "legacy")

    # --- installing.md ---

    async def the_project_tells_what_is_in_use(self, shell: PageShell) -> None:
        async def is_told() -> bool:
            project = await self.world.get("DatabaseProject", self.world.project)
            return "manageddatastore" in str(project["status"]["inUse"]).lower()

        await self.world.until("the datastores are in use", is_told)


async def test_the_commands_of_the_page(installed: Cluster, tmp_path: Path) -> None:
    port = free_port()
    async with PageWorld(installed, tmp_path, FAST, project_name="cloud") as world:
        await world.serve_whole_cluster()
        await world.operator.start(metrics_port=port, leader_election=True)
        told = Told(world)
        varies = (
            r"leader +\S+,",
            r"\d+ for people, \d+ for time",
            r"\(\d+ files\)",
            r"(datastores|disk|ram|vcpus) \d+ \d+\b",
        )
        async with world.shell(tmp_path / "home", {"8443": str(port)}, varies=varies) as shell:
            of_commands = await walk(
                "docs/command-line.md",
                shell,
                left_out={
                    "kubectl databases connect": SERVERS,
                    "echo $BOOTSTRAP_SERVERS": SERVERS,
                    "exit": SERVERS,
                },
                before={
                    "kubectl databases explain": told.credentials_are_incomplete,
                    "kubectl databases status": told.all_but_one_work,
                    "kubectl databases strangers": told.somebody_has_made_a_database,
                    "kubectl databases plan -f manifests/ --project cloud": told.manifests_are_written,
                    "kubectl databases plan -f manifests/ --project cloud ||": told.only_what_nobody_notices,
                    "kubectl databases import": told.a_project_has_more,
                },
            )
            of_installing = await walk(
                "docs/installing.md",
                shell,
                left_out={},
                before={"kubectl delete crd": told.the_project_tells_what_is_in_use},
                headings=["When a CRD is deleted"],
            )
    assert (len(of_commands.run), len(of_commands.left_out), len(of_installing.run)) == (11, 7, 1)
