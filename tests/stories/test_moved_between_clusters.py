"""The recipe "Move to another Kubernetes cluster" of docs/recipes.md, command by command, with two API servers and one cloud."""

import asyncio
import os
import re
from pathlib import Path

import yaml

from cluster import Cluster
from command_process import command
from definitions import install_crds
from managed_databases.controlplane.cluster import ControlPlane
from operator_process import OperatorProcess
from stories.restored import all_ready, everything, ids
from stories.world import World

PAGE = (Path(__file__).parents[2] / "docs/recipes.md").read_text()
SECTION = PAGE.partition("\n## Move to another Kubernetes cluster\n")[2].partition("\n## ")[0]
LIMIT_SECONDS = 360
USERS = ("app", "report")


async def test_everything_moves_and_the_cloud_stays_as_it_is(control_plane: ControlPlane, tmp_path: Path) -> None:
    let_go, copy, take_over = re.findall(r"^ *```bash\n(.*?)^ *```$", SECTION, re.MULTILINE | re.DOTALL)
    (tmp_path / "new").mkdir()
    async with ControlPlane(control_plane.binaries) as plane, Cluster(control_plane) as old, Cluster(plane) as new:
        await asyncio.gather(install_crds(old), install_crds(new))
        async with World(old, tmp_path) as before, World(new, tmp_path / "new") as after:
            resources = [*everything(before, deletionProtection=True), before.user("report")]
            await before.operator.start()
            await before.apply(before.project_manifest(), *resources)
            await all_ready(before, resources)
            there, passwords = await ids(before), {name: await password_of(before, name) for name in USERS}
            await is_the_same_namespace_of_the_same_cloud(before, after)
            await after.operator.start()
            await after.apply(
                after.project_manifest(allowedNamespaces=[{"name": after.namespace, "powers": ["adopt"]}])
            )
            (tmp_path / "manifests").mkdir()
            (tmp_path / "manifests/shop.yaml").write_text(yaml.safe_dump_all(resources))
            await before.sandbox.clear_requests()

            await shell(let_go, before, after)
            assert await ids(before) == there, "the cloud keeps everything"
            await shell(copy, before, after)
            await shell(take_over, before, after)

            await all_ready(after, resources)
            assert await ids(before) == there
            assert await before.calls("POST", "/v1/") == []
            assert await before.calls("DELETE") == []
            assert {name: await password_of(after, name) for name in USERS} == passwords
            (place,) = there["datastores"]
            for name in USERS:
                assert await before.sandbox.login(place, name, passwords[name])
            of_project = ("--project", after.project, "--operator-namespace", after.system, "-n", after.namespace)
            told = await command(new.kubeconfig, "strangers", *of_project)
            assert told.code == 0, told


async def password_of(world: World, user: str) -> str:
    return (await world.secret(f"{user}-user"))["password"]


async def is_the_same_namespace_of_the_same_cloud(before: World, after: World) -> None:
    """The new cluster's world gets the names of the old one's, and its cloud."""
    after.namespace = before.namespace
    after.namespaces[:] = [before.namespace]
    await after.comes_back(before.namespace)
    await after.put_secret(after.system, "cloud", before.sandbox.credentials())
    account = await after.cluster.service_account(after.system, "operator")
    after.operator = OperatorProcess(account, after.folder / "operator.log", **after._all_settings())


async def shell(text: str, before: World, after: World) -> None:
    """Run the page's commands as a person would, in the folder with the manifests."""
    contexts = before.folder / "contexts.yaml"
    contexts.write_text(yaml.safe_dump(merged({"old": before.cluster.kubeconfig, "new": after.cluster.kubeconfig})))
    programs = before.cluster.control_plane.binaries.resolve()
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        text.replace("-n shop", f"-n {before.namespace}"),
        cwd=before.folder,
        env=os.environ | {"KUBECONFIG": str(contexts), "PATH": f"{programs}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(LIMIT_SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 0, f"{text}\n{said.decode()}"


def merged(kubeconfigs: dict[str, Path]) -> dict[str, object]:
    """Return one kubeconfig with a context for each."""
    parts: dict[str, list[dict[str, object]]] = {"clusters": [], "users": [], "contexts": []}
    for name, path in kubeconfigs.items():
        told = yaml.safe_load(path.read_text())
        parts["clusters"].append({"name": name, "cluster": told["clusters"][0]["cluster"]})
        parts["users"].append({"name": name, "user": told["users"][0]["user"]})
        parts["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    return {"apiVersion": "v1", "kind": "Config", **parts}
