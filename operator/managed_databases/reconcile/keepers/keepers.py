"""All who work beside the passes: each is shown what a pass sees, orders for itself what is due, and tells what it knows."""

from asyncio import TaskGroup
from dataclasses import dataclass, replace

from managed_databases.kinds.keeper_views import NOTHING_KEPT, KeptViews
from managed_databases.reconcile.keepers.copy_keeper import CopyKeeper
from managed_databases.reconcile.keepers.prober import Prober
from managed_databases.reconcile.keepers.restarter import Restarter
from managed_databases.reconcile.keepers.service_keeper import ServiceKeeper
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.scheduling.work_queue import WorkQueue


@dataclass(frozen=True)
class Keepers:
    prober: Prober
    restarter: Restarter
    services: ServiceKeeper
    copies: CopyKeeper

    def look(self, current: Pass, *, is_asked_for: bool) -> None:
        """Show each the pass, once it has read the Secrets, and enter into `current` what they know. Nothing is awaited.

        `is_asked_for`: a person asks for a new look.
        """
        kept = KeptViews(
            probe=self.prober.look(current, is_asked_for=is_asked_for),
            restart=self.restarter.look(current, is_asked_for=is_asked_for),
            services=self.services.look(current, is_asked_for=is_asked_for),
            copies=self.copies.look(current, is_asked_for=is_asked_for),
        )
        if kept != NOTHING_KEPT:
            current.observed = replace(current.observed, kept=kept)

    def start(self, group: TaskGroup) -> None:
        """Have them work until the group is cancelled."""
        group.create_task(self.prober.run(), name="prober")
        group.create_task(self.restarter.run(), name="restarter")
        group.create_task(self.services.run(), name="service keeper")
        group.create_task(self.copies.run(), name="copy keeper")

    def queues(self) -> dict[str, WorkQueue[ResourceKey]]:
        """Return their queues by their names in metrics."""
        return {
            "logins": self.prober.queue,
            "restarts": self.restarter.queue,
            "services": self.services.queue,
            "copies": self.copies.queue,
        }

    def forget(self, key: ResourceKey) -> None:
        """Forget a resource that is gone."""
        self.prober.forget(key)
        self.restarter.forget(key)
        self.services.forget(key)
        self.copies.forget(key)
