"""The order of the writes of each step, and what is left where one of them is refused."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import DATASTORE_SPEC, MAIN, datastore, uuid
from managed_databases.api.collections import DATASTORES, TOPICS
from managed_databases.api.errors import ApiError, Forbidden, OutcomeUnknown
from managed_databases.api.models import DatastoreName, NewUser, Topic, TopicChange, User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.facts import Facts
from managed_databases.kinds.observed import SameKey
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.verdicts import (
    Change,
    Create,
    Delete,
    Reason,
    Record,
    Stall,
)
from managed_databases.reconcile.ports import KubeRefused, KubeUnreachable, NewSecret
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

IN_MAIN = {"datastoreRef": {"name": "main"}}
APP = resource("DatabaseUser", "app", spec=IN_MAIN)
TOPIC_SPEC = IN_MAIN | {"partitions": 3}
MADE = User(id=uuid(60), name="app", datastore_id=MAIN, status="PENDING_CREATE")
GIVEN = PasswordView(given=SecretStr("given by people"))
CREATE = Create(Reason.ABSENT, "no such user yet")
FINALIZERS, POST = f"finalizers: {FINALIZER}", "POST /users"
CREATION = [FINALIZERS, "status", "create Secret app-user", POST]


def create(**fields: Any) -> Stage:
    return Stage(APP, answer=MADE, **{"credential": GIVEN} | fields)


async def test_a_creation_is_written_down_before_it_is_begun() -> None:
    stage = create()
    facts = await stage.actor.act(stage.current, CREATE, CREATE)
    assert stage.done == CREATION
    assert stage.status["intent"]["attempt"] == 1
    assert stage.status["intent"]["waitSeconds"] == 60.0, "the limit of a call, and a margin"
    assert stage.status["intent"]["endpoint"] == "https://api.example"
    assert stage.status["intent"]["expected"] == {"datastore_id": MAIN, "name": "app"}
    assert stage.status["identity"] == {
        "project": "main",
        "projectID": "0" * 32,
        "region": "ru-3",
        "datastoreID": MAIN,
        "key": [MAIN, "app"],
    }
    assert "id" not in stage.status
    assert facts.id == MADE.id
    assert facts.intent is None
    assert stage.current.memory.creation.created_id == MADE.id, "until the status says so"
    (call,) = stage.session.calls
    assert isinstance(call.body, NewUser)
    assert call.body.password == stage.kube.secrets["app-user"].data["password"] == SecretStr("given by people")
    assert stage.session.own.get(MADE.id) == MADE


@pytest.mark.parametrize("refused", range(len(CREATION)))
async def test_where_a_creation_is_refused_nothing_later_is_done(refused: int) -> None:
    stage = create()
    error = Forbidden("users.create", "no") if CREATION[refused] == POST else KubeRefused("no")
    stage.journal.refuses[CREATION[refused]] = error
    with pytest.raises(type(error)):
        await stage.actor.act(stage.current, CREATE, CREATE)
    assert stage.done == CREATION[:refused]
    assert stage.current.memory.creation.created_id is None
    assert ("intent" in stage.status) == ("status" in stage.done)


async def test_an_attempt_of_unknown_outcome_is_known_to_the_next_pass() -> None:
    stage = create()

    def no_answer(_: object) -> User:
        stage.clock.moment += 5.0
        raise OutcomeUnknown("users.create", "timeout")

    stage.session.answer = no_answer
    stage.current.memory.creation.attempt_is_written(7, 0.0, 0.0)
    begin = stage.clock.monotonic()
    with pytest.raises(OutcomeUnknown):
        await stage.actor.act(stage.current, CREATE, CREATE)
    assert stage.status["intent"]["attempt"] == 1
    later = stage.clock.monotonic() + 7.0
    assert stage.current.memory.creation.settles_at(1, 60.0, later) == begin + 65.0, "its wait begins as it ends"


async def test_before_the_call_there_is_nothing_to_wait_for() -> None:
    """A Secret that is refused leaves an intent, and no call that could have had an effect."""
    stage = create()
    stage.journal.refuses["create Secret app-user"] = KubeRefused("quota")
    with pytest.raises(KubeRefused):
        await stage.actor.act(stage.current, CREATE, CREATE)
    now = stage.clock.monotonic()
    assert stage.current.memory.creation.settles_at(1, 60.0, now) <= now


async def test_another_attempt_counts_on_and_names_what_was_there_before() -> None:
    namesakes = (User(id=uuid(61), name="app", datastore_id=MAIN),)
    status = {"intent": {"attempt": 2, "waitSeconds": 60.0}}
    stage = Stage(
        replace(APP, status=status, finalizers=(FINALIZER,)),
        answer=MADE,
        credential=GIVEN,
        same_key=SameKey(namesakes=namesakes, unreadable=(uuid(62),)),
    )
    await stage.actor.act(stage.current, CREATE, CREATE)
    assert stage.done == CREATION[1:], "the finalizer is there"
    assert stage.status["intent"]["attempt"] == 3
    assert stage.status["intent"]["others"] == [uuid(61), uuid(62)]


async def test_what_kubernetes_has_refused_is_proven_before_anything_is_written_again() -> None:
    stage, told = create(), Stall(Reason.KUBERNETES_REFUSES, "the Secret was refused")
    await stage.actor.act(stage.current, CREATE, told)
    assert stage.done == [FINALIZERS, "prove Secret app-user", *CREATION[1:]]
    stage = create()
    stage.journal.refuses["prove Secret app-user"] = KubeRefused("quota")
    with pytest.raises(KubeRefused):
        await stage.actor.act(stage.current, CREATE, told)
    assert stage.done == [FINALIZERS], "no intent: nothing was tried"


async def test_a_secret_that_is_there_after_all_is_read_by_the_next_pass() -> None:
    stage = create()
    stage.keep(NewSecret("home", "app-user", "Opaque", {}, {}))
    with pytest.raises(Exception, match="app-user"):
        await stage.actor.act(stage.current, CREATE, CREATE)
    assert stage.done == CREATION[:2]
    assert stage.current.memory.password.is_name_taken


async def test_an_empty_answer_tells_no_id() -> None:
    stage = Stage(APP, answer=None, credential=GIVEN)
    facts = await stage.actor.act(stage.current, CREATE, CREATE)
    assert facts.id is None
    assert facts.intent is not None, "the attempt stays open: a list will tell"
    assert stage.current.memory.creation.created_id is None


@pytest.mark.parametrize(
    ("why", "fields"),
    [
        ("it was there before", {"same_key": SameKey(namesakes=(MADE,))}),
        ("it could not be read before", {"same_key": SameKey(unreadable=(MADE.id,))}),
    ],
)
async def test_an_answer_about_what_was_there_before_is_no_success(why: str, fields: dict[str, Any]) -> None:
    stage = create(**fields)
    with pytest.raises(OutcomeUnknown, match="was there before"):
        await stage.actor.act(stage.current, CREATE, CREATE)
    assert stage.current.memory.creation.created_id is None, why
    assert stage.session.own.get(MADE.id) is None, "nothing of it is believed"


async def test_an_answer_about_what_another_resource_holds_is_no_success() -> None:
    other = resource("DatabaseUser", "b", spec=IN_MAIN, id_=MADE.id, inside=MAIN)
    stage = Stage(APP, other, answer=MADE, credential=GIVEN)
    with pytest.raises(OutcomeUnknown, match="was there before"):
        await stage.actor.act(stage.current, CREATE, CREATE)


# --- what is there already ---

THERE = Topic(id=uuid(80), name="t", datastore_id=MAIN, status="ACTIVE", partitions=1)
TOPIC = resource("KafkaTopic", "t", spec=TOPIC_SPEC, id_=THERE.id, inside=MAIN)
GROW = Change(Reason.DRIFT, "1 -> 3", TOPICS.update(THERE.id, TopicChange(partitions=3)))
PUT = f"{GROW.call.method} {GROW.call.path}"


async def test_a_change_is_told_before_it_is_made() -> None:
    stage = Stage(TOPIC, answer=replace_partitions(3), external=THERE)
    facts = await stage.actor.act(stage.current, replace(GROW, facts=Facts(phase="ACTIVE")), GROW)
    assert stage.done == ["status", PUT]
    assert facts == Facts(phase="ACTIVE")
    assert stage.session.own.get(THERE.id) == replace_partitions(3)
    assert stage.session.told == [(THERE, replace_partitions(3))]


def replace_partitions(number: int) -> Topic:
    return THERE.model_copy(update={"partitions": number})


@pytest.mark.parametrize(
    ("error", "is_dirty"),
    [(Forbidden("topics.update", "no"), False), (OutcomeUnknown("topics.update", "timeout"), True)],
)
async def test_a_change_of_unknown_outcome_makes_what_is_known_of_the_object_doubtful(
    error: ApiError, is_dirty: bool
) -> None:
    stage = Stage(TOPIC, external=THERE)
    stage.journal.refuses[PUT] = error
    with pytest.raises(type(error)):
        await stage.actor.act(stage.current, GROW, GROW)
    assert stage.session.own.is_dirty(THERE.id) == is_dirty


async def test_an_answer_about_another_object_is_no_success() -> None:
    other = THERE.model_copy(update={"id": uuid(81)})
    stage = Stage(TOPIC, answer=other, external=THERE)
    with pytest.raises(OutcomeUnknown, match=f"is about {uuid(81)}, not {THERE.id}"):
        await stage.actor.act(stage.current, GROW, GROW)
    assert stage.session.own.get(other.id) is None
    assert stage.session.own.is_dirty(THERE.id)


async def test_a_deleted_object_is_there_until_it_is_seen_to_be_gone() -> None:
    stage = Stage(TOPIC, external=THERE)
    await stage.actor.act(stage.current, Delete(Reason.DELETING, "it goes"), GROW)
    assert stage.done == [f"DELETE /topics/{THERE.id}"]
    assert stage.session.own.get(THERE.id) == THERE
    assert stage.session.own.is_dirty(THERE.id)


# --- what is found out ---


async def test_what_is_taken_over_has_its_finalizer_first() -> None:
    free = resource("KafkaTopic", "t", spec=TOPIC_SPEC)
    stage = Stage(free)
    stage.current.memory.creation.created_id = "made before"
    found = Facts(id=THERE.id, adopted=True)
    facts = await stage.actor.act(stage.current, Record(Reason.ADOPTED, "taken over", found), GROW)
    assert stage.done == [FINALIZERS]
    assert facts.identity is not None
    assert facts.identity.key == (MAIN, "t")
    assert facts.id == THERE.id
    stage = Stage(free)
    stage.journal.refuses[FINALIZERS] = KubeUnreachable("away")
    with pytest.raises(KubeUnreachable):
        await stage.actor.act(stage.current, Record(Reason.ADOPTED, "taken over", found), GROW)


async def test_what_is_found_while_it_is_deleted_gets_no_finalizer() -> None:
    stage = Stage(resource("KafkaTopic", "t", spec=TOPIC_SPEC, going=True))
    facts = await stage.actor.act(stage.current, Record(Reason.FOUND, "ours", Facts(id=THERE.id, intent=None)), GROW)
    assert stage.done == []
    assert facts.identity is None, "what was pinned stays"


async def test_what_is_gone_is_not_found_again_in_what_was_made_once() -> None:
    stage = Stage(TOPIC)
    stage.current.memory.creation.created_id = THERE.id
    stage.current.memory.password.was_confirmed(SecretStr("sent once more"))
    lost = Facts(id=None, lost_ids=(THERE.id,))
    assert await stage.actor.act(stage.current, Record(Reason.GONE, "gone", lost), GROW) == lost
    assert stage.done == []
    assert stage.current.memory.creation.created_id is None
    assert not stage.current.memory.password.is_confirmed(SecretStr("sent once more"))


# --- who may have the key ---


def test_a_key_is_claimed_by_what_gives_it_to_an_object() -> None:
    """Two resources ask for one name: whoever claims first makes it."""
    first, second = (resource("KafkaTopic", name, spec=TOPIC_SPEC | {"name": "t"}) for name in "ab")
    one, two = Stage(first), Stage(second)
    two.owners.update(first)
    assert one.actor.reserve_key(one.current, CREATE)
    assert two.owners.reserve(first, one.current.key)
    assert not two.actor.reserve_key(two.current, CREATE)
    assert not two.actor.reserve_key(two.current, Record(Reason.ADOPTED, "", Facts(id="x", adopted=True)))
    assert two.actor.reserve_key(two.current, Record(Reason.FOUND, "", Facts(id="x"))), "what it has made is its own"
    assert two.actor.reserve_key(two.current, Delete(Reason.DELETING, "")), "a deletion gives nothing a name"


async def test_the_wait_begins_when_the_call_is_sent() -> None:
    """A process that is killed meanwhile leaves this to the next one; one that only looks again must know it."""
    stage, seen = create(), list[float]()

    def answer(_: object) -> User:
        stage.clock.moment += 5.0
        seen.append(stage.current.memory.creation.settles_at(1, 60.0, stage.clock.monotonic()))
        return MADE

    begin = stage.clock.monotonic()
    stage.session.answer = answer
    await stage.actor.act(stage.current, CREATE, CREATE)
    assert seen == [begin + 60.0]


async def test_a_seal_is_put_under_what_is_there_and_nothing_is_forgotten() -> None:
    stage = Stage(TOPIC)
    stage.current.memory.creation.created_id = THERE.id
    sealed = Facts(seal="anew")
    assert await stage.actor.act(stage.current, Record(Reason.FOUND, "sealed", sealed), GROW) == sealed
    assert stage.current.memory.creation.created_id == THERE.id
    assert stage.done == []


async def test_what_is_deleted_and_answers_is_doubtful_all_the_same() -> None:
    goes = THERE.model_copy(update={"status": "PENDING_DELETE"})
    stage = Stage(TOPIC, answer=goes, external=THERE)
    await stage.actor.act(stage.current, Delete(Reason.DELETING, "it goes"), GROW)
    assert stage.session.own.get(THERE.id) == goes
    assert stage.session.own.is_dirty(THERE.id)


# --- what is set is noted first, and a new name is claimed first ---

CLUSTER = datastore()
MANAGED = resource(
    "ManagedDatastore",
    "main",
    spec=DATASTORE_SPEC | {"config": {"work_mem": 100}},
    id_=MAIN,
    status={"applying": {"config.old": "d1"}, "managed": ["config.gone", "config.kept"]},
)
SETS = Change(
    Reason.DRIFT, "work_mem", DATASTORES.update(MAIN, DatastoreName(name="main")), manages=("config.work_mem",)
)


async def test_what_is_set_is_noted_before_the_cloud_changes() -> None:
    stage = Stage(MANAGED, answer=CLUSTER, external=datastore(status="PENDING_UPDATE"))
    wanted = stage.current.kind.wanted_values(stage.current.observed)
    assert await stage.actor.act(stage.current, SETS, SETS) == Facts()
    assert stage.status["applying"] == {"config.old": "d1", "config.work_mem": wanted["config.work_mem"]}
    stage = Stage(MANAGED, external=CLUSTER)
    stage.journal.refuses["status"] = KubeRefused("no")
    with pytest.raises(KubeRefused):
        await stage.actor.act(stage.current, SETS, SETS)
    assert stage.session.calls == [], "what is not noted could never be reset"


async def test_what_is_given_up_is_forgotten_after_its_call() -> None:
    stage = Stage(MANAGED, answer=CLUSTER, external=CLUSTER)
    resets = replace(SETS, manages=(), unmanages=("config.old", "config.gone"))
    facts = await stage.actor.act(stage.current, resets, resets)
    assert stage.status["managed"] == ["config.gone", "config.kept"], "until the cloud has answered"
    assert (facts.managed, facts.applying) == (("config.kept",), {})
    stage = Stage(MANAGED, external=CLUSTER)
    stage.journal.refuses[f"{SETS.call.method} {SETS.call.path}"] = Forbidden("x", "no")
    with pytest.raises(Forbidden):
        await stage.actor.act(stage.current, resets, resets)


@pytest.mark.parametrize(
    ("reason", "going", "is_claimed"),
    [(Reason.RENAMING, False, True), (Reason.RENAMING, True, False), (Reason.DRIFT, False, False)],
)
def test_a_new_name_is_claimed_before_it_is_given(reason: Reason, going: bool, is_claimed: bool) -> None:
    renamed = resource("ManagedDatastore", "main", spec=DATASTORE_SPEC | {"name": "new"}, id_=MAIN, going=going)
    other = resource("ManagedDatastore", "a", spec=DATASTORE_SPEC | {"name": "new"})
    stage = Stage(renamed, other, external=CLUSTER)
    rename = Change(reason, "main -> new", DATASTORES.update(MAIN, DatastoreName(name="new")))
    assert stage.owners.reserve(other, stage.current.key)
    assert stage.actor.reserve_key(stage.current, rename) != is_claimed, "another one has it"
