"""Without a free file descriptor the operator reaches neither Kubernetes nor the cloud: it waits, and makes nothing twice."""

import asyncio
import resource

from stories.pace import fast
from stories.watched_through_proxy import Proxy
from stories.world import World


@fast
async def test_both_sides_are_out_of_reach_for_a_while(world: World) -> None:
    async with Proxy(world.cluster.control_plane.url) as proxy:
        await world.reach_kubernetes_through(proxy.kubeconfig)
        await world.operator.start()
        await world.apply(world.project_manifest(), world.datastore())
        await world.becomes("ManagedDatastore", "main")
        process = world.operator.pid
        soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
        await world.sandbox.fault(method="POST", path="/users$", delay_seconds=1)
        await world.apply(world.user())

        async def posted() -> object:
            return await world.posts("users")

        await world.until("the user is being made", posted)
        resource.prlimit(process, resource.RLIMIT_NOFILE, (3, hard))
        proxy.cut()
        await world.apply(world.user("late"), world.database())

        async def is_told() -> bool:
            return "Too many open files" in world.operator.log_tail(400)

        await world.until("it is told", is_told)
        await asyncio.sleep(5)
        assert world.operator.is_running
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))
        for kind, name in (("DatabaseUser", "app"), ("DatabaseUser", "late"), ("ManagedDatabase", "shop")):
            await world.becomes(kind, name)
        assert (world.operator.is_running, world.operator.pid) == (True, process)
        assert len(await world.made("users")) == 2
        assert len(await world.made("databases")) == 1
        assert await world.login_works()
