"""What is done, in which order, when a resource is let go."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, uuid
from managed_databases.kinds.observed import CreationView
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.verdicts import LetGo, Reason
from managed_databases.reconcile.act import desired_secret
from managed_databases.reconcile.annotations import FORCE_DELETE, OBJECT_ID, OWNED_BY, OWNER_UID, RETAINED
from managed_databases.reconcile.ports import KubeRefused, KubeUnreachable, NewSecret, NotThere, Resource
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

PASSWORD, ID = SecretStr("the password"), uuid(60)
IN_MAIN = {"datastoreRef": {"name": "main"}}
APP = replace(
    resource("DatabaseUser", "app", spec=IN_MAIN, id_=ID, inside=MAIN, going=True), finalizers=("theirs", FINALIZER)
)
GRANT = resource("DatabaseGrant", "app-orders", spec={}, annotations={OWNED_BY: APP.uid}, owner_uids=(APP.uid,))
MINE, PENDING = "app-user", "app-user-pending"
LET_GO, RETAIN = LetGo(Reason.RELEASED, "nothing is left"), LetGo(Reason.RELEASED, "it stays", retain=True)
DELETED = [f"delete Secret {MINE}", f"delete Secret {PENDING}", "finalizers: theirs"]
KEPT = [
    f"replace Secret {MINE}",
    f"replace Secret {PENDING}",
    f"change {GRANT.key}: {{'deletionPolicy': 'Retain'}}",
    "finalizers: theirs",
]


def stage_of(app: Resource = APP, *others: Resource) -> Stage:
    stage = Stage(app, *(others or (GRANT,)))
    stage.keep(desired_secret.desired(stage.current, PASSWORD))
    stage.keep(desired_secret.pending_secret(stage.current, PASSWORD))
    return stage


@pytest.mark.parametrize(("step", "order"), [(LET_GO, DELETED), (RETAIN, KEPT)])
async def test_the_finalizer_goes_last(step: LetGo, order: list[str]) -> None:
    stage = stage_of()
    await stage.actor.act(stage.current, step, step)
    assert stage.done == order
    assert stage.current.resource.finalizers == ("theirs",)


@pytest.mark.parametrize(
    ("step", "order", "refused"),
    [(step, order, line) for step, order in ((LET_GO, DELETED), (RETAIN, KEPT)) for line in order],
)
async def test_where_something_is_refused_the_finalizer_stays(step: LetGo, order: list[str], refused: str) -> None:
    stage = stage_of()
    stage.journal.refuses[refused] = KubeRefused("no")
    with pytest.raises(KubeRefused):
        await stage.actor.act(stage.current, step, step)
    assert stage.done == order[: order.index(refused)]
    assert stage.current.resource.finalizers == ("theirs", FINALIZER)


@pytest.mark.parametrize("error", [KubeRefused("no"), KubeUnreachable("away")])
async def test_who_forces_it_leaves_secrets_that_cannot_be_deleted(error: Exception) -> None:
    stage = stage_of(replace(APP, annotations={FORCE_DELETE: "true"}))
    stage.journal.refuses[DELETED[0]] = error
    await stage.actor.act(stage.current, LET_GO, LET_GO)
    assert stage.done == DELETED[1:]


async def test_force_is_meant_by_true_only() -> None:
    stage = stage_of(replace(APP, annotations={FORCE_DELETE: "yes"}))
    stage.journal.refuses[DELETED[0]] = KubeRefused("no")
    with pytest.raises(KubeRefused):
        await stage.actor.act(stage.current, LET_GO, LET_GO)


async def test_what_is_retained_says_for_which_object_it_is() -> None:
    """And goes with no owner, so that the garbage collection leaves it."""
    stage = stage_of()
    await stage.actor.act(stage.current, RETAIN, RETAIN)
    kept = stage.kube.written[MINE]
    assert kept.owner is None
    assert kept.data["password"] == PASSWORD
    assert kept.annotations[RETAINED] == "true"
    assert kept.annotations[OBJECT_ID] == ID
    assert kept.annotations[OWNER_UID] == APP.uid


async def test_what_was_just_made_is_known_by_what_the_post_has_answered() -> None:
    stage = stage_of(replace(APP, status={}))
    stage.current.observed = replace(stage.current.observed, creation=CreationView(created_id=uuid(61)))
    await stage.actor.act(stage.current, RETAIN, RETAIN)
    assert stage.kube.written[MINE].annotations[OBJECT_ID] == uuid(61)


@pytest.mark.parametrize("step", [LET_GO, RETAIN])
async def test_what_is_not_ours_stays_as_it_is(step: LetGo) -> None:
    stage = stage_of()
    for name in (MINE, PENDING):
        stage.keep(NewSecret("home", name, "Opaque", {OWNER_UID: "another"}, {"password": PASSWORD}))
    await stage.actor.act(stage.current, step, step)
    assert not [line for line in stage.done if "Secret" in line]


@pytest.mark.parametrize("step", [LET_GO, RETAIN])
async def test_what_is_gone_already_is_no_trouble(step: LetGo) -> None:
    stage = Stage(APP)
    await stage.actor.act(stage.current, step, step)
    assert stage.done == ["finalizers: theirs"]
    stage = Stage(APP)
    stage.journal.refuses["finalizers: theirs"] = NotThere("the resource")
    await stage.actor.act(stage.current, step, step)
    assert stage.done == []


async def test_owned_resources_that_go_meanwhile_hold_nothing_up() -> None:
    second = resource("DatabaseGrant", "b", spec={}, annotations={OWNED_BY: APP.uid}, owner_uids=(APP.uid,))
    stage = stage_of(APP, GRANT, second)
    stage.journal.refuses[KEPT[2]] = NotThere("the grant")
    await stage.actor.act(stage.current, RETAIN, RETAIN)
    assert stage.done == [*KEPT[:2], f"change {second.key}: {{'deletionPolicy': 'Retain'}}", KEPT[3]]


async def test_owned_resources_that_are_retained_already_are_left_alone() -> None:
    stage = stage_of(APP, replace(GRANT, spec={"deletionPolicy": "Retain"}))
    await stage.actor.act(stage.current, RETAIN, RETAIN)
    assert stage.done == [*KEPT[:2], KEPT[3]]


@pytest.mark.parametrize(
    "stranger",
    [
        resource("DatabaseGrant", "b", spec={}, annotations={OWNED_BY: APP.uid}),
        resource("DatabaseGrant", "b", spec={}, owner_uids=(APP.uid,)),
        resource("DatabaseGrant", "b", "elsewhere", spec={}, annotations={OWNED_BY: APP.uid}, owner_uids=(APP.uid,)),
        resource("ManagedDatabase", "b", spec={}, annotations={OWNED_BY: APP.uid}, owner_uids=(APP.uid,)),
    ],
)
async def test_what_the_operator_has_not_made_for_it_holds_nothing_up(stranger: Resource) -> None:
    stage = stage_of(APP, GRANT, stranger)
    stage.journal.refuses[f"change {stranger.key}: {{'deletionPolicy': 'Retain'}}"] = KubeRefused("a policy says no")
    await stage.actor.act(stage.current, RETAIN, RETAIN)
    assert stage.done == KEPT


async def test_what_has_no_finalizer_needs_no_write() -> None:
    stage = Stage(replace(APP, finalizers=()))
    await stage.actor.act(stage.current, LET_GO, LET_GO)
    assert stage.done == []


async def test_what_has_no_credential_has_no_secrets() -> None:
    stage = Stage(replace(resource("KafkaTopic", "t", spec=IN_MAIN, going=True), finalizers=(FINALIZER,)))
    await stage.actor.act(stage.current, LET_GO, LET_GO)
    assert stage.done == ["finalizers: none"]
