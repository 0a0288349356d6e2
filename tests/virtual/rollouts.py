"""Workloads whose roll-outs end soon, late or never, for the random walks; and what must be told of them.

Kubernetes' own controllers are played: a template that changes is rolled out `seconds` later, or never if that is None.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from managed_databases.kube.workloads import PLURALS
from managed_databases.reconcile.keepers.logins_of_workloads import RESTARTED_AT, login_digest, mark
from managed_databases.reconcile.keepers.restarter import REST_SECONDS, ROLLOUT_SECONDS
from managed_databases.reconcile.ports import ResourceKey
from stories.world import condition
from virtual.memory_cluster import Raw
from virtual.virtual_world import NAMESPACE, VirtualWorld
from virtual.workloads import put, roll_out

SHOP, BATCH = (ResourceKey("Deployment", NAMESPACE, name) for name in ("shop", "batch"))
REPORTS = ResourceKey("StatefulSet", NAMESPACE, "reports")
WORKLOADS: Mapping[ResourceKey, str] = {SHOP: "app-user", REPORTS: "app-user", BATCH: "other-user"}
"""With the Secret that each uses."""
LABELS = {"tier": "back"}
_NAMED: list[dict[str, Any]] = [{"kind": key.kind, "name": key.name} for key in (SHOP, REPORTS)]
_SELECTED: list[dict[str, Any]] = [{"selector": {"matchLabels": LABELS}}]
_MISSING: dict[str, Any] = {"kind": "DaemonSet", "name": "agent"}
TARGETS: tuple[list[dict[str, Any]] | None, ...] = (_NAMED[:1], _NAMED, _SELECTED, [*_NAMED, _MISSING], None)
"""What a user may name; the workloads of the other user's Secret are among those that a label selects."""
WORKLOAD_EDITS = ("image", "annotations gone", "paused", "deleted", "made again", "rolled out")
CONDITION = "RestartIncomplete"
LASTS_SECONDS = REST_SECONDS + 240.0
"""So long what has ended may still be told, and what has begun may not be: the operator looks every ten minutes."""
_FORBIDDEN = "workloads are forbidden"


class Rollouts:
    """`seconds`: how long the roll-outs take that begin from now on. `refused`: the operator may not touch workloads."""

    def __init__(self, world: VirtualWorld) -> None:
        self.world = world
        self.seconds: float | None = 5.0
        self.refused = False
        self._begun: dict[ResourceKey, tuple[str, int]] = {}
        self._restarted: dict[str, tuple[str, str | None]] = {}
        """By the uid of a workload: for which login, and when by its own annotation."""
        self._restarted_at: dict[str, float] = {}
        self._wrong: list[str] = []
        self._told_since: dict[ResourceKey, tuple[object, float]] = {}
        self._late_since: dict[ResourceKey, tuple[object, float]] = {}
        world.cluster.told.append(self._seen)

    def begin(self) -> None:
        for key in WORKLOADS:
            self._put(key)

    def knows_nothing(self) -> None:
        """A process that has only started must look first."""
        self._told_since.clear()
        self._late_since.clear()

    def restored(self) -> None:
        """The workloads are as they were at some time, with the annotations that they had; their roll-outs go on."""
        self._restarted.clear()
        self._restarted_at.clear()
        self._begun.clear()
        self.knows_nothing()
        for key in WORKLOADS:
            self._look(key)

    # --- what happens ---

    def edit(self, key: ResourceKey, how: str) -> None:
        """By a person, or by a tool that knows of no annotations of others."""
        raw = self.world.cluster.objects.get(key)
        if how == "made again":
            self._put(key)
        elif raw is None:
            return
        elif how == "deleted":
            self.world.cluster.delete(key)
        elif how == "rolled out":
            roll_out(self.world, key)
        elif how == "paused":
            self.world.cluster.change(key, paused=None if raw["spec"].get("paused") else True)
        else:
            template = raw["spec"]["template"]
            if how == "annotations gone":
                template.pop("metadata", None)
                self._restarted.pop(raw["metadata"]["uid"], None)
            template["spec"]["containers"][0]["image"] = f"shop:{raw['metadata']['generation']}"
            self.world.cluster.change(key)

    def refuses(self, method: str, path: str) -> str | None:
        return _FORBIDDEN if self.refused and path.startswith("/apis/apps/") else None

    def end_all(self) -> None:
        """All is rolled out, and the operator has its right."""
        self.refused, self.seconds = False, 5.0
        for key in WORKLOADS:
            if key in self.world.cluster.objects:
                roll_out(self.world, key)

    def seconds_until_told(self) -> float:
        """How long it takes until one after the other is told to be late, if any does not end."""
        there = [key for key in WORKLOADS if key in self.world.cluster.objects]
        return 0.0 if all(self._is_rolled_out(key) for key in there) else 2 * ROLLOUT_SECONDS + LASTS_SECONDS

    def _put(self, key: ResourceKey) -> None:
        if key not in self.world.cluster.objects:
            put(self.world, key, secret=WORKLOADS[key], labels=LABELS)

    # --- Kubernetes' controllers ---

    def _seen(self, kind: str, key: ResourceKey, raw: Raw, gone: bool) -> None:
        if kind not in PLURALS or gone:
            return
        told, uid = _annotations(raw), raw["metadata"]["uid"]
        login, at = told.get(mark(WORKLOADS[key])), told.get(RESTARTED_AT)
        if login is not None and (login, at) != (before := self._restarted.get(uid, ("", ""))):
            if login == before[0]:
                self._wrong.append(f"{key} is restarted again for the login that it has, at {before[1]} and at {at}")
            self._restarted[uid] = login, at
            self._restarted_at[uid] = asyncio.get_running_loop().time()
        self._look(key)

    def _look(self, key: ResourceKey) -> None:
        raw = self.world.cluster.objects.get(key)
        if raw is None:
            return
        newest = (raw["metadata"]["uid"], raw["metadata"]["generation"])
        if self._begun.get(key) == newest or raw.get("status", {}).get("observedGeneration", 0) >= newest[1]:
            return
        self._begun[key] = newest
        if self.seconds is not None:
            asyncio.get_running_loop().call_later(self.seconds, self._end, key, newest)

    def _end(self, key: ResourceKey, newest: tuple[str, int]) -> None:
        raw = self.world.cluster.objects.get(key)
        if raw is not None and (raw["metadata"]["uid"], raw["metadata"]["generation"]) == newest:
            roll_out(self.world, key)

    # --- what holds ---

    def check(self, *, can_be_known: bool) -> None:
        """No workload is restarted for a login that it has; what is not rolled out is told, and only as long as that is so."""
        assert not self._wrong, self._wrong
        now = asyncio.get_running_loop().time()
        for key, raw in self.world.cluster.of_kind("DatabaseUser").items():
            self._agrees_with_synced(key, raw)
            is_at_rest = can_be_known and not self.refused and self._is_at_rest(key, raw)
            state = self._state(raw)
            trouble, late = (self.troubles(key, raw), self._late(key, raw)) if is_at_rest else ([], [])
            is_told = self.world.says(key, CONDITION)[0] == "True"
            if _lasts(self._told_since, key, state, now, is_so=is_at_rest and is_told and not trouble):
                raise AssertionError(f"{key} tells of restarts that have ended: {condition(raw, CONDITION)}")
            if _lasts(self._late_since, key, state, now, is_so=is_at_rest and bool(late) and not is_told):
                raise AssertionError(f"{key} does not tell what is late: {late}; {raw['status']}")

    def troubles(self, key: ResourceKey, raw: Raw) -> list[str]:
        """Why a user may say that not all workloads have its login."""
        named = raw["spec"].get("rolloutRestart") or []
        found = self._named(raw)
        why = [f"not there: {each}" for each in named if "selector" not in each and not self._is_there(each)]
        why += [f"another Secret: {each}" for each in found if WORKLOADS[each] != f"{key.name}-user"]
        if any("selector" in each for each in named) and not found:
            why.append("nothing has the labels")
        return why + [f"not rolled out: {each}" for each in found if not self._is_rolled_out(each)]

    def have_the_login(self) -> None:
        """All is over: what the status says of the login that workloads have is of the Secret's."""
        for key, raw in self.world.cluster.of_kind("DatabaseUser").items():
            if not raw["spec"].get("rolloutRestart") or not self._is_at_rest(key, raw):
                continue
            told, now = raw["status"].get("restartedFor"), self._digest(key)
            assert told == now, f"{key}: the workloads have {told}, and the Secret {now}: {raw['status']}"

    def _agrees_with_synced(self, key: ResourceKey, raw: Raw) -> None:
        """It stands beside Ready and Stalled, and asks a person by Synced only if there is something to do."""
        status, reason = self.world.says(key, CONDITION)
        synced = self.world.says(key, "Synced")
        if (status, reason) == ("True", CONDITION):
            assert synced[0] == "False", f"{key} asks a person, and says that all is as it should be: {raw['status']}"
        if synced[1] == CONDITION:
            assert reason == CONDITION, f"{key}: Synced tells of restarts, and no condition does: {raw['status']}"
        for type_ in ("Ready", "Stalled"):
            assert self.world.says(key, type_)[1] not in (CONDITION, "Restarting"), f"{key}: {raw['status']}"

    def _is_at_rest(self, key: ResourceKey, raw: Raw) -> bool:
        """Whether the Secret is right, and nothing keeps the operator from restarts."""
        is_paused = raw["metadata"].get("annotations", {}).get("manageddatabases.io/paused") == "true"
        is_going = "deletionTimestamp" in raw["metadata"]
        is_of_today = raw["status"]["observedGeneration"] == raw["metadata"]["generation"]
        synced = self.world.says(key, "Synced")
        is_done = synced[0] == "True" or synced[1] in (CONDITION, "OddAnnotation")
        return self.world.says(key, "Ready")[0] == "True" and is_done and is_of_today and not is_paused and not is_going

    def _state(self, raw: Raw) -> object:
        """While this stays the same, nothing new has begun."""
        secret = self.world.cluster.objects.get(ResourceKey("Secret", NAMESPACE, f"{raw['metadata']['name']}-user"), {})
        workloads = [
            self.world.cluster.objects.get(each, {}).get("metadata", {}).get("resourceVersion") for each in WORKLOADS
        ]
        return raw["metadata"]["uid"], raw["metadata"]["generation"], secret.get("data"), workloads

    def _late(self, key: ResourceKey, raw: Raw) -> list[ResourceKey]:
        """The workloads that were restarted for the login that the status names, and are not rolled out in time."""
        mine, now, late = mark(f"{key.name}-user"), asyncio.get_running_loop().time(), []
        for each in self._named(raw):
            there = self.world.get(each)
            its, since = _annotations(there).get(mine), self._restarted_at.get(there["metadata"]["uid"], now)
            is_for_it = its is not None and its == raw["status"].get("restartedFor")
            if is_for_it and not self._is_rolled_out(each) and now - since > ROLLOUT_SECONDS:
                late.append(each)
        return late

    def _named(self, raw: Raw) -> list[ResourceKey]:
        """The workloads of `rolloutRestart` that are there."""
        named = raw["spec"].get("rolloutRestart") or []
        if any("selector" in each for each in named):
            return [key for key in WORKLOADS if key in self.world.cluster.objects]
        return [ResourceKey(each["kind"], NAMESPACE, each["name"]) for each in named if self._is_there(each)]

    def _is_there(self, target: Mapping[str, Any]) -> bool:
        return ResourceKey(target["kind"], NAMESPACE, target["name"]) in self.world.cluster.objects

    def _is_rolled_out(self, key: ResourceKey) -> bool:
        raw = self.world.get(key)
        return bool(raw["spec"].get("paused") or raw["status"]["observedGeneration"] >= raw["metadata"]["generation"])

    def _digest(self, key: ResourceKey) -> str:
        secret = f"{key.name}-user"
        names = ("password", "host", "port", "username", "database")
        raw = self.world.cluster.objects[ResourceKey("Secret", NAMESPACE, secret)]
        return login_digest(self.world.seals(), NAMESPACE, secret, {name: _secret(raw, name) for name in names})


def _annotations(workload: Raw) -> dict[str, str]:
    return dict(workload["spec"]["template"].get("metadata", {}).get("annotations", {}))


def _lasts(
    since: dict[ResourceKey, tuple[object, float]], key: ResourceKey, state: object, now: float, *, is_so: bool
) -> bool:
    """Note that it is so; return whether it was for too long, with nothing new meanwhile."""
    if not is_so:
        since.pop(key, None)
        return False
    before = since.get(key)
    if before is None or before[0] != state:
        since[key] = state, now
        return False
    return now - before[1] > LASTS_SECONDS


def _secret(secret: Raw, name: str) -> SecretStr | None:
    told = secret["data"].get(name)
    return None if told is None else SecretStr(b64decode(told).decode(errors="replace"))
