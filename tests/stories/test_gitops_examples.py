"""What people keep in Git (deploy/examples/gitops), through Flux' libraries and Helm as Argo CD calls it, to Ready."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Manifest
from gitops import lua, tools
from managed_databases.controlplane.binaries import find_binaries
from managed_databases.kinds.registry import kinds
from stories.flux import Flux
from stories.pace import fast
from stories.world import World, condition

TOP = Path(__file__).parents[2]
EXAMPLES = TOP / "deploy" / "examples" / "gitops"
NUMBER = "7"
PULL_REQUEST = {"number": NUMBER, "branch": "basket", "head_sha": "3f9c1e7" * 5, "head_short_sha_7": "3f9c1e7"}
"""Some of what Argo CD's generator of pull requests tells of each."""


class Repository:
    """The folder as a repository of this world: its namespaces and its project have other names."""

    def __init__(self, world: World, program: Path, folder: Path, namespaces: dict[str, str]) -> None:
        self._world = world
        self._program = program
        self._folder = folder
        self._namespaces = namespaces
        shutil.copytree(EXAMPLES, folder / "deploy" / "examples" / "gitops")

    async def built(self, name: str) -> list[Manifest]:
        """What Flux makes of the Kustomization of that name."""
        kustomization = yaml.safe_load((EXAMPLES / "flux" / f"{name}.yaml").read_text())
        path = self._folder / kustomization["spec"]["path"]
        made = await tools.run(self._program, "build", path, given=kustomization)
        assert made, name
        return [self.here(each) for each in made]

    def here(self, manifest: Manifest) -> Manifest:
        metadata = manifest["metadata"]
        if manifest["kind"] == "Namespace":
            metadata["name"] = self._namespaces[metadata["name"]]
        elif manifest["kind"] == "DatabaseProject":
            metadata["name"] = self._world.project
            spec = self._world.project_manifest()["spec"]
            allowed = [{"name": self._namespaces[each["name"]]} for each in manifest["spec"]["allowedNamespaces"]]
            manifest["spec"] |= {"credentialsSecretRef": spec["credentialsSecretRef"], "allowedNamespaces": allowed}
        else:
            metadata["namespace"] = self._namespaces[metadata["namespace"]]
        return manifest


def ours(manifests: list[Manifest]) -> list[Manifest]:
    """No node runs what is in a Deployment here."""
    return [each for each in manifests if each["kind"] in kinds()]


async def repository(world: World, program: Path, folder: Path) -> Repository:
    others = [await world.another_namespace() for _ in range(2)]
    return Repository(
        world, program, folder, dict(zip(("shop", "events", "previews"), [world.namespace, *others], strict=True))
    )


async def every_secret_is_there(world: World, manifests: list[Manifest]) -> None:
    """Raises AssertionError, or Refused with 404, when a Deployment would wait for ever."""
    deployments = [each for each in manifests if each["kind"] == "Deployment"]
    assert deployments
    for each in deployments:
        for container in each["spec"]["template"]["spec"]["containers"]:
            for variable in container["env"]:
                ref = variable["valueFrom"]["secretKeyRef"]
                secret = await world.cluster.get("Secret", ref["name"], each["metadata"]["namespace"])
                assert ref["key"] in secret["data"]


@fast
async def test_what_is_in_git_becomes_ready_by_flux(world: World, gitops_tools: Path, tmp_path: Path) -> None:
    git = await repository(world, gitops_tools, tmp_path / "repository")
    await world.operator.start()
    found: dict[str, tuple[Flux, list[Manifest]]] = {}
    for name in ("shop", "events", "preview-42", "platform"):  # the project last: they need no order
        found[name] = Flux(gitops_tools, world, name), await git.built(name)
        flux, manifests = found[name]
        assert await flux.apply(manifests) <= {"created", "configured"}, "the namespaces are there in this test"
    for flux, manifests in found.values():
        await flux.wait(ours(manifests))
        assert await flux.apply(manifests) == {"unchanged"}
    await every_secret_is_there(world, [each for _, manifests in found.values() for each in manifests])

    names = {each["name"] for each in await world.sandbox.objects("databases")}
    assert names == {"shop", "preview_42"}
    flux, manifests = found["preview-42"]
    assert await flux.prune(manifests) == {"deleted"}, "a preview goes with its pull request"

    async def preview_is_gone() -> bool:
        left = [*await world.sandbox.objects("databases"), *await world.sandbox.objects("users")]
        assert not [each for each in left if "preview" in each["name"]], left
        return True

    await world.until("the preview is gone from the cloud", preview_is_gone)
    flux, manifests = found["shop"]
    with pytest.raises(tools.Failed, match="ManagedDatastore shop is protected"):
        await flux.prune(ours(manifests))
    for each in ours(manifests):
        kept = await world.cluster.get(each["kind"], each["metadata"]["name"], each["metadata"]["namespace"])
        assert "deletionTimestamp" not in kept["metadata"], "what is in a protected datastore stays with it"


@fast
async def test_a_preview_by_argo_cd(world: World, gitops_tools: Path, tmp_path: Path) -> None:
    git = await repository(world, gitops_tools, tmp_path / "repository")
    await world.operator.start()
    await world.apply(*await git.built("platform"))
    set_ = yaml.safe_load((EXAMPLES / "argocd" / "previews.yaml").read_text())
    asked = {"applicationSet": set_, "parameters": [PULL_REQUEST]}
    (application,) = await tools.run(gitops_tools, "template", given=asked)
    assert application["metadata"]["name"] == f"preview-{NUMBER}"
    manifests = [git.here(each) for each in await rendered(application, tmp_path)]
    images = [
        each["spec"]["template"]["spec"]["containers"][0]["image"] for each in manifests if each["kind"] == "Deployment"
    ]
    assert images == ["registry.example/shop:3f9c1e7"]
    await world.apply(*manifests)
    for each in ours(manifests):
        where = each["kind"], each["metadata"]["name"], each["metadata"]["namespace"]

        async def healthy(where: tuple[str, str, str] = where) -> bool:
            resource = await world.cluster.get(*where)
            assert lua.health(resource)[0] == "Healthy", resource.get("status")
            return bool(condition(resource, "Synced"))

        await world.until(f"{where} is Healthy", healthy)
    await every_secret_is_there(world, manifests)

    kustomization = yaml.safe_load((EXAMPLES / "flux" / "preview-42.yaml").read_text())
    kustomization["spec"]["postBuild"]["substitute"] = {"preview": NUMBER, "tag": "3f9c1e7"}
    by_flux = await tools.run(
        gitops_tools, "build", tmp_path / "repository" / kustomization["spec"]["path"], given=kustomization
    )
    assert sorted((git.here(each) for each in by_flux), key=repr) == sorted(manifests, key=repr), (
        "the chart is no other preview"
    )


async def test_a_preview_without_a_number_is_refused(gitops_tools: Path, tmp_path: Path) -> None:
    set_ = yaml.safe_load((EXAMPLES / "argocd" / "previews.yaml").read_text())
    numberless = {
        name: value for name, value in PULL_REQUEST.items() if name != "number"
    }  # the first that is missing is told
    with pytest.raises(tools.Failed, match='no entry for key "number"'):
        await tools.run(gitops_tools, "template", given={"applicationSet": set_, "parameters": [numberless]})
    shutil.copytree(EXAMPLES / "preview", tmp_path / "preview")
    kustomization = yaml.safe_load((EXAMPLES / "flux" / "preview-42.yaml").read_text())
    kustomization["spec"]["postBuild"]["substitute"] = {"tag": "1"}
    with pytest.raises(tools.Failed, match="preview"):
        await tools.run(gitops_tools, "build", tmp_path / "preview", given=kustomization)


def test_each_manifest_for_argo_cd_and_flux_points_to_a_folder() -> None:
    found = [
        yaml.safe_load(path.read_text()) for tool in ("flux", "argocd") for path in (EXAMPLES / tool).glob("*.yaml")
    ]
    paths = set()
    for each in found:
        spec = each["spec"].get("template", each)["spec"]
        if path := spec.get("path", spec.get("source", {}).get("path")):
            assert (TOP / path / ("Chart.yaml" if "chart" in path else "kustomization.yaml")).is_file(), path
            paths.add(Path(path).name)
    assert paths == {path.name for path in EXAMPLES.iterdir() if path.is_dir()} - {"flux", "argocd"}


async def rendered(application: dict[str, Any], folder: Path) -> list[Manifest]:
    """`helm template` as Argo CD calls it: the release is the Application, in its destination's namespace."""
    spec = application["spec"]
    values = folder / "values.json"
    values.write_text(json.dumps(spec["source"]["helm"]["valuesObject"]))
    helm = (await find_binaries(print, ("helm",))).resolve() / "helm"
    process = await asyncio.create_subprocess_exec(
        *(helm, "template", TOP / spec["source"]["path"], "--name-template", application["metadata"]["name"]),
        *("--namespace", spec["destination"]["namespace"], "--values", values, "--include-crds"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    made = [each for each in yaml.safe_load_all(output) if each]
    for each in made:
        each["metadata"].setdefault("namespace", spec["destination"]["namespace"])
    return made
