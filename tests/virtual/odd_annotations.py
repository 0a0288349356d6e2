"""Annotations of people for the random walks: mistyped ones, approvals of nothing, and those that steer something; and what must
be told of them.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import Final

from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.annotations import APPROVE, OF_PEOPLE, OWNED_BY, RECREATE, ROTATE_PASSWORD
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition
from virtual.memory_cluster import Raw
from virtual.virtual_world import VirtualWorld

ODD: Final = "OddAnnotation"
WRONG_HASH: Final = "0123456789ab"
ANNOTATIONS: tuple[tuple[str, str], ...] = (
    ("pause", "true"),
    ("aprove", WRONG_HASH),
    ("rotate-pasword", "1"),
    ("projects", "team"),
    ("allow-insecure", "true"),
    ("paused", "yes"),
    ("force-delete", "True"),
    ("approve", WRONG_HASH),
    ("approve", "s3cret, pasted"),
    ("approve", ""),
    ("recreate", "zzz"),
    ("rotate-password", "1"),
    ("sync-requested", "1"),
)
"""Some are right on one kind, and odd on another one."""
LASTS_SECONDS = 240.0
"""The longest until an annotation is told, and until that is taken back, as for a wish (`promises`)."""
_APPROVED = re.compile(r"approve: ([0-9a-f]{12})")


class OddAnnotations:
    """`keys`: the resources of the walk."""

    def __init__(self, world: VirtualWorld, keys: Iterable[ResourceKey]) -> None:
        self.world = world
        self._keys = tuple(keys)
        self._wrong_since: dict[ResourceKey, tuple[object, float]] = {}

    def knows_nothing(self) -> None:
        """A process that has only started must look first."""
        self._wrong_since.clear()

    # --- what happens ---

    def annotate(self, key: ResourceKey, name: str, value: str | None) -> None:
        if key in self.world.cluster.objects:
            self.world.cluster.annotate(key, **{name: value})

    def clean(self, key: ResourceKey) -> None:
        """Whoever writes the resource removes all that steers nothing."""
        for name in {name for name, _ in ANNOTATIONS}:
            self.annotate(key, name, None)

    def approve(self, key: ResourceKey) -> None:
        """What waits, if anything does."""
        if key in self.world.cluster.objects:
            for hash_ in _APPROVED.findall(condition(self.world.get(key), "Stalled").get("message", ""))[:1]:
                self.annotate(key, "approve", hash_)

    # --- what holds ---

    def check(self) -> None:
        """What has no effect is told, and nothing is told that is not there. It decides nothing, and asks a person by Synced."""
        now = asyncio.get_running_loop().time()
        if self.world.cluster.away:
            self._wrong_since.clear()
        for key in self._keys:
            raw = self.world.cluster.objects.get(key)
            if raw is None or "deletionTimestamp" in raw["metadata"]:
                self._wrong_since.pop(key, None)
                continue
            self._agrees_with_synced(key, raw)
            told, its = condition(raw, ODD).get("message"), annotations(raw)
            missing = [name for name in surely_odd(key, its) if f"annotation {name} " not in (told or "")]
            is_wrong = bool(missing) or (told is not None and not may_be_odd(its))
            state = (raw["metadata"]["uid"], its)
            before = self._wrong_since.get(key)
            if not is_wrong:
                self._wrong_since.pop(key, None)
            elif before is None or before[0] != state:
                self._wrong_since[key] = state, now
            else:
                assert now - before[1] < LASTS_SECONDS, f"{key} has {its}, and tells {told}: {raw['status']}"

    def _agrees_with_synced(self, key: ResourceKey, raw: Raw) -> None:
        is_told, synced = self.world.says(key, ODD)[0] == "True", self.world.says(key, "Synced")
        assert not (is_told and synced[0] == "True"), (
            f"{key} asks a person, and all is as it should be: {raw['status']}"
        )
        assert is_told or synced[1] != ODD, (
            f"{key}: Synced tells of an annotation, and no condition does: {raw['status']}"
        )
        for type_ in ("Ready", "Reconciling", "Stalled"):
            assert self.world.says(key, type_)[1] != ODD, f"{key}: {raw['status']}"


def annotations(raw: Raw) -> dict[str, str]:
    """Those of the operator's, with an effect or without."""
    told: dict[str, str] = raw["metadata"].get("annotations", {})
    return {name: value for name, value in told.items() if name.startswith(f"{GROUP}/") and name != OWNED_BY}


def surely_odd(key: ResourceKey, its: dict[str, str]) -> list[str]:
    """Whatever waits, and whatever was before. The datastores of the walks are no Redis: users alone have passwords to change."""
    switches = {f"{GROUP}/{name}" for name in ("paused", "force-delete")}
    odd = [name for name in its if name not in OF_PEOPLE]
    odd += [name for name in switches & its.keys() if its[name] not in ("true", "false")]
    odd += [APPROVE] if not re.fullmatch(r"[0-9a-f]{12}", its.get(APPROVE, WRONG_HASH)) else []
    odd += [RECREATE] if its.get(RECREATE) == "zzz" else []
    return odd + ([ROTATE_PASSWORD] if ROTATE_PASSWORD in its and key.kind != "DatabaseUser" else [])


def may_be_odd(its: dict[str, str]) -> bool:
    """An approval, or the id of an object, may be of what there was."""
    harmless = {(f"{GROUP}/{name}", value) for name in ("paused", "force-delete") for value in ("true", "false")}
    return any(name != f"{GROUP}/sync-requested" and (name, value) not in harmless for name, value in its.items())
