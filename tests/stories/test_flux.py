"""Flux' own libraries over every kind: apply, wait, fail early, no diff loop, prune, as kustomize-controller does it."""

import asyncio
import json
from pathlib import Path

import pytest

from cluster import Manifest
from gitops import tools
from stories.everything import all_is_in_sync, give, nothing_is_left, project, resources
from stories.flux import Flux
from stories.pace import fast
from stories.world import World, condition


@fast
async def test_a_whole_life_by_flux(world: World, gitops_tools: Path) -> None:
    flux, everything = Flux(gitops_tools, world), resources(world)
    await give(world)
    await world.apply(project(world))
    assert await flux.apply(everything) == {"created"}
    assert await flux.apply(everything) == {"unchanged"}, "before the operator has seen it"
    with pytest.raises(tools.Failed, match="timeout waiting for.*status: 'InProgress'"):
        await flux.wait(everything, "3")
    await world.operator.start()
    await flux.wait(everything)
    await all_is_in_sync(world)
    assert await flux.apply(everything) == {"unchanged"}, "what the operator adds is no difference"
    whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": everything})
    for how in ((), ("--server-side", "--force-conflicts")):
        assert await world.cluster.kubectl("diff", *how, "-f", "-", stdin=whole) == "", "nor to kubectl and Argo CD"

    changed = [with_spec(each, nodeCount=2) if each["metadata"]["name"] == "main" else each for each in everything]
    assert await flux.apply(changed) == {"unchanged", "configured"}
    assert await flux.apply(changed) == {"unchanged"}, "while the change is under way"
    await flux.wait(changed)
    main = await world.becomes("ManagedDatastore", "main", "Synced")
    assert main["status"]["nodeCount"] == 2, "the wait ended once the change was done"

    await world.annotate("ManagedDatastore", "main", paused="true")
    assert await flux.apply(changed) == {"unchanged"}, "an annotation of somebody else stays"
    assert condition(await world.becomes("ManagedDatastore", "main", "Synced", reason="Paused"), "Ready")
    await flux.wait(changed)
    paused = [with_spec(each, nodeCount=1) if each["metadata"]["name"] == "main" else each for each in changed]
    await flux.apply(paused)
    with pytest.raises(
        tools.Failed, match="failed early due to stalled resources.*ManagedDatastore/.*/main status: 'Failed'"
    ):
        await flux.wait(paused)
    await world.annotate("ManagedDatastore", "main", paused=None)
    await flux.apply(changed)
    await flux.wait(changed)

    assert await flux.prune(changed) == {"deleted"}
    await world.until("all is pruned", lambda: gone(world), 120)


async def gone(world: World) -> bool:
    await nothing_is_left(world)
    return True


@fast
async def test_what_needs_a_person_ends_the_wait_at_once(world: World, gitops_tools: Path) -> None:
    flux = Flux(gitops_tools, world)
    await world.operator.start()
    await world.apply(world.project_manifest())
    await world.sandbox.settings(delay=600)
    objects = [world.datastore("slow"), world.datastore("wrong", engine={"type": "postgresql", "version": "1"})]
    await flux.apply(objects)
    waits = asyncio.create_task(flux.wait(objects))
    with pytest.raises(tools.Failed, match="failed early due to stalled resources.*wrong status: 'Failed'"):
        await waits
    slow = await world.get("ManagedDatastore", "slow")
    assert condition(slow, "Reconciling")["status"] == "True", "the other is still on its way"
    with pytest.raises(tools.Failed) as told:
        await flux.wait(objects)
    assert "slow" not in str(told.value), "it names what failed, and nothing else"


@fast
async def test_a_prune_stops_before_what_is_protected(world: World, gitops_tools: Path) -> None:
    flux = Flux(gitops_tools, world)
    await world.operator.start()
    await world.apply(world.project_manifest())
    objects = [world.datastore(deletionProtection=True), world.database()]
    await flux.apply(objects)
    await flux.wait(objects)
    with pytest.raises(tools.Failed, match="ManagedDatastore main is protected: set spec.deletionProtection: false"):
        await flux.prune(objects)
    for kind, name in (("ManagedDatastore", "main"), ("ManagedDatabase", "shop")):
        kept = await world.becomes(kind, name, "Synced")
        assert "deletionTimestamp" not in kept["metadata"]
    await world.change("ManagedDatastore", "main", deletionProtection=False)

    async def pruned() -> bool:
        try:
            await flux.prune(objects)
        except tools.Failed as failed:
            raise AssertionError(str(failed)) from None
        return not await world.sandbox.objects("datastores")

    await world.until("a later prune goes on", pruned)


def with_spec(resource: Manifest, **spec: object) -> Manifest:
    return resource | {"spec": resource["spec"] | spec}
