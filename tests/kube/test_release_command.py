"""`managed-databases release` as people run it, on the real API server."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from cluster import Cluster
from definitions import install_crds_once
from managed_databases.kinds.registry import FINALIZER, GROUP, VERSION
from managed_databases.kube.leadership import LEASE_NAME
from release_process import Ended, release

pytestmark = pytest.mark.story

THEIRS = "example.com/theirs"
USER = {"datastoreRef": {"name": "main"}}


@dataclass
class Place:
    """Namespaces that an operator has left."""

    cluster: Cluster
    namespace: str

    async def user(self, name: str, *finalizers: str, is_deleted: bool = True) -> None:
        metadata = {"name": name, "namespace": self.namespace, "finalizers": list(finalizers)}
        manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "DatabaseUser", "metadata": metadata, "spec": USER}
        await self.cluster.create(manifest)
        if is_deleted:
            await self.cluster.delete("DatabaseUser", name, self.namespace, wait=False)

    async def left(self) -> dict[str, list[str]]:
        """The finalizers of the users that are still there, by name."""
        found = await self.cluster.list("DatabaseUser", self.namespace)
        return {each["metadata"]["name"]: each["metadata"].get("finalizers", []) for each in found}

    async def lease(self, holder: str, seconds: int) -> None:
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        metadata = {"name": LEASE_NAME, "namespace": self.namespace}
        spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds}
        await self.cluster.apply(lease | {"metadata": metadata, "spec": spec})

    async def release(self, *arguments: str, kubeconfig: bool = True) -> Ended:
        return await release(self.cluster if kubeconfig else None, *arguments)


@pytest_asyncio.fixture
async def place(cluster: Cluster) -> Place:
    await install_crds_once(cluster)
    return Place(cluster, await cluster.namespace("left"))


async def test_what_is_deleted_goes_and_the_rest_stays(place: Place) -> None:
    await place.user("gone", FINALIZER)
    await place.user("theirs", FINALIZER, THEIRS)
    await place.user("kept", FINALIZER, is_deleted=False)
    await place.cluster.patch(
        "DatabaseUser", "gone", place.namespace, {"status": {"id": "an-id"}}, subresource="status"
    )
    ended = await place.release("--namespace", place.namespace, "--yes")
    assert ended.code == 0, ended.said
    assert f"DatabaseUser {place.namespace}/gone: released; the cloud keeps an-id" in ended.said
    assert await place.left() == {"theirs": [THEIRS], "kept": [FINALIZER]}
    again = await place.release("--namespace", place.namespace, "--yes")
    assert (again.code, "nothing to release" in again.said) == (0, True)

    ended = await place.release("--all", "--namespace", place.namespace, "--yes")
    assert ended.code == 0, ended.said
    assert await place.left() == {"theirs": [THEIRS], "kept": []}


async def test_all_is_all_everywhere(place: Place) -> None:
    await place.user("kept", FINALIZER, is_deleted=False)
    await place.user("gone", FINALIZER)
    ended = await place.release("--all", "--yes")
    assert ended.code == 0, ended.said
    assert await place.left() == {"kept": []}


async def test_names_mean_these_only(place: Place) -> None:
    await place.user("one", FINALIZER)
    await place.user("two", FINALIZER)
    await place.user("kept", FINALIZER, is_deleted=False)
    arguments = ("--namespace", place.namespace, "--yes")
    ended = await place.release("dbu/one", "DatabaseUser/none", *arguments)
    assert (ended.code, "none: is not there" in ended.said) == (0, True)
    assert await place.left() == {"two": [FINALIZER], "kept": [FINALIZER]}
    ended = await place.release("databaseusers/two", "databaseuser/kept", *arguments)
    assert (ended.code, "kept: stays as it is" in ended.said) == (1, True)
    assert await place.left() == {"kept": [FINALIZER]}


async def test_nothing_happens_without_a_yes(place: Place) -> None:
    await place.user("gone", FINALIZER)
    ended = await place.release("--namespace", place.namespace)
    assert (ended.code, "give --yes" in ended.said) == (2, True)
    assert await place.left() == {"gone": [FINALIZER]}


async def test_an_operator_that_runs_is_left_to_do_it(place: Place) -> None:
    await place.user("gone", FINALIZER)
    arguments = ("--namespace", place.namespace, "--yes")

    async def renew() -> None:
        for seconds in range(3600, 7200):
            await place.lease("operator-1", seconds)
            await asyncio.sleep(0.2)

    await place.lease("operator-1", 3600)
    renewing = asyncio.create_task(renew())
    ended = await place.release(*arguments)
    renewing.cancel()
    assert (ended.code, f"an operator runs ({place.namespace}/operator-1)" in ended.said) == (3, True), ended.said
    assert await place.left() == {"gone": [FINALIZER]}
    ended = await place.release(*arguments, "--force")
    await place.lease("", 1)
    assert ended.code == 0, ended.said
    assert await place.left() == {}


async def test_an_operator_that_was_killed_does_not_stand_in_the_way(place: Place) -> None:
    await place.user("gone", FINALIZER)
    await place.lease("operator-1", 2)
    ended = await place.release("--namespace", place.namespace, "--yes")
    assert ended.code == 0, ended.said
    assert await place.left() == {}


async def test_who_may_not_look_for_an_operator_is_told(place: Place) -> None:
    await place.user("gone", FINALIZER)
    attacker = await place.cluster.control_plane.user("attacker")
    ended = await place.release(
        "--kubeconfig", str(attacker), "--namespace", place.namespace, "--yes", kubeconfig=False
    )
    assert (ended.code, "403" in ended.said) == (1, True), ended.said
    assert await place.left() == {"gone": [FINALIZER]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to release"),
        (("--all", "dbu/one", "--namespace", "shop"), "either --all, or names"),
        (("dbu/one",), "in which --namespace"),
        (("pod/one", "--namespace", "shop"), "KIND is one of"),
        (("dbu/", "--namespace", "shop"), "KIND is one of"),
        (("databseuser/one", "--namespace", "shop"), "did you mean databaseuser/one?"),
        (("databaseproject/one", "--namespace", "shop"), "KIND is one of"),
        (("--all",), "name the cluster"),
    ],
)
async def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], said: str, cluster: Cluster) -> None:
    place = Place(cluster, "unused")
    ended: Any = await place.release(*arguments, kubeconfig=False)
    assert (ended.code, said in ended.said) == (2, True), ended.said
