"""The moves of a walk: what people, the cloud and bad luck may do to a few resources; and the promises at every instant."""

import asyncio
import copy
from typing import Any

from managed_databases.kinds.registry import kinds
from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.sandbox.faults import LEFT_OUT
from managed_databases.sandbox.projects import DEFAULT_WORLD
from stories.world import SUBNET, manifest
from virtual.everything import CLOUD_KINDS, collection, project
from virtual.memory_cluster import Raw
from virtual.odd_annotations import OddAnnotations, may_be_odd
from virtual.odd_annotations import annotations as annotations_of
from virtual.promises import Promises
from virtual.rollouts import LASTS_SECONDS as ROLLED_OUT_SECONDS
from virtual.trouble import LASTS_SECONDS, THEIRS, Trouble
from virtual.two_projects import TEAM_ID
from virtual.virtual_world import NAMESPACE, SYSTEM, URL, VirtualWorld

IN_MAIN = {"datastoreRef": {"name": "main"}}
SPECS: dict[ResourceKey, dict[str, Any]] = {
    ResourceKey(kind, NAMESPACE, name): spec
    for kind, name, spec in (
        (
            "ManagedDatastore",
            "main",
            {
                "engine": {"type": "postgresql", "version": "16"},
                "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
                "nodeCount": 1,
                "subnetID": SUBNET,
                "deletionProtection": False,
            },
        ),
        ("ManagedDatabase", "shop", IN_MAIN | {"ownerRef": {"name": "app"}}),
        ("DatabaseUser", "app", IN_MAIN),
        ("DatabaseUser", "other", IN_MAIN),
        ("DatabaseUser", "twin", IN_MAIN | {"name": "app"}),
        ("DatabaseGrant", "other-in-shop", IN_MAIN | {"databaseRef": {"name": "shop"}, "userRef": {"name": "other"}}),
        ("PrometheusMetricsToken", "prometheus", {}),
    )
}
KEYS = tuple(SPECS)
SECOND = ResourceKey("ManagedDatastore", NAMESPACE, "second")
"""Wants the key of the first datastore, or of its corrected name."""
SPECS[SECOND] = SPECS[KEYS[0]] | {"name": "main"}
OTHER_TOKEN = ResourceKey("PrometheusMetricsToken", NAMESPACE, "again")
SPECS[OTHER_TOKEN] = {"name": "prometheus"}
EVERY_KEY = (*KEYS, SECOND, OTHER_TOKEN)
MAIN_KIND, TOKEN_KIND = SECOND.kind, OTHER_TOKEN.kind
NAMES = ("main", "corrected", "main-two")
"""What people may call a datastore."""
TOKEN_NAMES = ("prometheus", "corrected")
PROJECT = ResourceKey("DatabaseProject", "", "team")
ODD_ROWS: tuple[dict[str, Any], ...] = (
    {"name": None}, {"name": 5}, {"status": 5}, {"status": LEFT_OUT}, {"connection": {}}, {"connection": None},
    {"connection": LEFT_OUT, "instances": LEFT_OUT}, {"instances": "none"}, {"firewall": None}, {"disk_used": "n/a"},
    {"config": [], "pooler": 5}, {"project_id": None}, {"datastore_id": None},
)  # fmt: skip
ELSEWHERE: tuple[dict[str, Any], ...] = ({"endpoint": f"{URL}/region-2/v1"}, {"endpoint": f"{URL}:443/v1"})
CHANGES: dict[ResourceKey, tuple[dict[str, Any], ...]] = {
    KEYS[0]: (
        {"nodeCount": 2},
        {"config": {"work_mem": 8192}},
        {"config": None},
        {"config": {"nonsense": 1}, "firewall": ["198.51.100.0/24"]},
        {"firewall": ["192.0.2.0/24"]},
        {"firewall": None},
        {"pooler": {"size": 9}},
        {"pooler": None},
        {"config": {"work_mem": "much"}},
        {"firewall": None, "pooler": None, "config": None},
        {"driftPolicy": "Report"},
        {"driftPolicy": "Correct"},
        {"changePolicy": "Approve", "config": {"max_connections": 55}},
        {"changePolicy": "Auto"},
    ),
    KEYS[1]: ({"ownerRef": {"name": "other"}}, {"ownerRef": {"name": "app"}}),
    KEYS[2]: ({"databaseRef": {"name": "shop"}}, {"databaseRef": None}),
    KEYS[3]: ({"rotation": {"everyDays": 1}}, {"rotation": {"schedule": "0 3 * * *"}}, {"rotation": None}),
}
HOLDS_FOR_A_PERSON = {"Conflict", "AlreadyExists", "PasswordUnknown", "ApprovalNeeded", "SecretConflict"}
"""Stalled with one of these is right: somebody has to say what is meant."""
HOLDS_FOR_A_PERSON |= {"ParentChanged", "DuplicateSuspected"}
HOLDS_FOR_A_PERSON |= {"InvalidSpec", "Drift"}  # a parameter that there is not; driftPolicy Report
HOLDS_AGAIN_SECONDS = 120.0
"""So long a resource that was replaced may be without its finalizer: a pass that goes on meanwhile may take that long."""
WAITS_FOR_OTHERS = {"ParentMissing", "ParentNotReady"}


async def begin_with_datastore(world: VirtualWorld) -> None:
    """Start the operator, and wait until the datastore is there."""
    world.cluster.apply(project())
    await world.start()
    main = KEYS[0]
    world.cluster.apply(manifest(main.kind, main.name, NAMESPACE, SPECS[main]))
    await world.until("the datastore is there", lambda: world.says(main, "Synced")[0] == "True")


class Walk:
    """The world, and what is remembered of the way.

    `let_go`: kinds and cloud names of objects that may be there with nobody holding them. `lost`: users whose Secret
    was deleted or set back: nobody knows their password until the operator has set another one. `expected` are further
    reasons that are right after what has happened.
    """

    def __init__(self) -> None:
        self.world = VirtualWorld()
        self.let_go: set[tuple[str, str]] = set()
        self.lost: set[str] = set()
        self.backup: dict[ResourceKey, Raw] | None = None
        self.expected: set[str] = set()
        self.trouble = Trouble(self.world)
        self.hands = self.trouble.hands
        self.rollouts = self.trouble.rollouts
        self.odd = OddAnnotations(self.world, EVERY_KEY)
        self.promises = Promises(self.world, self.trouble, EVERY_KEY)
        self._replaced: dict[ResourceKey, float] = {}
        self._requests = 0

    async def begin(self, *, made: bool) -> None:
        """`made`: with everything there already."""
        await self.world.__aenter__()
        self.world.cluster.apply(project())
        self.trouble.begin()
        await self.world.start()
        if made:
            for key in KEYS:
                self.apply(key)
            await asyncio.sleep(60)

    # --- what happens ---

    def apply(self, key: ResourceKey, **spec: Any) -> None:
        if key not in self.world.cluster.objects:
            self.world.cluster.apply(manifest(key.kind, key.name, NAMESPACE, SPECS[key] | spec))

    def delete(self, key: ResourceKey) -> None:
        raw = self.world.cluster.objects.get(key)
        if raw is None:
            return
        now = asyncio.get_running_loop().time()
        is_just_replaced = now - self._replaced.get(key, -HOLDS_AGAIN_SECONDS) < HOLDS_AGAIN_SECONDS
        has_lost_its_hold = is_just_replaced and not raw["metadata"].get("finalizers")
        if raw["spec"].get("deletionPolicy") == "Retain" or has_lost_its_hold:
            self.let_go |= _objects_of(key)
        self.world.cluster.delete(key)

    def change(self, key: ResourceKey, **spec: Any) -> None:
        raw = self.world.cluster.objects.get(key)
        if raw is None:
            return
        if raw["metadata"].get("deletionTimestamp") and spec.get("deletionPolicy") == "Retain":
            self.let_go |= _objects_of(key)
        self.world.cluster.change(key, **spec)

    def delete_secret(self, user: str) -> None:
        self.lost.add(user)
        self.world.cluster.delete(ResourceKey(SECRET, NAMESPACE, f"{user}-user"))

    async def vanish(self, kind: str) -> None:
        """One object of that kind is deleted by other hands, with what is in it."""
        there = [each for each in await self.world.objects(collection(kind)) if each.get("name") != THEIRS.name]
        for each in there[:1]:
            await self.world.vanish(collection(kind), each["id"])

    async def drift(self) -> None:
        for each in await self.world.objects("datastores"):
            if each["status"] == "ACTIVE":
                await self.world.edit("datastores", each["id"], node_count=3)

    def let_datastore_go(self) -> None:
        """The datastore stays in the cloud; what is in it may be asked for together with what is in another one now."""
        self.change(KEYS[0], deletionPolicy="Retain")
        self.delete(KEYS[0])
        self.expected.add("InvalidSpec")

    def ask_for_a_password(self, user: str) -> None:
        """Somebody wants the user to have another password; each request is a new one."""
        self._requests += 1
        key = ResourceKey("DatabaseUser", NAMESPACE, user)
        if key in self.world.cluster.objects:
            self.world.cluster.annotate(key, rotate_password=str(self._requests))

    def rename(self, key: ResourceKey, name: str) -> None:
        """Somebody corrects a name, whatever is under way; what is in the cloud may have either from now on."""
        self.change(key, name=name)

    async def odd_rows(self, fields: dict[str, Any], times: int) -> None:
        await self.world.fault(path="^/v1/", method="GET", times=times, rows=fields, project=TEAM_ID)

    def lead_elsewhere(self, spec: dict[str, Any] | None) -> None:
        """The project's endpoint becomes another one, unless it would be right to go there; None puts it back."""
        if PROJECT in self.world.cluster.objects and (spec is None or self.has_begun()):
            self.world.cluster.change(PROJECT, **(spec or {"endpoint": None}))

    def has_begun(self) -> bool:
        """Whether something of the project is held, or attempted: without that nothing tells where the project is."""
        begun = [raw for raw in self.world.cluster.objects.values() if {"id", "intent"} & raw.get("status", {}).keys()]
        return any(raw["status"]["identity"]["project"] == PROJECT.name for raw in begun)

    def give_credentials(self, number: int) -> None:
        """The project's Secret is for this one of the cloud's projects; 0 is the right one."""
        told = DEFAULT_WORLD.projects[number]
        data = {"OS_USERNAME": told.username, "OS_PASSWORD": told.password, "INFRA_PROJECT_ID": told.id}
        data |= dict.fromkeys(("OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME"), told.domain)
        self.world.change_secret(SYSTEM, "cloud", data)

    async def make_project_again(self, prefix: str | None, where: dict[str, Any] | None = None) -> None:
        self.world.cluster.delete(PROJECT)
        await asyncio.sleep(1)
        self.world.cluster.apply(project(namePrefix=prefix, **(where or {})))

    def replace(self, key: ResourceKey) -> None:
        """As `kubectl replace` does: finalizers and annotations are gone."""
        if key in self.world.cluster.objects and "deletionTimestamp" not in self.world.get(key)["metadata"]:
            self._replaced[key] = asyncio.get_running_loop().time()
            self.world.cluster.replace(key)

    async def restart(self, seconds: float) -> None:
        self.knows_nothing()
        await self.world.kill()
        await asyncio.sleep(seconds)
        await self.world.start()

    def knows_nothing(self) -> None:
        """A process that has only started must look first."""
        self.trouble.knows_nothing()
        self.promises.knows_nothing()
        self.rollouts.knows_nothing()
        self.odd.knows_nothing()
        self._replaced = dict.fromkeys(self._replaced, asyncio.get_running_loop().time())

    def back_up(self) -> None:
        if self.world.get(THEIRS)["status"].get("id"):  # nobody would hold their datastore after a restore
            self.backup = copy.deepcopy(self.world.cluster.objects)

    async def restore(self) -> None:
        """etcd is as it was at the backup, the cloud is not."""
        if self.backup is None:
            return
        await self.world.kill()
        self.let_go |= {
            each for key in EVERY_KEY for each in _objects_of(key)
        }  # what was made or let go since then is nobody's now
        self.lost |= {"app", "other", "twin"}
        self.hands.restored()
        self.knows_nothing()
        self.world.cluster.objects = copy.deepcopy(self.backup)
        self.rollouts.restored()
        await self.world.start()

    async def restore_with_other_uids(self) -> None:
        """The resources and Secrets of the backup are made again by a tool, the cloud is as it is."""
        if self.backup is None:
            return
        await self.world.kill()
        self.let_go |= {each for key in EVERY_KEY for each in _objects_of(key)}
        self.lost |= {"app", "other", "twin"}
        self.knows_nothing()
        self.trouble.restore_with_other_uids(self.backup)
        self.rollouts.restored()
        await self.world.start()

    # --- what holds ---

    async def check(self, *, is_over: bool = False) -> None:
        """Raises AssertionError. `is_over`: nothing happens any more, and all is settled."""
        if self.world.cluster.away:
            self._replaced = dict.fromkeys(self._replaced, asyncio.get_running_loop().time())
        await self.promises.nothing_is_there_twice()
        self.promises.nothing_is_held_twice()
        await self.promises.ready_only_if_there()
        self.promises.conditions_agree()
        self.promises.each_wish_is_answered()
        await self.promises.all_is_in_one_place(self.let_go)
        await self.promises.nothing_is_renamed_unasked()
        await self.promises.nothing_is_forgotten(self.let_go)
        await self.promises.what_differs_is_told()
        await self.promises.secrets_lead_where_their_users_are(is_over=is_over)
        await self.promises.nobody_is_locked_out(self.lost)
        await self.trouble.ready_only_if_it_opens()
        await self.trouble.others_get_what_they_want()
        self.hands.look()
        self.odd.check()
        can_be_known = await self.trouble.can_be_known(asyncio.get_running_loop().time())
        self.rollouts.check(can_be_known=can_be_known)

    async def all_agrees(self) -> None:
        """With nothing in the way any more, the cloud and the resources come to agree by themselves."""
        world = self.world
        await world.clear_faults()
        world.cluster.away, self.trouble.everywhere = False, False
        self.lead_elsewhere(await self._where_it_belongs())
        self.give_credentials(self._whose_it_is())
        await self.trouble.unstick()
        self.trouble.let_secrets_be_written()
        self.trouble.give(None)
        self.rollouts.refused = False
        self.rollouts.seconds = None if self.rollouts.seconds is None else 5.0
        await self.restart(0)
        for key in EVERY_KEY:
            if key in world.cluster.objects:
                world.cluster.annotate(key, paused=None)
        for _ in range(3):  # what is gone with its data is made again when a person says so, and then its children
            await asyncio.sleep(900)
            await self._let_go_of_what_was_lost()
            for key in EVERY_KEY:
                if key in world.cluster.objects and world.says(key, "Stalled") == ("True", "Gone"):
                    world.cluster.annotate(key, recreate=world.get(key)["status"]["id"])
        await world.until("all is as it can be", self._is_settled, 7200)
        await self.check(is_over=True)
        await asyncio.sleep(self.rollouts.seconds_until_told())
        await self.promises.nothing_is_done_at_rest(LASTS_SECONDS + 60)
        await self.check(is_over=True)
        await self._no_orphans()
        self.rollouts.end_all()
        await asyncio.sleep(ROLLED_OUT_SECONDS)
        await self.promises.nothing_is_done_at_rest(ROLLED_OUT_SECONDS)
        await self.check(is_over=True)
        self.rollouts.have_the_login()

    async def _where_it_belongs(self) -> dict[str, Any] | None:
        """Back, but for what is held or begun elsewhere: with nothing left, another place may have become the right one."""
        held = {raw["status"].get("id") for key, raw in self.world.cluster.objects.items() if key in EVERY_KEY}
        for kind in CLOUD_KINDS:
            if any(
                each["id"] in held and each["region"] == "region-2"
                for each in await self.world.objects(collection(kind))
            ):
                return ELSEWHERE[0]
        for key in EVERY_KEY:
            status = self.world.cluster.objects.get(key, {}).get("status", {})
            if "intent" in status and "id" not in status and "endpoint" in status["intent"]:
                return {"endpoint": status["intent"]["endpoint"]}
        return None

    def _whose_it_is(self) -> int:
        """The number of the cloud's project that the operator's is bound to: with nothing left, another may have become it."""
        objects = self.world.cluster.objects
        statuses = [objects.get(key, {}).get("status", {}) for key in EVERY_KEY]
        bound = [status["identity"]["projectID"] for status in statuses if {"id", "intent"} & status.keys()]
        bound.append(objects.get(PROJECT, {}).get("status", {}).get("projectID"))
        numbers = {told.id: number for number, told in enumerate(DEFAULT_WORLD.projects)}
        return numbers[bound[0]] if bound[0] else 0

    async def _let_go_of_what_was_lost(self) -> None:
        """When all is gone, and the way there was another one since, nobody but a person knows that it is (ADR 0010)."""
        if self.world.says(PROJECT, "Ready")[1] != "ProjectChanged":
            return
        there = {each["id"] for kind in CLOUD_KINDS for each in await self.world.objects(collection(kind))}
        for key in EVERY_KEY:
            if key in self.world.cluster.objects and (id_ := self.world.get(key)["status"].get("id")):
                assert id_ not in there, f"the way is right, {id_} is there, and the project says ProjectChanged"
                self.world.cluster.annotate(key, force_delete="true")
                self.world.cluster.delete(key)

    def _is_settled(self) -> bool:
        for key in EVERY_KEY:
            raw = self.world.cluster.objects.get(key)
            if raw is None:
                continue
            if "deletionTimestamp" in raw["metadata"]:
                # Only a datastore waits, for what nobody deletes; what is in it goes by itself then.
                is_kept = key.kind == MAIN_KIND and self.world.says(key, "Synced")[1] == "InUse"
                assert is_kept, f"{key} does not go: {raw['status']}"
                continue
            reasons = {self.world.says(key, type_)[1] for type_ in ("Synced", "Stalled")}
            is_right = all(self.world.says(key, type_)[0] == "True" for type_ in ("Ready", "Synced"))
            main = self.world.cluster.objects.get(KEYS[0])
            waits = reasons & (HOLDS_FOR_A_PERSON | WAITS_FOR_OTHERS | self.expected)
            if reasons & {"OddAnnotation", "RestartIncomplete"}:  # told beside what the cloud has
                asks = may_be_odd(annotations_of(raw)) or (
                    raw["spec"].get("rolloutRestart") and self.rollouts.troubles(key, raw)
                )
                is_right = bool(asks) and self.world.says(key, "Ready")[0] == "True"
            assert is_right or waits, f"{key}: {raw['status']}"
            if reasons & {"ParentMissing"} and key.kind == "DatabaseUser":
                assert main is None, f"{key} says that there is no parent: {raw['status']}"
        return True

    async def _no_orphans(self) -> None:
        for kind in CLOUD_KINDS:
            held = {raw["status"].get("id") for raw in self.world.cluster.of_kind(kind).values()}
            for each in await self.world.objects(collection(kind)):
                name = each.get("name", "")
                allowed = (kind, name) in self.let_go or any(gone[0] == kind and not gone[1] for gone in self.let_go)
                assert each["id"] in held or allowed, f"nobody holds this {kind}: {each}; let go: {self.let_go}"


def _objects_of(key: ResourceKey) -> set[tuple[str, str]]:
    """The kind and the cloud names that it may have; a grant has none."""
    assert key.kind in kinds()
    if key.kind == "DatabaseGrant":
        return {(key.kind, "")}
    names = {MAIN_KIND: NAMES, TOKEN_KIND: TOKEN_NAMES}.get(key.kind, (str(SPECS[key].get("name", key.name)),))
    return {(key.kind, f"{prefix}{name}") for name in names for prefix in ("", "b-")}
