"""What passes ask of a session: single objects, calls, the catalogue, actions."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from managed_databases.api.client import Client
from managed_databases.api.collections import FLAVORS
from managed_databases.api.errors import NeverSent, OutcomeUnknown, RateLimited
from managed_databases.api.identity_service import StaticToken
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.project.project_client import Connection
from managed_databases.reconcile.scheduling.work_queue import Priority
from reconcile.project.fake_project import (
    DATABASE_KIND,
    DATASTORE_KIND,
    ENDPOINT,
    KEY,
    LOW,
    PROJECT,
    SETTINGS,
    ProjectHarness,
    until,
)

NAME = KEY.name
QUIET = replace(SETTINGS, poll_seconds=1e6, catalogue_seconds=1e6)


async def test_an_object_is_entered_when_it_is_got() -> None:
    harness = ProjectHarness(QUIET)
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cloud.put("datastores", "a")
        got = await session.get_object(DATASTORE_KIND, "a", LOW)
        assert got is snapshot.get("a")
        assert snapshot.get("a") is not None
        assert harness.woken["object", NAME, "datastores", "a"] == 1
        await session.get_object(DATASTORE_KIND, "a", LOW)
        assert harness.woken["object", NAME, "datastores", "a"] == 1, "nothing new"


async def test_a_datastore_that_is_gone_takes_what_was_in_it() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.put("datastores", "a")
    harness.cloud.put("databases", "x", datastore_id="a")
    harness.cloud.put("databases", "y", datastore_id="b")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        databases = session.lists.need(DATABASE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.listed(DATABASE_KIND)
        del harness.cloud.rows["datastores"]["a"]
        assert await session.get_object(DATASTORE_KIND, "a", LOW) is None
        assert databases.is_gone("x")
        assert databases.get("y") is not None
        assert harness.woken["object", NAME, "databases", "x"] == 2
        assert harness.woken["key", NAME, "databases", "a", "x"] == 2
        assert harness.woken["object", NAME, "databases", "y"] == 1


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [
        (500, Reason.UNREACHABLE, Wait),
        (429, Reason.RATE_LIMITED, Wait),
        (403, Reason.REFUSED, Stall),  # a person must give the right
    ],
)
async def test_a_first_list_that_fails_is_told(status: int, reason: Reason, verdict: type[Wait | Stall]) -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.answers["GET /datastores"] = lambda: httpx.Response(status, headers={"Retry-After": "1"})
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        assert session.lists.why_unlisted("datastores") is None, "nothing is known yet"
        await until(lambda: session.troubles, lambda: harness.cloud.requests)
        assert [trouble[0] for trouble in session.troubles] == [reason]
        why = session.lists.why_unlisted("datastores")
        assert isinstance(why, verdict)
        assert why.reason is reason
        assert harness.woken["list", NAME, "datastores"] == 1, (
            "once: its messages may differ, and each would be written"
        )
        del harness.cloud.answers["GET /datastores"]
        await harness.listed(DATASTORE_KIND)
        await until(lambda: not session.troubles, lambda: session.troubles)
        assert session.lists.why_unlisted("datastores") is None


@pytest.mark.parametrize(
    "answer", [httpx.Response(200), httpx.Response(200, json={"datastore": {"id": "b", "name": "b"}})]
)
async def test_an_answer_that_is_not_the_object_teaches_nothing(answer: httpx.Response) -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.put("datastores", "a")
    harness.cloud.answers["GET /datastores/a"] = lambda: answer
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        with pytest.raises(OutcomeUnknown):
            await session.get_object(DATASTORE_KIND, "a", LOW)
        assert snapshot.get("a") is not None
        assert not snapshot.is_gone("a")


async def test_too_many_calls_close_the_low_priority() -> None:
    harness = ProjectHarness(QUIET)
    async with harness.opened() as session:
        headers = {"Retry-After": "1000"}
        harness.cloud.answers["GET /datastores/a"] = lambda: httpx.Response(429, headers=headers)
        with pytest.raises(RateLimited):
            await session.get_object(DATASTORE_KIND, "a", LOW)
        assert session.budget.closed_until(LOW) is not None
        assert not session.circuit.is_open


async def test_the_catalogue_counts_its_changes() -> None:
    harness = ProjectHarness(replace(QUIET, catalogue_seconds=20.0))
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)
        assert session.view is not None
        catalogue = session.view.catalogue
        assert [type_.id for type_ in catalogue.types] == ["t"]
        assert [parameter.name for parameter in catalogue.parameters["t"]] == ["work_mem"]
        reads = harness.cloud.count("GET /flavors")
        await until(lambda: harness.cloud.count("GET /flavors") >= reads + 2, lambda: harness.cloud.requests)
        assert session.view.catalogue is catalogue, "nothing new"
        harness.cloud.rows["flavors"]["g"] = {"id": "g"}
        await until(lambda: session.view and session.view.catalogue is not catalogue, lambda: session.view)
        assert session.view.catalogue.version == catalogue.version + 1
        assert harness.woken["catalogue", NAME] >= 2


async def test_projects_that_offer_the_same_have_it_in_memory_once() -> None:
    async with ProjectHarness(QUIET).opened() as one, ProjectHarness(QUIET).opened() as other:
        await until(lambda: one.view and one.view.catalogue.known, lambda: one.view)
        await until(lambda: other.view and other.view.catalogue.known, lambda: other.view)
        assert one.view is not None
        assert other.view is not None
        assert one.view.catalogue.parameters["t"][0] is other.view.catalogue.parameters["t"][0]


async def test_a_part_of_the_catalogue_that_fails_is_tried_again() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.answers["GET /flavors"] = lambda: httpx.Response(503)
    async with harness.opened() as session:
        await until(lambda: harness.cloud.count("GET /flavors") >= 2, lambda: harness.cloud.requests)
        assert session.view is not None
        assert not session.view.catalogue.known
        del harness.cloud.answers["GET /flavors"]
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)


async def test_a_part_of_the_catalogue_that_is_refused_is_reported() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.answers["GET /flavors"] = lambda: httpx.Response(403, json={"error": {"message": "no role"}})
    async with harness.opened():
        await harness.settle("Synced", "False", "Refused")
        assert harness.message("Synced") == "the API refuses to list flavors: no role"
        del harness.cloud.answers["GET /flavors"]
        await harness.settle("Synced", "True", "InSync")


async def test_new_credentials_do_not_cut_off_a_call() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.put("datastores", "a")
    harness.cloud.held = "GET /datastores/a"
    async with harness.opened() as session:
        call = asyncio.create_task(session.get_object(DATASTORE_KIND, "a", LOW))
        await until(lambda: harness.cloud.count("GET /datastores/a"), lambda: harness.cloud.requests)
        harness.kube.secrets["credentials"]["OS_USERNAME"] = "robot-2"
        await harness.reconcile()
        assert not call.done()
        harness.cloud.pass_one.release()
        assert await call is not None
        assert session.problem is None


async def test_a_retired_connection_is_closed_after_its_last_call() -> None:
    harness = ProjectHarness()
    harness.cloud.held = "GET /flavors"
    harness.cloud.tokens["static"] = PROJECT
    client = Client(
        StaticToken(SecretStr("static")), endpoint=ENDPOINT, transport=httpx.MockTransport(harness.cloud.handle)
    )
    connection = Connection(client)
    call = asyncio.create_task(connection.send(FLAVORS.list()))
    await until(lambda: harness.cloud.requests, lambda: harness.cloud.requests)
    await connection.retire()
    await client.send(DATASTORE_KIND.collection.list())  # it is still open
    harness.cloud.pass_one.release()
    assert (await call).value is not None
    with pytest.raises(NeverSent):
        await client.send(DATASTORE_KIND.collection.list())


@pytest.mark.parametrize("status", [403, 404])
async def test_without_configuration_parameters_there_are_none(status: int) -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.answers["GET /configuration-parameters"] = lambda: httpx.Response(status)
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)
        assert session.view is not None
        assert session.view.catalogue.parameters == {}


async def test_actions_are_read_while_a_datastore_is_pending_and_once_after() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.put("datastores", "a", status="PENDING_CREATE")
    harness.cloud.put("datastores", "rest")
    for number in range(7):
        harness.cloud.put("actions", f"n{number}", datastore_id="a", created_at=f"2026-01-01T00:00:0{number}")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        session.show_actions("a")
        session.show_actions("rest")
        await until(lambda: session.actions.get("a"), lambda: harness.cloud.requests)
        assert [action.id for action in session.actions["a"]] == ["n6", "n5", "n4", "n3", "n2"]
        assert harness.woken["actions", NAME, "a"] == 1
        harness.cloud.put("actions", "n9", datastore_id="a", created_at="2026-01-01T00:00:09")
        harness.cloud.put("datastores", "a")
        await until(lambda: session.actions["a"][0].id == "n9", lambda: session.actions)
        read = harness.cloud.count("GET /actions")
        for _ in range(3):
            times = harness.woken["list", NAME, "datastores"]
            session.lists.request("datastores")
            await harness.listed(DATASTORE_KIND, times + 1)
        assert harness.cloud.count("GET /actions") <= read + 1
        assert "rest" not in session.actions


async def test_actions_that_cannot_be_read_hurt_nobody() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.put("datastores", "a", status="PENDING_CREATE")
    harness.cloud.answers["GET /actions"] = lambda: httpx.Response(403)
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        session.show_actions("a")
        await until(lambda: harness.cloud.count("GET /actions") >= 2, lambda: harness.cloud.requests)
        assert session.problem is None
        assert session.troubles == ()


async def test_calls_are_counted_by_section_and_priority() -> None:
    harness = ProjectHarness(QUIET)
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        before = dict(session.used)
        await session.get_object(DATASTORE_KIND, "a", LOW)
        for _ in range(2):
            await session.get_object(DATASTORE_KIND, "a", Priority.HIGH)
        assert session.used["datastores", LOW] == before["datastores", LOW] + 1
        assert session.used["datastores", Priority.HIGH] == before.get(("datastores", Priority.HIGH), 0) + 2
