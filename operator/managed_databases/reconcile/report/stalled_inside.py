"""Tells a datastore, by an Event of its own, which resources in it have begun to wait for a person: whoever looks after the
datastore sees it there. What happens within half a minute is one Event.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.report.event_recorder import Announcement

STALLED_INSIDE: Final = "StalledInside"
TOGETHER_SECONDS: Final = 30.0
_NAMED: Final = 10
"""The most resources that an Event names."""
_DATASTORE: Final = "ManagedDatastore"


class StalledInside:
    """`datastore` returns a resource as it is now, `post` posts an Event about it."""

    def __init__(
        self,
        datastore: Callable[[ResourceKey], Resource | None],
        post: Callable[[Resource, Announcement], None],
        clock: Clock,
    ) -> None:
        self._datastore = datastore
        self._post = post
        self._clock = clock
        self._stalled: defaultdict[ResourceKey, dict[ResourceKey, str]] = defaultdict(dict)
        """The reasons of the resources, by datastore."""
        self._somebody = asyncio.Event()

    def warned(self, resource: Resource, warning: Announcement) -> None:
        """Take note of a Warning about a resource. One in another namespace than its datastore is not told there."""
        reference, stalled = resource.stated.reference("datastoreRef"), resource.told.condition("Stalled")
        namespace = resource.key.namespace
        if stalled is None or not stalled.is_true or reference.name is None:
            return
        if reference.namespace not in (None, namespace):
            return
        self._stalled[ResourceKey(_DATASTORE, namespace, reference.name)][resource.key] = warning.reason
        self._somebody.set()

    async def run(self) -> None:
        """Post Events until cancelled."""
        while True:
            await self._somebody.wait()
            await self._clock.sleep(TOGETHER_SECONDS)
            self._somebody.clear()
            told, self._stalled = self._stalled, defaultdict(dict)
            for key, stalled in told.items():
                if (datastore := self._datastore(key)) is not None:
                    self._post(datastore, Announcement("Warning", STALLED_INSIDE, _message(stalled)))


def _message(stalled: dict[ResourceKey, str]) -> str:
    named = [f"{key.kind} {key.name} ({reason})" for key, reason in sorted(stalled.items())[:_NAMED]]
    more = f" and {len(stalled) - _NAMED} more" if len(stalled) > _NAMED else ""
    return f"a person must act on resources in this datastore: {', '.join(named)}{more}"
