"""The controller among the other parts of the process."""

import asyncio
from typing import Any, cast

from managed_databases.kinds.registry import kinds
from managed_databases.reconcile.controller import SPARE_SHARE, Controller
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.reconcile.observe.seals import OwnershipKey
from managed_databases.reconcile.ports import Kube, Resource, ResourceKey, SecretContent
from reconcile.manual_clocks import StillClock

KEYS = [ResourceKey("DatabaseUser", "here", f"u{number}") for number in range(1000)]


class EmptyCache:
    """A cache in which no resource is any more; it notes in which turn of the loop it was asked."""

    def __init__(self) -> None:
        self.turn = 0
        self.asked: list[int] = []

    def get(self, _: ResourceKey) -> Resource | None:
        self.asked.append(self.turn)
        return None

    def of_kind(self, _: str) -> tuple[Resource, ...]:
        return ()

    def kinds_in_use(self) -> tuple[str, ...]:
        return ()


class PatientClock(StillClock):
    async def wait(self, event: asyncio.Event, until: float | None) -> bool:
        return await event.wait()


class KeyOnly:
    """A Kubernetes that has the ownership key, and nothing else."""

    async def read_secret(self, namespace: str, name: str) -> SecretContent:
        return SecretContent(namespace, name, "uid", "1", "Opaque", {}, {}, {"key": OwnershipKey.generate().value})


async def test_a_thousand_passes_that_wait_for_nothing_let_others_have_their_turns() -> None:
    cache = EmptyCache()
    settings = ControllerSettings(workers=4)
    controller = Controller(cast(Any, cache), cast(Kube, KeyOnly()), PatientClock(), settings, kinds())
    running = asyncio.create_task(controller.run())
    await asyncio.sleep(0)
    for key in KEYS:
        controller.resource_changed(key)
    cache.asked.clear()
    while len(cache.asked) < len(KEYS):
        cache.turn += 1
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    in_one_turn = max(cache.asked.count(turn) for turn in set(cache.asked))
    assert in_one_turn <= settings.workers + settings.workers // SPARE_SHARE
