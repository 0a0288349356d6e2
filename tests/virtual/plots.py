"""Plots: sequences of moves for the random walks. Each repeats, at any moment of a walk, the core of a fault that was found
once.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from virtual.faults import REQUEST_FAULTS
from virtual.other_hands import MAIN, OURS
from virtual.rollouts import WORKLOAD_EDITS, WORKLOADS
from virtual.trouble import LASTS_SECONDS, REFUSED
from virtual.two_projects import TEAM_ID
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import NAMESPACE
from virtual.walk import EVERY_KEY, KEYS, OTHER_TOKEN, PROJECT, SECOND, Walk

APP, TWIN = KEYS[2], KEYS[4]
MEDDLINGS = (
    "nothing",
    *WORKLOAD_EDITS,
    "restart",
    "another password",
    "refused",
    "mistyped",
    "quick now",
    "no longer wanted",
)
BESIDE = ("nothing", "approval", "away", "fails", "restart")
WAYS = ("Report", "Approve", "mistyped", "400 of validation", "403", "409", "429", "reset after the effect")
"""How it is that others have the last word on what a spec names: by its policies, or by what the API says to it."""
LEAVINGS: tuple[dict[str, Any], ...] = (
    {},
    {"driftPolicy": None},
    {"changePolicy": None},
    {"driftPolicy": "Report"},
    {"driftPolicy": None, "changePolicy": None},
)
"""What changes together with the field that leaves the spec."""

Plot = Callable[[Walk], Awaitable[None]]


def played(plot: Plot) -> None:
    """Alone, with everything there already, and a while to look at what follows."""

    async def story() -> None:
        walk = Walk()
        await walk.begin(made=True)
        try:
            await plot(walk)
            for seconds in (1, 60, 60, LASTS_SECONDS):
                await asyncio.sleep(seconds)
                await walk.check()
        finally:
            await walk.world.__aexit__(None, None, None)

    in_virtual_time(story())


async def leave_the_user_to_one(walk: Walk) -> None:
    """Two resources want it, and either may have been the first."""
    walk.delete(TWIN)
    await walk.world.until("it is the other one's", lambda: walk.world.says(APP, "Synced")[0] == "True")


async def others_change_what_the_spec_names(
    walk: Walk, field: str, way: str, leaving: dict[str, Any], *, first: dict[str, Any] | None
) -> None:
    """`first`: what of the policies changes before the field leaves the spec, if anything does."""
    walk.apply(MAIN)
    told = OURS[field]
    if way == "Report":
        walk.change(MAIN, driftPolicy="Report", **told)
        await asyncio.sleep(90)
    elif way == "Approve":
        walk.change(MAIN, changePolicy="Approve", **told)
        await asyncio.sleep(10)
    elif way == "mistyped":
        walk.change(MAIN, config={"work_mem": "much", "wrok_mem": 1})
        await asyncio.sleep(10)
    else:
        of_changes = {"path": "^/v1/datastores/", "method": "PUT", "times": 3, "project": TEAM_ID}
        await walk.world.fault(**of_changes | REQUEST_FAULTS[way])
        walk.change(MAIN, **told)
        await asyncio.sleep(20)
    await walk.hands.change(field)
    await asyncio.sleep(90)
    await walk.check()
    if first is not None:
        walk.change(MAIN, **first)
        await asyncio.sleep(20)
    gone = dict.fromkeys(told) | ({"config": None} if way == "mistyped" else {})
    walk.change(MAIN, **gone, **leaving)
    await asyncio.sleep(40)


async def correct_a_name_during_an_attempt(walk: Walk, method: str, key: ResourceKey, name: str) -> None:
    """The answer to the creation is lost, and somebody finds a better name."""
    fault = REQUEST_FAULTS[method] | {"when": "after"}
    await walk.world.fault(**{"path": "^/v1/datastores$", "method": "POST", "times": 1} | fault)
    walk.apply(key)
    await asyncio.sleep(3)
    walk.rename(key, name)


async def apply_two_of_one_key(walk: Walk, pause: float, *, slow: bool, tokens: bool, is_there: bool) -> None:
    """`is_there`: what they want is there already, and both may take it over."""
    if is_there:
        for key in (KEYS[0], KEYS[-1]):
            walk.apply(key)
        await asyncio.sleep(30)
        for key in (KEYS[0], SECOND, KEYS[-1], OTHER_TOKEN):
            walk.change(key, deletionPolicy="Retain")
            walk.delete(key)
        walk.expected.add("InvalidSpec")
        await asyncio.sleep(30)
    walk.world.cluster.answer_seconds = 0.05 if slow else 0.002
    for key in (KEYS[-1], OTHER_TOKEN) if tokens else (KEYS[0], SECOND):
        walk.apply(key, adoption="IfExists" if is_there else "Never")
        await asyncio.sleep(pause)
    await asyncio.sleep(5)
    walk.world.cluster.answer_seconds = 0.002


async def let_go_and_make_another(walk: Walk, name: str) -> None:
    """The datastore stays in the cloud, and another one gets its resource's name."""
    walk.let_datastore_go()
    await asyncio.sleep(30)
    walk.apply(KEYS[0], name=name)
    await asyncio.sleep(30)


async def make_project_again_elsewhere(walk: Walk, where: dict[str, Any], prefix: str | None, *, attempt: bool) -> None:
    """The project is deleted and made again for another place, where nothing of it is, and then as it was before.

    `attempt`: instead of objects that are held, there is a creation whose outcome is not known. With neither it would be right
    to go there.
    """
    if attempt:
        for key in EVERY_KEY:
            walk.delete(key)
        await asyncio.sleep(60)
        lost = REQUEST_FAULTS["reset after the effect"]
        await walk.world.fault(path="^/v1/datastores$", method="POST", times=1, project=TEAM_ID, **lost)
        walk.apply(KEYS[0])
        await asyncio.sleep(3)
    before = walk.world.cluster.objects.get(PROJECT)
    if before is None or not walk.has_begun():
        return
    back = before["spec"].get("namePrefix")
    await walk.make_project_again(prefix, where)
    await asyncio.sleep(200)
    await walk.check()
    await walk.make_project_again(back)


async def wish_while_nothing_can_be_known(walk: Walk, days: int) -> None:
    """A process has only started, nobody gets a token, and somebody wants another datastore than there is."""
    walk.world.cluster.away = False  # whoever wants something says it there
    walk.apply(KEYS[0])
    await asyncio.sleep(30)
    walk.trouble.everywhere = True
    await walk.world.fault(path="^/identity", status=503)
    await walk.restart(0)
    await asyncio.sleep(5)
    walk.change(KEYS[0], backupRetentionDays=days)
    for _ in range(3):
        await walk.check()
        await asyncio.sleep(100)
    await walk.check()
    await walk.world.clear_faults()
    await walk.world.until(
        "the other project is open again", walk.trouble.others_may_work
    )  # its tries have become rare
    walk.trouble.everywhere = False


async def restart_for_a_new_login(
    walk: Walk, user: str, targets: list[dict[str, Any]], pace: float | None, meddling: str, seconds: float
) -> None:
    """Workloads are restarted for a new password, their roll-outs end whenever they do, and `meddling` befalls them meanwhile."""
    key, rollouts = ResourceKey("DatabaseUser", NAMESPACE, user), walk.rollouts
    for made in (KEYS[0], key):
        walk.apply(made)
    await asyncio.sleep(30)
    walk.change(key, rolloutRestart=targets)
    await asyncio.sleep(30)
    rollouts.seconds = pace
    walk.ask_for_a_password(user)
    await asyncio.sleep(seconds)
    first = next(each for each, secret in WORKLOADS.items() if secret == f"{user}-user")
    if meddling in WORKLOAD_EDITS:
        rollouts.edit(first, meddling)
    elif meddling == "restart":
        await walk.restart(5)
    elif meddling == "another password":
        walk.ask_for_a_password(user)
    elif meddling == "refused":
        rollouts.refused = True
    elif meddling == "mistyped":
        walk.odd.annotate(key, "pause", "true")
    elif meddling == "quick now":
        rollouts.seconds = 5
    elif meddling == "no longer wanted":
        walk.change(key, rolloutRestart=None)
    for _ in range(6):  # one after the other is late, and looked at again
        await asyncio.sleep(400)
        await walk.check()
    rollouts.end_all()
    for _ in range(4):  # longer than what has ended may still be told
        await asyncio.sleep(400)
        await walk.check()


async def mistype_and_correct(walk: Walk, key: ResourceKey, annotation: tuple[str, str], what: str) -> None:
    """Somebody mistypes an annotation while something else goes on, and corrects it later."""
    walk.apply(key)
    await asyncio.sleep(30)
    if what == "approval":
        walk.change(KEYS[0], changePolicy="Approve", config={"max_connections": 55})
        await asyncio.sleep(10)
    elif what == "away":
        walk.world.cluster.away = True
    elif what == "fails":
        await walk.trouble.fail_alone(50)
    walk.odd.annotate(key, *annotation)
    await asyncio.sleep(10)
    if what == "restart":
        await walk.restart(5)
    for _ in range(3):  # longer than it may stay untold
        await asyncio.sleep(130)
        await walk.check()
    walk.world.cluster.away = False
    await walk.check()
    walk.odd.annotate(key, annotation[0], None)
    for _ in range(3):
        await asyncio.sleep(130)
        await walk.check()
    walk.odd.approve(key)
    await asyncio.sleep(60)


async def meddle_in_a_pass(walk: Walk, user: str, edit: tuple[str, bytes] | str, requests: int, *, asked: bool) -> None:
    """A password is rotated, and before one of the requests that this takes something befalls the user's Secret. `asked`: the
    operator makes the password up; else a person gives it.
    """

    def meddle() -> None:
        if isinstance(edit, tuple):
            walk.lost.add(user)
            walk.trouble.edit_secret(user, *edit)
        elif edit == "immutable":
            walk.trouble.make_immutable(user)
        elif edit == "quota":
            walk.trouble.refuse_secrets()
        elif edit == "deleted":
            walk.delete_secret(user)
        elif edit == "set back":
            walk.lost.add(user)
            walk.trouble.set_back(user, before)
        else:
            walk.trouble.give(REFUSED.encode() if edit == "refused" else b"good-password-1")

    key = ResourceKey("DatabaseUser", NAMESPACE, user)
    walk.apply(KEYS[0])
    if key not in walk.world.cluster.objects:
        walk.apply(key, onUnknownPassword="Reset")
        await asyncio.sleep(30)
    before = copy.deepcopy(walk.world.cluster.objects.get(ResourceKey(SECRET, NAMESPACE, f"{user}-user")))
    if asked:
        walk.ask_for_a_password(user)
    else:
        walk.trouble.give(b"good-password-3")
    walk.trouble.in_a_pass(requests, meddle)
    await asyncio.sleep(20)
