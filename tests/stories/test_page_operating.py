"""What a reader of docs/operating.md and docs/observing.md types in the namespace `shop`: what is wrong is made so before."""

import secrets
from pathlib import Path

from cluster import Cluster, Manifest
from page_shell import PageShell, walk
from stories.pace import FAST
from stories.page_world import PageWorld
from stories.restored import all_ready, ids
from stories.world import COLLECTIONS
from typed_pages import TOP

INSTALLS = "test_page_installing.py"
PROMETHEUS = "it takes a Prometheus; the picture is drawn from a recording (tests/monitoring)"
SECRET = "shop-user"


class Told:
    """What the page only tells, before the command that shows what comes of it, or helps."""

    def __init__(self, world: PageWorld) -> None:
        self.world = world
        self.resources = [
            world.datastore("orders"),
            world.database("shop", datastoreRef={"name": "orders"}),
            world.user("shop", datastoreRef={"name": "orders"}, databaseRef={"name": "shop"}),
        ]

    async def a_flavor_is_mistyped(self, shell: PageShell) -> None:
        world = self.world
        allowed = [{"name": world.namespace, "powers": ["adopt"]}]
        await world.apply(world.project_manifest(allowedNamespaces=allowed), *self.resources)
        await all_ready(world, self.resources)
        self.there, self.login = await ids(world), await world.secret(SECRET)
        await world.sandbox.clear_requests()
        await world.cluster.apply(world.datastore("orders", flavor={"name": "large"}))

    async def the_resources_are_restored(self, shell: PageShell) -> None:
        await self.come_again(with_statuses=False)
        await self.world.becomes("ManagedDatastore", "orders", "Stalled", reason="AlreadyExists")

    async def their_statuses_are_restored_as_well(self, shell: PageShell) -> None:
        await self.nothing_was_lost()
        await self.come_again(with_statuses=True)
        for each in self.resources:
            await self.world.becomes(each["kind"], each["metadata"]["name"], "Stalled", reason="OwnershipNotProven")

    async def nothing_was_lost(self) -> None:
        world = self.world
        await all_ready(world, self.resources)
        assert await ids(world) == self.there
        assert await world.calls("POST", "/v1/") == []
        assert await world.calls("DELETE") == []
        assert await world.secret(SECRET) == self.login
        assert await world.login_works("shop")

    async def come_again(self, *, with_statuses: bool) -> None:
        """As a tool for backups does it: with other uids, and the Secret without its owner."""
        world = self.world
        cluster, namespace = world.cluster, world.namespace
        secret = await cluster.get("Secret", SECRET, namespace)
        before = [await world.get(each["kind"], each["metadata"]["name"]) for each in self.resources]
        await world.operator.kill()
        for each in before:
            await cluster.patch(each["kind"], each["metadata"]["name"], namespace, {"metadata": {"finalizers": None}})
            await world.delete(each["kind"], each["metadata"]["name"], wait=True)
        await cluster.delete("Secret", SECRET, namespace, wait=True, check=False)
        await cluster.create(without_owner(secret))
        for manifest, each in zip(self.resources, before, strict=True):
            await cluster.create(manifest)
            if with_statuses:
                status = {"status": each["status"]}
                await cluster.patch(each["kind"], each["metadata"]["name"], namespace, status, "status")
        await world.operator.start()

    async def the_database_vanishes(self, shell: PageShell) -> None:
        await self.world.becomes("DatabaseUser", "shop", "Stalled", reason="SecretConflict")
        await self.world.change("DatabaseUser", "shop", adoption="IfExists")
        await self.nothing_was_lost()
        (self.lost,) = self.there[COLLECTIONS["ManagedDatabase"]]
        await self.world.sandbox.vanish("databases", self.lost)
        await self.world.becomes("ManagedDatabase", "shop", "Stalled", reason="Gone")

    async def there_is_another_database(self) -> None:
        await self.world.becomes("ManagedDatabase", "shop")
        (now,) = (await ids(self.world))["databases"]
        assert now != self.lost

    async def the_log_has_more(self) -> bool:
        await self.world.annotate("ManagedDatastore", "orders", sync_requested=secrets.token_hex(4))
        return "[debug" in self.world.operator.log_tail()


def without_owner(secret: Manifest) -> Manifest:
    metadata = {name: secret["metadata"][name] for name in ("name", "namespace", "labels", "annotations")}
    return {each: secret[each] for each in ("apiVersion", "kind", "type", "data")} | {"metadata": metadata}


async def test_the_commands_of_the_page(installed: Cluster, tmp_path: Path) -> None:
    async with PageWorld(installed, tmp_path, FAST) as world:
        await world.operator.start()
        told = Told(world)
        there = {"default     manageddatastore": "shop        manageddatastore"}
        async with world.shell(tmp_path / "home", there) as shell:
            came = await walk(
                "docs/operating.md",
                shell,
                left_out={},
                elsewhere=dict.fromkeys(("helm upgrade", "kubectl create clusterrolebinding"), INSTALLS),
                before={
                    "kubectl get databases": told.a_flavor_is_mistyped,
                    "kubectl patch $(kubectl get mds": told.the_resources_are_restored,
                    "kubectl -n managed-databases-system annotate secret": told.their_statuses_are_restored_as_well,
                    "kubectl get mdb shop": told.the_database_vanishes,
                },
            )
            (shell.home / "helm").symlink_to(TOP / "helm")
            process = {"os.kill(1,": f"os.kill({world.operator.pid},"}
            shell.stand_ins |= {"kubectl -n managed-databases-system exec POD -- ": "env "} | process
            of_observing = await walk("docs/observing.md", shell, left_out={"PYTHONPATH=": PROMETHEUS})
            alerts = (shell.home / "alerts.yaml").read_text()
        await told.there_is_another_database()
        await world.until("the log tells more", told.the_log_has_more)
    assert "runbook_url: https://docs.example.com/VERSION/observing.html#manageddatabasesstalled" in alerts
    assert (len(came.run), came.compared, len(of_observing.run)) == (12, 5, 2)
