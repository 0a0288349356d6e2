"""A Kustomization of Flux, applied by Flux' own libraries."""

from pathlib import Path

from cluster import Manifest
from gitops import tools
from stories.world import World

LONG = "100"
"""Seconds of a wait that is to end by itself."""


class Flux:
    """A Kustomization with `wait` and `prune`: what kustomize-controller does with these objects."""

    def __init__(self, program: Path, world: World, name: str = "databases") -> None:
        self._program = program
        self._kubeconfig = world.cluster.control_plane.kubeconfig
        self._name = name

    async def apply(self, objects: list[Manifest]) -> set[str]:
        """Return what became of them: `created`, `configured`, `unchanged`."""
        told = await tools.run(self._program, "apply", self._kubeconfig, self._name, given=objects)
        assert len(told) == len(objects)
        return set(told.values())

    async def wait(self, objects: list[Manifest], seconds: str = LONG) -> None:
        """Raises Failed in Flux' words."""
        assert await tools.run(self._program, "wait", self._kubeconfig, seconds, given=objects) == "Current"

    async def prune(self, objects: list[Manifest]) -> set[str]:
        """Return what became of them. Raises Failed in Flux' words."""
        return set((await tools.run(self._program, "prune", self._kubeconfig, self._name, given=objects)).values())
