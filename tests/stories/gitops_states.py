"""Resources in every state of life, as the API server shows them, each with the reason that it stands for."""

import copy
from dataclasses import dataclass, field
from typing import Any

from cluster import Manifest
from stories.everything import COLLECTIONS
from stories.world import World, condition


@dataclass
class Album:
    """Takes pictures."""

    world: World
    taken: list[tuple[str, Manifest]] = field(default_factory=list)
    """Reason and object."""

    async def becomes(self, kind: str, name: str, type_: str, status: str, reason: str) -> Manifest:
        """Wait for a condition; keep what the API server shows then."""
        resource = await self.world.becomes(kind, name, type_, status, reason)
        self.taken.append((reason, copy.deepcopy(resource)))
        return resource

    async def in_trouble(self, kind: str, name: str, phase: str, reason: str) -> None:
        """The cloud says so of an object; then it is well again."""
        id_ = (await self.world.get(kind, name))["status"]["id"]
        await self.world.sandbox.edit(COLLECTIONS[kind], id_, status=phase)
        type_, status = ("Degraded", "True") if phase == "DEGRADED" else ("Ready", "False")
        await self.becomes(kind, name, type_, status, reason)
        await self.world.sandbox.edit(COLLECTIONS[kind], id_, status="ACTIVE")
        await self.world.becomes(kind, name)

    async def paused(self, kind: str, name: str, /, **change: Any) -> Manifest:
        """A pause holds a change back; where there is none, it holds back nothing."""
        await self.world.annotate(kind, name, paused="true")
        if change:
            await self.world.change(kind, name, **change)
        resource = await self.becomes(kind, name, "Synced", "False" if change else "True", "Paused")
        assert condition(resource, "Ready")["status"] == "True", "it goes on serving"
        return resource
