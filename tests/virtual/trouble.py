"""Trouble of one part while others work, for the random walks: another tenant, passwords, Secrets, a restore, stuck objects.

Three promises are here as well that hold all the while.
"""

import asyncio
import copy
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx

from managed_databases.kube.watched_collections import SECRET
from managed_databases.kube.workloads import PLURALS
from managed_databases.reconcile.ports import ResourceKey
from virtual.memory_cluster import Raw
from virtual.other_hands import OtherHands
from virtual.rollouts import Rollouts
from virtual.two_projects import BANK, TEAM_ID, datastore, is_in_sync, put_bank
from virtual.virtual_world import NAMESPACE, VirtualWorld

THEIRS = ResourceKey("ManagedDatastore", BANK, "theirs")
TEAM = ResourceKey("DatabaseProject", "", "team")
APP = ResourceKey("DatabaseUser", NAMESPACE, "app")
GIVEN = ResourceKey(SECRET, NAMESPACE, "given")
REFUSED = "weak-password"
"""What the API's policy refuses."""
PASSWORDS: tuple[bytes, ...] = (REFUSED.encode(), b"good-password-1", b"good-password-2\n", b"\xff\xfe", b"two\nlines")
EDITED_HOST = "elsewhere"
EDITS: tuple[tuple[str, bytes], ...] = (
    ("password", b"edited"),
    ("password", b"\xff"),
    ("host", EDITED_HOST.encode()),
    ("theirs", b"x"),
)
SOON_SECONDS = 120.0
LASTS_SECONDS = 240.0
UNLISTABLE = ("databases", "grants", "users", "prometheus-metrics-tokens")


class Trouble:
    """`everywhere`: a fault may meet anybody."""

    def __init__(self, world: VirtualWorld) -> None:
        self.world = world
        self.everywhere = False
        self.hands = OtherHands(world)
        self.rollouts = Rollouts(world)
        world.ended = self.hands.ended
        self._days = 8
        self._wished_at = 0.0
        self._wrong_since: dict[str, float] = {}
        self._met: dict[str, int] = {}
        self._blind_until = 0.0
        self._after: tuple[int, Callable[[], None]] | None = None
        world.refuses = self._api_refuses
        world.cluster.refuses = self._kubernetes_refuses

    def begin(self) -> None:
        """Another tenant, with a project of its own; and workloads that read the Secrets of users."""
        put_bank(self.world)
        self.world.cluster.apply(datastore(THEIRS))
        self.rollouts.begin()

    def is_calm(self) -> bool:
        return not self.everywhere and not self.world.cluster.away

    def others_may_work(self) -> bool:
        """Whether the other tenant's project is open."""
        return self.world.says(ResourceKey("DatabaseProject", "", BANK), "Ready")[0] == "True"

    def knows_nothing(self) -> None:
        """A process that has only started must look first."""
        self._wrong_since.clear()
        self._wished_at = asyncio.get_running_loop().time()

    # --- what happens ---

    async def throttle(self, seconds: int, times: int) -> None:
        """The API asks the one project to wait for long, and nobody else."""
        fault = {"status": 429, "headers": {"Retry-After": str(seconds)}}
        await self.world.fault(path="^/v1/", project=TEAM_ID, times=times, **fault)

    async def fail_alone(self, times: int) -> None:
        """The API does not answer the one project, and all others."""
        await self.world.fault(path="^/v1/", project=TEAM_ID, times=times, status=503)

    async def unlistable(self, collection: str, status: int) -> None:
        self.everywhere = True
        await self.world.fault(path=f"^/v1/{collection}$", method="GET", status=status)

    def give(self, password: bytes | None) -> None:
        """A person gives a password for the user, another one, or none any more."""
        if APP not in self.world.cluster.objects:
            return
        if password is None:
            self.world.cluster.change(APP, passwordSecretRef=None)
            return
        if GIVEN not in self.world.cluster.objects:
            self.world.put_secret(NAMESPACE, GIVEN.name, {"password": ""})
        self._write(GIVEN, "password", password)
        self.world.cluster.change(APP, passwordSecretRef={"name": GIVEN.name, "key": "password"})

    def edit_secret(self, user: str, name: str, value: bytes) -> None:
        """By other hands."""
        secret = ResourceKey(SECRET, NAMESPACE, f"{user}-user")
        if secret in self.world.cluster.objects:
            self._write(secret, name, value)

    def set_back(self, user: str, before: Raw | None) -> None:
        """A backup tool writes an earlier version of the Secret over it."""
        secret = ResourceKey(SECRET, NAMESPACE, f"{user}-user")
        there = self.world.cluster.objects.get(secret)
        if there is not None and before is not None:
            there["data"] = copy.deepcopy(before["data"])
            there["metadata"]["annotations"] = copy.deepcopy(before["metadata"].get("annotations", {}))
            self.world.cluster.touch(secret)

    def make_immutable(self, user: str) -> None:
        secret = ResourceKey(SECRET, NAMESPACE, f"{user}-user")
        if secret in self.world.cluster.objects:
            self.world.cluster.make_immutable(secret)

    def refuse_secrets(self) -> None:
        """By a quota."""
        self.world.cluster.max_secrets = 0

    def let_secrets_be_written(self) -> None:
        """And nothing more befalls them."""
        self._after = None
        self.world.cluster.max_secrets = None
        for key, raw in self.world.cluster.of_kind(SECRET).items():
            if raw.pop("immutable", None):
                self.world.cluster.touch(key)

    def in_a_pass(self, requests: int, what: Callable[[], None]) -> None:
        """It happens right before the next but so many requests of the operator, be it to Kubernetes or to the API."""
        self._after = requests, what

    async def stick(self) -> None:
        """The cloud does not end its work on a datastore, for hours."""
        for each in await self.world.objects("datastores"):
            if each["status"] == "ACTIVE" and each["name"] != THEIRS.name:
                await self.world.edit("datastores", each["id"], status="PENDING_UPDATE")

    async def unstick(self) -> None:
        for each in await self.world.objects("datastores"):
            if each["status"] == "PENDING_UPDATE":
                await self.world.edit("datastores", each["id"], status="ACTIVE")

    def restore_with_other_uids(self, backup: dict[ResourceKey, Raw]) -> None:
        """As Velero does: no status, no owners, no finalizers; the spec says to take over what is there."""
        for key in [key for key in self.world.cluster.objects if key.namespace == NAMESPACE]:
            self.world.cluster.objects.pop(key)
        for key, raw in copy.deepcopy(backup).items():
            if key.namespace != NAMESPACE:
                continue
            kept = {name: raw["metadata"][name] for name in ("labels", "annotations") if name in raw["metadata"]}
            new = {name: value for name, value in raw.items() if name not in ("metadata", "status")} | {
                "metadata": kept
            }
            if key.kind in PLURALS:
                new["status"] = {"observedGeneration": 0}
            elif key.kind != SECRET:
                new["status"] = {"observedGeneration": -1}
                new["spec"]["adoption"] = "IfExists"
            self.world.cluster.create(key, new)

    # --- what holds ---

    async def works_beside_it(self) -> None:
        """Whatever befalls the one project, the other tenant's change is there soon."""
        if not self.is_calm() or THEIRS not in self.world.cluster.objects:
            return
        await self.world.until("it is at rest", lambda: is_in_sync(self.world, THEIRS), SOON_SECONDS)
        self._wish_theirs()
        await self.world.until("their change is there", lambda: is_in_sync(self.world, THEIRS), SOON_SECONDS)

    async def others_get_what_they_want(self) -> None:
        """At every step the other tenant has a wish, which is carried out within SOON_SECONDS without trouble of everybody's."""
        now = asyncio.get_running_loop().time()
        if not self.is_calm() or THEIRS not in self.world.cluster.objects:
            self._wished_at = now
        elif is_in_sync(self.world, THEIRS):
            self._wish_theirs()
        elif now - self._wished_at > SOON_SECONDS:  # it may not have been calm all the time since the last step
            await self.world.until("their change is there", lambda: is_in_sync(self.world, THEIRS), SOON_SECONDS)

    def _wish_theirs(self) -> None:
        self._days = 8 + (self._days - 7) % 20
        self._wished_at = asyncio.get_running_loop().time()
        self.world.cluster.change(THEIRS, backupRetentionDays=self._days)

    async def ready_only_if_it_opens(self) -> None:
        """Once nothing keeps the operator from knowing, it does not say Ready of a user whose Secret does not open."""
        now = asyncio.get_running_loop().time()
        if not await self.can_be_known(now):
            self._wrong_since.clear()
        for key, raw in self.world.cluster.of_kind("DatabaseUser").items():
            said = self.world.says(key, "Ready")[0]
            is_paused = raw["metadata"].get("annotations", {}).get("manageddatabases.io/paused") == "true"
            password = self.world.secret(f"{key.name}-user").get("password")
            identity = raw["status"].get("identity")
            if said != "True" or is_paused or identity is None:
                self._wrong_since.pop(key.name, None)
                continue
            name = identity["key"][1]
            if password and await self.world.login(identity["datastoreID"], name, password):
                self._wrong_since.pop(key.name, None)
                continue
            since = self._wrong_since.setdefault(key.name, now)
            assert now - since < LASTS_SECONDS, f"{key} says Ready, and its Secret does not open: {raw['status']}"

    async def can_be_known(self, now: float) -> bool:
        """Whether nothing keeps the operator from it: no fault, no project that leads elsewhere, no wait that was asked for."""
        for each in await self.world.faults():
            is_left = each["times"] is None or each["met"] < each["times"]
            if is_left or self._met.get(each["id"]) != each["met"]:
                self._blind_until = max(self._blind_until, now + float(each["headers"].get("Retry-After", 0)))
            self._met[each["id"]] = each["met"]
        is_open = TEAM in self.world.cluster.objects and self.world.says(TEAM, "Ready")[0] == "True"
        return self.is_calm() and is_open and now >= self._blind_until

    # --- what happens on the way ---

    def _passes(self) -> None:
        """A request of the operator passes by."""
        if self._after is None:
            return
        left, what = self._after
        self._after = (left - 1, what) if left else None
        if not left:
            what()

    def _api_refuses(self, request: httpx.Request) -> httpx.Response | None:
        self._passes()
        self.hands.sent(request)
        return _refuses(request)

    def _kubernetes_refuses(self, method: str, path: str) -> str | None:
        self._passes()
        return self.rollouts.refuses(method, path)

    def _write(self, secret: ResourceKey, name: str, value: bytes) -> None:
        self.world.cluster.objects[secret]["data"][name] = b64encode(value).decode()
        self.world.cluster._changed(secret)


def _refuses(request: httpx.Request) -> httpx.Response | None:
    is_of_users = request.method in ("POST", "PUT") and "/users" in request.url.path
    if not is_of_users or REFUSED.encode() not in request.content:
        return None
    error: dict[str, Any] = {
        "code": 400,
        "title": "Bad Request",
        "message": "Validation failure: {'user.password': 'weak'}",
    }
    return httpx.Response(400, json={"error": error}, request=request)
