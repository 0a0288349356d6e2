"""Anybody can refer to any datastore. Only objects in it, or attempts to make one, hold up its deletion; its owner sees which."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cluster import Cluster, Manifest
from stories.attacker import Attacker, edit_rights
from stories.pace import fast
from stories.world import World, condition


@asynccontextmanager
async def attacker_beside(world: World, *, project_allows: bool) -> AsyncIterator[Attacker]:
    """The victim has a datastore that lets nobody in, and nothing in it."""
    hers = await world.another_namespace()
    await edit_rights(world, hers, "attacker")
    await world.operator.start()
    allowed = [{"name": world.namespace}, *([{"name": hers}] if project_allows else [])]
    await world.apply(world.project_manifest(allowedNamespaces=allowed), world.datastore())
    await world.becomes("ManagedDatastore", "main", "Synced")
    kubeconfig = await world.cluster.control_plane.user("attacker")
    async with Cluster(world.cluster.control_plane, kubeconfig) as cluster:
        yield Attacker(cluster, hers, world)


async def keeps(world: World) -> str:
    """What the datastore says while it waits for what is in it."""
    told = await world.becomes("ManagedDatastore", "main", status="False", reason="InUse")
    return str(condition(told, "Ready")["message"])


@fast
async def test_who_is_let_in_nowhere_keeps_nothing(world: World) -> None:
    async with attacker_beside(world, project_allows=False) as attacker:
        id_ = (await world.get("ManagedDatastore", "main"))["status"]["id"]
        by_name = {"name": "main", "namespace": world.namespace}
        for name, reference, reason in (("named", by_name, "ParentMissing"), ("held", {"id": id_}, "Forbidden")):
            for made in (world.user(name), world.database(name)):
                await attacker.apply(made, datastoreRef=reference)
                # By id, nothing but the default project says whose it is, and that one does not allow her.
                await attacker.is_told(made["kind"], name, reason)
        await world.delete("ManagedDatastore", "main")
        assert len(await world.calls("DELETE", "/v1/datastores/")) == 1


@fast
async def test_who_is_let_into_the_project_only_keeps_nothing(world: World) -> None:
    async with attacker_beside(world, project_allows=True) as attacker:
        id_ = (await world.get("ManagedDatastore", "main"))["status"]["id"]
        await attacker.apply(world.user("held", datastoreRef={"id": id_}))
        await attacker.is_told("DatabaseUser", "held", "Forbidden")
        # Nor does what was never made of the owner's own.
        await world.apply(world.user("never", passwordSecretRef={"name": "nowhere"}))
        await world.becomes("DatabaseUser", "never", status="False", reason="SecretMissing")
        await world.delete("ManagedDatastore", "main")
        await world.delete("DatabaseUser", "never")
        assert await world.posts("users") == []


@fast
async def test_what_stands_in_it_keeps_it_and_its_owner_sees_what(world: World) -> None:
    async with attacker_beside(world, project_allows=True) as guest:
        await world.change("ManagedDatastore", "main", allowedNamespaces=[guest.namespace])
        await guest.apply(world.user("hers", datastoreRef={"name": "main", "namespace": world.namespace}))

        async def it_is_there() -> Manifest:
            user = await guest.cluster.get("DatabaseUser", "hers", guest.namespace)
            assert condition(user, "Ready").get("status") == "True", user.get("status")
            return user

        id_ = (await world.until("the guest's user is there", it_is_there))["status"]["id"]
        await world.delete("ManagedDatastore", "main", wait=False)
        assert f"DatabaseUser {guest.namespace}/hers" in await keeps(world)

        # Who is let in no more may be nobody that the owner knows of: what stands there is named as the cloud names it.
        await world.change("ManagedDatastore", "main", allowedNamespaces=None)

        async def she_is_named_no_more() -> str:
            message = await keeps(world)
            assert guest.namespace not in message
            return message

        message = await world.until("the owner reads nothing of her namespace", she_is_named_no_more)
        assert f"user {id_} " in message
        assert "hers" not in message
        assert await world.calls("DELETE", "/v1/datastores/") == []
        await world.sandbox.vanish("users", id_)
        await world.delete("ManagedDatastore", "main")
        await guest.cluster.delete("DatabaseUser", "hers", guest.namespace, wait=True)
