"""A CustomResourceDefinition is not deleted while resources of it exist: the policies on a real API server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cluster import Cluster, Manifest
from install.kubectl import TOP, kubectl_for, with_crds
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import GROUP, kinds
from stories.pace import fast
from stories.world import World, manifest

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FORCE = f"{GROUP}/force-delete"


async def refusal(cluster: Cluster, kind: str) -> str:
    """What a deletion of the kind's definition is answered; empty when it would be deleted. Nothing is."""
    path = f"{DEFINITIONS}/{kinds()[kind].plural}.{GROUP}"
    answer = await cluster.http.delete(path, params={"dryRun": "All"})
    return "" if answer.is_success else str(answer.json()["message"])


async def becomes_guarded(cluster: Cluster, kind: str, *, guarded: bool) -> str:
    """The API server takes up policies and their parameters a moment late."""

    async def look() -> tuple[str]:
        said = await refusal(cluster, kind)
        assert bool(said) == guarded, said or "not refused"
        return (said,)

    said: tuple[str] = await cluster.wait_until(f"{kind}: {'guarded' if guarded else 'free'}", look)
    return said[0]


@fast
async def test_while_there_is_one_in_any_namespace_and_until_the_last_is_gone(world: World) -> None:
    other = await world.another_namespace()
    await world.operator.start()
    allowed = [{"name": world.namespace}, {"name": other}]
    theirs = world.datastore("theirs")
    theirs["metadata"]["namespace"] = other
    theirs["metadata"]["finalizers"] = ["example.com/held"]
    await world.apply(world.project_manifest(allowedNamespaces=allowed), world.datastore(), theirs, world.user())
    said = await becomes_guarded(world.cluster, "ManagedDatastore", guarded=True)
    assert "there are resources of the kind ManagedDatastore" in said
    assert "deletionPolicy: Retain" in said
    assert f'{FORCE}: "true"' in said
    await becomes_guarded(world.cluster, "DatabaseUser", guarded=True)
    assert await refusal(world.cluster, "KafkaACL") == "", "of a kind without resources"
    assert f"there is the DatabaseProject {world.project}" in await refusal(world.cluster, "DatabaseProject")

    await world.becomes("DatabaseUser", "app")
    await world.delete("DatabaseUser", "app")
    await becomes_guarded(world.cluster, "DatabaseUser", guarded=False)
    await world.delete("ManagedDatastore", "main")
    await world.cluster.delete("ManagedDatastore", "theirs", other)

    async def held_by_a_stranger_only() -> bool:
        found = await world.cluster.get("ManagedDatastore", "theirs", other)
        return bool(found["metadata"]["finalizers"] == ["example.com/held"])

    await world.until("theirs is being deleted, and ours to hold no more", held_by_a_stranger_only)
    assert await refusal(world.cluster, "ManagedDatastore"), "one that is being deleted counts"
    await world.cluster.patch("ManagedDatastore", "theirs", other, {"metadata": {"finalizers": []}})
    await becomes_guarded(world.cluster, "ManagedDatastore", guarded=False)


@fast
async def test_what_other_installations_tell_stays(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await becomes_guarded(world.cluster, "ManagedDatastore", guarded=True)
    mine = (await world.get("DatabaseProject", world.project))["status"]["inUse"]
    theirs = {"operatorNamespace": "another", "kinds": ["KafkaTopic"]}
    told = {"status": {"inUse": [*mine, theirs]}}
    await world.cluster.patch("DatabaseProject", world.project, None, told, "status")
    await becomes_guarded(world.cluster, "KafkaTopic", guarded=True)
    await world.becomes("ManagedDatastore", "main")
    await world.delete("ManagedDatastore", "main")
    await becomes_guarded(world.cluster, "ManagedDatastore", guarded=False)
    assert (await world.get("DatabaseProject", world.project))["status"]["inUse"] == [theirs]


@pytest_asyncio.fixture
async def own(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """A control plane of its own: CRDs are everybody's."""
    plane = ControlPlane(control_plane.binaries, controller_manager=True)
    async with plane, Cluster(plane) as cluster:
        yield cluster


async def tells(cluster: Cluster, project: str, *in_use: str) -> None:
    """The status that an operator would write, which is long gone."""
    uses = [{"operatorNamespace": "ops", "kinds": list(in_use)}]
    await cluster.patch("DatabaseProject", project, None, {"status": {"inUse": uses}}, "status")


async def test_every_kind_in_every_way_and_the_ways_out(own: Cluster) -> None:
    kubectl = kubectl_for(own.control_plane)
    await asyncio.to_thread(with_crds, own.control_plane)
    foreign = _foreign_definition()
    await own.apply(foreign)
    for kind in kinds():
        assert await refusal(own, kind) == "", f"{kind}: no project, nothing in use"
    spec = {"region": "r", "credentialsSecretRef": {"name": "x"}}
    for name in ("first", "second"):
        await own.apply(manifest("DatabaseProject", name, None, spec))
    await becomes_guarded(own, "DatabaseProject", guarded=True)
    for kind in kinds():
        if kind != "DatabaseProject":
            assert await refusal(own, kind) == "", f"{kind}: projects that know of none"
    for kind in kinds():
        if kind == "DatabaseProject":
            continue
        await tells(own, "second", kind)
        assert f"of the kind {kind}" in await becomes_guarded(own, kind, guarded=True)
        await tells(own, "second")
        await becomes_guarded(own, kind, guarded=False)

    await tells(own, "second", "KafkaTopic")
    await becomes_guarded(own, "KafkaTopic", guarded=True)
    many = await own.http.delete(DEFINITIONS)
    assert many.status_code == 403, many.text
    assert await own.exists("CustomResourceDefinition", f"kafkatopics.{GROUP}")
    assert await own.exists("CustomResourceDefinition", f"databaseprojects.{GROUP}")
    await own.delete("CustomResourceDefinition", foreign["metadata"]["name"], check=False)
    await asyncio.to_thread(kubectl, "apply", "--server-side", "--force-conflicts", "-f", str(TOP / "crds"))

    name = f"kafkatopics.{GROUP}"
    await own.patch("CustomResourceDefinition", name, None, {"metadata": {"annotations": {FORCE: "true"}}})
    assert await refusal(own, "KafkaTopic") == ""
    await own.patch("CustomResourceDefinition", name, None, {"metadata": {"annotations": {FORCE: None}}})
    assert await refusal(own, "KafkaTopic")
    for project in ("first", "second"):
        await own.delete("DatabaseProject", project, wait=True)
    for kind in kinds():
        await becomes_guarded(own, kind, guarded=False)


async def test_all_of_it_can_be_removed_in_any_order(own: Cluster) -> None:
    """The guards take DatabaseProjects for parameters: without that kind they must not be in anybody's way."""
    await asyncio.to_thread(with_crds, own.control_plane)
    await own.apply(manifest("DatabaseProject", "one", None, {"region": "r", "credentialsSecretRef": {"name": "x"}}))
    await becomes_guarded(own, "DatabaseProject", guarded=True)
    await own.delete("DatabaseProject", "one", wait=True)
    await becomes_guarded(own, "DatabaseProject", guarded=False)
    await own.delete("CustomResourceDefinition", f"databaseprojects.{GROUP}", wait=True)
    for kind in kinds().values():
        if kind.name != "DatabaseProject":
            await own.delete("CustomResourceDefinition", f"{kind.plural}.{GROUP}", wait=True)
    foreign = _foreign_definition()
    await own.apply(foreign)
    await own.delete("CustomResourceDefinition", foreign["metadata"]["name"], wait=True)
    left = [each["metadata"]["name"] for each in await own.list("ValidatingAdmissionPolicy")]
    assert f"keep-definitions.{GROUP}" in left, "they are there all the time"
    await asyncio.to_thread(with_crds, own.control_plane)
    await own.apply(manifest("DatabaseProject", "one", None, {"region": "r", "credentialsSecretRef": {"name": "x"}}))
    await tells(own, "one", "KafkaTopic")
    await becomes_guarded(own, "KafkaTopic", guarded=True)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_a_guard(kind: str) -> None:
    assert f"{kinds()[kind].plural}.{GROUP}" in (TOP / "crds/definition-guard.yaml").read_text()


def _foreign_definition() -> Manifest:
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "others.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Other", "plural": "others", "singular": "other", "listKind": "OtherList"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
