"""What a reader of docs/secrets.md types, in the namespace `shop`: its manifests, copies into `web`, a chart with a checksum."""

import asyncio
from pathlib import Path

from cluster import Cluster
from install.helm import find_helm
from page_shell import PageShell, walk
from stories.pace import FAST
from stories.page_world import PageWorld
from typed_pages import TOP, blocks

PAGE = "docs/secrets.md"
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"


class Told:
    """What the page only tells, before the command that shows what comes of it."""

    def __init__(self, world: PageWorld) -> None:
        self.world = world

    async def somebody_wants_a_public_address(self, shell: PageShell) -> None:
        await self.world.apply(self.world.user("report", credentials={"address": "Public"}))

    async def there_is_a_login(self, shell: PageShell) -> None:
        await self.world.becomes("DatabaseUser", "shop")
        assert {"login.json", "login.env"} <= (await self.world.secret("shop-user")).keys()

    async def there_is_a_chart(self, shell: PageShell) -> None:
        (template,) = [each.text for each in blocks(TOP / PAGE) if each.text.startswith("{{- $secret := lookup")]
        (shell.home / "chart/templates").mkdir(parents=True)
        (shell.home / "chart/Chart.yaml").write_text(CHART)
        (shell.home / "chart/templates/deployment.yaml").write_text(template)


async def test_the_manifests_and_commands_of_the_page(installed: Cluster, tmp_path: Path) -> None:
    async with PageWorld(installed, tmp_path, FAST, others=("web",)) as world:
        await world.serve_whole_cluster()
        await world.operator.start()
        await world.apply(world.project_manifest(), world.datastore(nodeCount=2), world.database())
        told = Told(world)
        helm = Path(await asyncio.to_thread(find_helm))
        async with world.shell(tmp_path / "home", programs=str(helm.parent)) as shell:
            came = await walk(
                PAGE,
                shell,
                left_out={},
                apply=True,
                before={
                    "kubectl get databaseuser report": told.somebody_wants_a_public_address,
                    "DatabaseUser/shop (Copies)": told.there_is_a_login,
                    "helm upgrade --install shop": told.there_is_a_chart,
                },
            )
        await world.cluster.kubectl("delete", "deployment", "shop", "-n", "shop")
    assert (len(came.run), came.applied, came.compared) == (14, 3, 11)
