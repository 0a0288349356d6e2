"""What a step does with the resources that a spec lists inline."""

from typing import Any

import pytest

from kinds.builders import uuid
from managed_databases.api.collections import TOPICS
from managed_databases.api.models import TopicChange
from managed_databases.kinds.verdicts import (
    Arrange,
    Change,
    OwnedResource,
    Reason,
)
from managed_databases.reconcile.annotations import OWNED_BY
from managed_databases.reconcile.ports import ResourceKey
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

APP = resource("DatabaseUser", "app", spec={"datastoreRef": {"name": "main"}})
GROW = Change(Reason.DRIFT, "1 -> 3", TOPICS.update(uuid(80), TopicChange(partitions=3)))
"""What is shown while the step is under way."""
GRANT = OwnedResource("DatabaseGrant", "app-orders", {"databaseRef": {"name": "orders"}, "withGrant": None})
KEY = ResourceKey("DatabaseGrant", "home", "app-orders")
MARKS: dict[str, Any] = {"annotations": {OWNED_BY: APP.uid}, "owner_uids": (APP.uid,)}


def arrange(**fields: Any) -> Arrange:
    return Arrange(Reason.ABSENT, "a grant is asked for", GRANT, **fields)


async def test_what_is_owned_is_made_marked_and_told() -> None:
    stage = Stage(APP)
    await stage.actor.act(stage.current, arrange(), GROW)
    assert stage.done == [f"create {KEY}"]
    assert stage.arranged == [KEY]


@pytest.mark.parametrize("fields", [{"if_there": True}, {"doomed": True}])
async def test_what_is_gone_by_now_is_not_made_again(fields: dict[str, bool]) -> None:
    stage = Stage(APP)
    await stage.actor.act(stage.current, arrange(**fields), GROW)
    assert (stage.done, stage.arranged) == ([], [])


async def test_what_is_there_is_changed() -> None:
    stage = Stage(APP, resource("DatabaseGrant", "app-orders", spec={}, annotations={OWNED_BY: APP.uid}))
    await stage.actor.act(stage.current, arrange(), GROW)
    assert stage.done == [f"change {KEY}: {dict(GRANT.spec)}"]
    assert stage.arranged == [KEY]


@pytest.mark.parametrize(
    ("spec", "first"),
    [({}, [f"change {KEY}: {{'deletionProtection': False}}"]), ({"deletionProtection": False}, [])],
)
async def test_what_shall_go_loses_its_protection_first(spec: dict[str, Any], first: list[str]) -> None:
    stage = Stage(APP, resource("DatabaseGrant", "app-orders", spec=spec, **MARKS))
    await stage.actor.act(stage.current, arrange(doomed=True), GROW)
    assert stage.done == [*first, f"delete {KEY}"]


@pytest.mark.parametrize("fields", [{"if_there": True}, {"doomed": True}])
@pytest.mark.parametrize("gone", ["annotations", "owner_uids"])
async def test_what_is_not_marked_as_ours_by_now_is_left_alone(fields: dict[str, bool], gone: str) -> None:
    marks = {name: value for name, value in MARKS.items() if name != gone}
    stage = Stage(APP, resource("DatabaseGrant", "app-orders", spec={}, **marks))
    await stage.actor.act(stage.current, arrange(**fields), GROW)
    assert (stage.done, stage.arranged) == ([], [])


async def test_what_shall_go_with_its_owner_is_made_free_to() -> None:
    stage = Stage(APP, resource("DatabaseGrant", "app-orders", spec={}, **MARKS))
    await stage.actor.act(stage.current, arrange(if_there=True), GROW)
    assert stage.done == [f"change {KEY}: {dict(GRANT.spec)}"]
