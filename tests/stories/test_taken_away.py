"""The operator, its CRDs or a whole namespace is deleted: protected objects stay, in the cloud and in Kubernetes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cluster import Cluster, Manifest
from definitions import install_crds
from install.helm import install as helm_install
from install.helm import uninstall as helm_uninstall
from install.kubectl import kubectl_for
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import GROUP
from operator_process import OperatorProcess
from release_process import release
from stories.pace import FAST, fast
from stories.world import World, condition, manifest

HOLDING_DATA = (
    ("ManagedDatastore", "main"),
    ("ManagedDatastore", "broker"),
    ("ManagedDatabase", "shop"),
    ("KafkaTopic", "orders"),
)
IN_THE_CLOUD = {"datastores": ["broker", "main"], "databases": ["shop"], "topics": ["orders"]}
RELEASE = "ops"
ACCOUNT = "mdo-managed-databases-operator"


def protected(world: World) -> list[Manifest]:
    """Protected by default, or as their datastore is."""
    unsaid: dict[str, Any] = {"deletionProtection": None}
    made = [
        world.datastore(**unsaid),
        world.datastore("broker", engine={"type": "kafka", "version": "3.6"}, **unsaid),
        world.database(),
        manifest("KafkaTopic", "orders", world.namespace, {"datastoreRef": {"name": "broker"}}),
    ]
    for each in made:
        each["spec"].pop("deletionProtection", None)
    return made


async def all_is_protected(world: World) -> None:
    await world.apply(world.project_manifest(), *protected(world))
    for kind, name in HOLDING_DATA:
        await world.becomes(kind, name)
        await world.becomes(kind, name, "Synced")


async def nothing_is_lost(world: World) -> None:
    assert await world.calls("DELETE") == []
    for collection, names in IN_THE_CLOUD.items():
        assert sorted(each["name"] for each in await world.sandbox.objects(collection)) == names


async def is_stuck_and_says_so(world: World) -> None:
    for kind, name in HOLDING_DATA:
        await world.becomes(kind, name, "Stalled", reason="Protected")
    await nothing_is_lost(world)


async def let_go(world: World) -> None:
    for kind, name in HOLDING_DATA:
        await world.change(kind, name, deletionPolicy="Retain")


@pytest_asyncio.fixture
async def own(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """A control plane of its own: CRDs are everybody's."""
    plane = ControlPlane(control_plane.binaries, controller_manager=True)
    async with plane, Cluster(plane) as cluster:
        yield cluster


@fast
async def test_the_namespace(world: World) -> None:
    await world.grant_cluster_wide()
    await world.operator.start()
    await all_is_protected(world)
    await world.cluster.delete("Namespace", world.namespace)

    async def namespace_tells() -> bool:
        namespace = await world.cluster.get("Namespace", world.namespace)
        told = str(namespace["status"].get("conditions"))
        refused = {kind for kind, name in HOLDING_DATA if f"{kind} {name} is protected" in told}
        assert refused == {kind for kind, _ in HOLDING_DATA}, told  # of each kind the first
        return True

    await world.until("the namespace says why it stays", namespace_tells)
    for kind, name in HOLDING_DATA:
        assert "deletionTimestamp" not in (await world.get(kind, name))["metadata"], kind
    await nothing_is_lost(world)
    await let_go(world)

    async def namespace_is_gone() -> bool:
        return not await world.cluster.exists("Namespace", world.namespace)

    await world.until("the namespace goes", namespace_is_gone, 120)
    await nothing_is_lost(world)


@fast
async def test_one_of_the_named_namespaces(world: World) -> None:
    """Its end takes the operator's Role in it away first, so nobody is left to end what is in it; the others are served on."""
    other = await world.another_namespace()
    await world.operator.start()
    allowed = [{"name": world.namespace}, {"name": other, "powers": ["adopt"]}]
    theirs = world.datastore("theirs")
    theirs["metadata"]["namespace"] = other
    await world.apply(world.project_manifest(allowedNamespaces=allowed), world.datastore(), theirs)
    await world.becomes("ManagedDatastore", "main")

    async def theirs_is_ready() -> bool:
        return bool(
            condition(await world.cluster.get("ManagedDatastore", "theirs", other), "Ready")["status"] == "True"
        )

    await world.until("theirs is Ready", theirs_is_ready)
    await world.cluster.delete("Role", "operator", other)  # as the namespace's end may do before anything else
    await world.cluster.delete("Namespace", other)
    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app")
    await world.operator.kill()
    await world.operator.start()
    await world.apply(world.user("late"))
    await world.becomes("DatabaseUser", "late")
    await world.delete("DatabaseUser", "app")

    ended = await release(world.cluster, "--namespace", other, "--yes")
    assert ended.code == 0, ended.said

    async def namespace_is_gone() -> bool:
        return not await world.cluster.exists("Namespace", other)

    await world.until("the namespace goes", namespace_is_gone, 120)
    assert sorted(each["name"] for each in await world.sandbox.objects("datastores")) == ["main", "theirs"]
    assert await world.calls("DELETE", "/datastores") == []

    await world.comes_back(other)
    theirs["spec"]["adoption"] = "Required"
    await world.apply(theirs)
    await world.until("it is served again", theirs_is_ready)
    await world.apply(manifest("DatabaseUser", "app", other, {"datastoreRef": {"name": "theirs"}}))

    async def secret_is_there() -> bool:
        return await world.cluster.exists("Secret", "app-user", other)

    await world.until("it has a Secret", secret_is_there)
    await world.cluster.delete("Secret", "app-user", other)
    await world.until("the Secret is missed long before the next look", secret_is_there)


PLURALS = (
    "databaseprojects",
    "manageddatastores",
    "manageddatabases",
    "kafkatopics",
    "databaseusers",
    "databasegrants",
)


async def delete_crds(own: Cluster, *plurals: str) -> None:
    for plural in plurals:
        await own.delete("CustomResourceDefinition", f"{plural}.{GROUP}")


async def crds_are_gone(own: Cluster, world: World, *plurals: str) -> None:
    async def no_crd() -> bool:
        left = [plural for plural in plurals if await own.exists("CustomResourceDefinition", f"{plural}.{GROUP}")]
        assert not left, (left, world.operator.log_tail(5))
        return True

    await world.until("the CRDs are gone", no_crd, 120)


async def without_policies(own: Cluster) -> None:
    """Nothing but the operator is left to keep what the cloud holds."""
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        for each in await own.list(kind):
            await own.delete(kind, each["metadata"]["name"])


async def much_is_there(world: World) -> None:
    """Protected and unprotected, with an owned grant and a Secret: more than the finalizers' second line would keep."""
    await world.apply(
        world.project_manifest(),
        *protected(world),
        world.user(databases=[{"name": "shop"}]),
        world.datastore("unprotected"),
    )
    for kind, name in (*HOLDING_DATA, ("DatabaseUser", "app"), ("ManagedDatastore", "unprotected")):
        await world.becomes(kind, name)
        await world.becomes(kind, name, "Synced")


async def in_the_cloud(world: World) -> dict[str, list[str]]:
    collections = ("datastores", "databases", "users", "grants", "topics")
    return {each: sorted(one["id"] for one in await world.sandbox.objects(each)) for each in collections}


@pytest.mark.parametrize("when", ["while it runs", "while it is away", "only the owner's"])
async def test_the_crds(own: Cluster, tmp_path: Path, when: str) -> None:
    """Past every policy: what is of them is let go, the cloud keeps all, and the operator serves what comes anew."""
    await install_crds(own)
    await without_policies(own)
    async with World(own, tmp_path, settings=FAST) as world:
        await world.operator.start()
        await much_is_there(world)
        before, secret = await in_the_cloud(world), await world.secret("app-user")
        assert all(before.values()), before
        plurals = PLURALS if when != "only the owner's" else ("databaseusers",)
        if when == "while it is away":
            await world.operator.kill()
            await delete_crds(own, *plurals)
            await _all_but_projects_hang(own, *plurals)
            await world.operator.start()
        else:
            await delete_crds(own, *plurals)
        await crds_are_gone(own, world, *plurals)
        assert await in_the_cloud(world) == before
        assert await world.calls("DELETE") == []
        assert await world.secret("app-user") == secret, "applications still log in with it"
        assert world.operator.is_running, world.operator.log_tail()

        await install_crds(own)
        if when == "only the owner's":

            async def grant_is_let_go() -> bool:
                return not await own.exists("DatabaseGrant", "app-shop", world.namespace)

            await world.until(
                "the garbage collection, which knows the kind again, takes the user's grant", grant_is_let_go
            )
            assert await in_the_cloud(world) == before
        await world.apply(world.project_manifest(), world.datastore("again"))
        await world.becomes("ManagedDatastore", "again")


async def _all_but_projects_hang(own: Cluster, *plurals: str) -> None:
    async def look() -> bool:
        for plural in plurals:
            if plural == "databaseprojects":
                assert not await own.exists("CustomResourceDefinition", f"{plural}.{GROUP}")
            else:
                (hanging, *_) = await own.list(plural)
                assert "deletionTimestamp" in hanging["metadata"], plural
        return True

    await own.wait_until("Kubernetes has begun to delete every resource", look)


async def test_a_crd_whose_finalizer_was_removed_by_hand(own: Cluster, tmp_path: Path) -> None:
    """Its resources are hidden, still being deleted, and come back with the next definition of that name."""
    await install_crds(own)
    await without_policies(own)
    async with World(own, tmp_path, settings=FAST) as world:
        await world.operator.start()
        await world.apply(world.project_manifest(), world.datastore("unprotected"))
        await world.becomes("ManagedDatastore", "unprotected")
        await world.operator.kill()
        await delete_crds(own, "manageddatastores")
        await _all_but_projects_hang(own, "manageddatastores")
        name = f"manageddatastores.{GROUP}"
        await own.patch("CustomResourceDefinition", name, None, {"metadata": {"finalizers": []}})
        await crds_are_gone(own, world, "manageddatastores")
        await install_crds(own)
        (left,) = await own.list("manageddatastores")
        assert "deletionTimestamp" in left["metadata"]
        await world.operator.start()

        async def is_let_go() -> bool:
            return not await own.list("manageddatastores")

        await world.until("what came back is let go", is_let_go)
        assert await world.calls("DELETE") == []
        assert [each["name"] for each in await world.sandbox.objects("datastores")] == ["unprotected"]


async def test_what_was_in_deletion_before_its_crd(own: Cluster, tmp_path: Path) -> None:
    """A protected one that waits for a person is let go with the others; nobody has to name it."""
    await install_crds(own)
    await without_policies(own)
    async with World(own, tmp_path, settings=FAST) as world:
        await world.operator.start()
        await all_is_protected(world)
        for kind, name in HOLDING_DATA:
            await world.delete(kind, name, wait=False)
        await is_stuck_and_says_so(world)
        plurals = ("manageddatastores", "manageddatabases", "kafkatopics")
        await delete_crds(own, *plurals)
        await crds_are_gone(own, world, *plurals)
        await nothing_is_lost(world)
        await install_crds(own)


async def test_the_helm_release_and_then_the_namespace(own: Cluster, tmp_path: Path) -> None:
    """The rights go under a running operator; without it, and once its policies are gone, only the finalizers are left."""
    kubectl = kubectl_for(own.control_plane)
    await asyncio.to_thread(helm_install, kubectl, RELEASE, {})
    async with World(own, tmp_path, settings=FAST) as world:
        await _runs_as_the_chart_says(world)
        await all_is_protected(world)
        await asyncio.to_thread(helm_uninstall, kubectl, RELEASE)
        assert not await own.exists("ClusterRole", f"{RELEASE}-{ACCOUNT}")
        await world.operator.stop()
        for kind, name in HOLDING_DATA:
            assert "deletionTimestamp" not in (await world.get(kind, name))["metadata"], kind
        await nothing_is_lost(world)
        for kind, name in HOLDING_DATA:  # the policies outlive the release
            answer = await own.delete(kind, name, world.namespace, check=False)
            assert "is protected" in answer["message"], answer

        await without_policies(own)
        await own.delete("Namespace", world.namespace)
        await _everything_is_being_deleted(world)
        await nothing_is_lost(world)

        await asyncio.to_thread(helm_install, kubectl, RELEASE, {})
        await _runs_as_the_chart_says(world)
        await is_stuck_and_says_so(world)
        await let_go(world)

        async def namespace_is_gone() -> bool:
            return not await own.exists("Namespace", world.namespace)

        await world.until("the namespace goes", namespace_is_gone, 120)
        await nothing_is_lost(world)


async def _runs_as_the_chart_says(world: World) -> None:
    """No Pod runs here: the process uses the account that the chart made, and its rights."""
    world.system = RELEASE
    await world.put_secret(RELEASE, "cloud", world.sandbox.credentials())
    account = await world.cluster.service_account(RELEASE, ACCOUNT)
    settings = world.settings | {"namespace": RELEASE}
    world.operator = OperatorProcess(account, world.folder / "operator.log", **settings)
    await world.operator.start()


async def _everything_is_being_deleted(world: World) -> None:
    async def look() -> bool:
        for kind, name in HOLDING_DATA:
            assert "deletionTimestamp" in (await world.get(kind, name))["metadata"], kind
        return True

    await world.until("all is being deleted", look)
