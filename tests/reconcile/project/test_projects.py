"""A project is opened only as itself, heals when its credentials do, and writes nothing at rest."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.api.errors import NeverSent, Unauthorized
from managed_databases.kinds.verdicts import Wait
from managed_databases.reconcile.annotations import SYNC_REQUESTED
from managed_databases.reconcile.ports import ResourceKey
from reconcile.project.fake_project import (
    CREDENTIALS,
    DATASTORE_SIDE,
    KEY,
    LOW,
    NAMESPACE,
    OTHER_PROJECT,
    PROJECT,
    SETTINGS,
    ProjectHarness,
    project,
    until,
)


async def test_a_project_is_opened_and_says_so() -> None:
    house = ProjectHarness()
    async with house.opened() as session:
        await house.settle("Synced", "True", "InSync")
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)
        await house.reconcile()
        status = house.resource.status
        assert (status["projectID"], status["region"], status["endpoint"]) == (
            PROJECT,
            "ru-1",
            "https://api.example/v1",
        )
        assert status["engines"] == ["postgresql 16"]
        assert {type_: house.condition(type_)[0] for type_ in ("Ready", "Reconciling", "Stalled")} == {
            "Ready": "True",
            "Reconciling": "False",
            "Stalled": "False",
        }
        assert status["observedGeneration"] == 1


async def test_at_rest_a_pass_writes_and_asks_nothing() -> None:
    house = ProjectHarness()
    async with house.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)
        await house.reconcile()
        writes, logins = house.kube.writes, house.cloud.logins
        for _ in range(5):
            await house.reconcile()
        assert (house.kube.writes, house.cloud.logins) == (writes, logins)


async def test_a_requested_sync_lists_at_once_and_is_echoed() -> None:
    house = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    async with house.opened() as session:
        session.need(DATASTORE_SIDE)
        await house.listed(DATASTORE_SIDE)
        house.cache.put(replace(house.resource, annotations={SYNC_REQUESTED: "now"}))
        await house.reconcile()
        await house.listed(DATASTORE_SIDE, 2)
        assert house.resource.status["lastHandledSyncRequest"] == "now"


async def test_a_missing_secret_is_waited_for() -> None:
    house = ProjectHarness()
    del house.kube.secrets["credentials"]
    async with house.running():
        await house.reconcile()
        assert house.condition("Ready") == ("False", "SecretMissing")
        assert f"{NAMESPACE}/credentials" in house.message("Ready")
        assert house.again is not None
        house.kube.secrets["credentials"] = dict(CREDENTIALS)
        await house.reconcile()
        assert house.session.problem is None


async def test_the_missing_certificate_holds_the_project_and_the_lost_one_does_not() -> None:
    house = ProjectHarness(caCertificate={"name": "ca"})
    async with house.running():
        await house.reconcile()
        assert isinstance(house.session.problem, Wait)
        house.kube.config_maps["ca"] = {"ca.crt": "PEM"}
        await house.reconcile()
        assert house.session.problem is None
        del house.kube.config_maps["ca"]
        await house.reconcile()
        assert house.session.problem is None
        assert house.session.view is not None
        assert house.session.view.ca_certificate == "PEM"


async def test_a_wrong_password_is_not_tried_again_at_once() -> None:
    house = ProjectHarness(replace(SETTINGS, min_backoff_seconds=3600.0))
    house.cloud.password = "another"
    async with house.running():
        await house.reconcile()
        assert house.condition("Ready") == ("False", "CredentialsInvalid")
        assert house.condition("Stalled")[0] == "True"
        assert "right-password" not in str(house.resource.status)
        logins = house.cloud.logins
        await house.reconcile()
        assert house.cloud.logins == logins
        house.kube.secrets["credentials"]["OS_PASSWORD"] = "another"
        await house.reconcile()
        assert house.condition("Ready")[1] != "CredentialsInvalid"
        assert house.session.problem is None


async def test_foreign_credentials_list_nothing_and_heal_when_put_back() -> None:
    house = ProjectHarness()
    house.cloud.put("datastores", "a")
    async with house.opened() as session:
        snapshot = session.need(DATASTORE_SIDE)
        await house.listed(DATASTORE_SIDE)
        house.kube.secrets["credentials"]["INFRA_PROJECT_ID"] = OTHER_PROJECT
        await house.reconcile()
        assert house.condition("Ready") == ("False", "ProjectChanged")
        assert house.condition("Stalled")[0] == "True"
        asked = len(house.cloud.requests)
        session.request_list("datastores")
        with pytest.raises(NeverSent):
            await session.get_object(DATASTORE_SIDE, "a", LOW)
        await house.reconcile()
        assert len(house.cloud.requests) == asked
        house.kube.secrets["credentials"]["INFRA_PROJECT_ID"] = PROJECT
        await house.reconcile()
        assert session.problem is None
        assert house.session is session
        assert session.need(DATASTORE_SIDE) is snapshot
        assert snapshot.get("a") is not None
        assert house.resource.status["projectID"] == PROJECT


@pytest.mark.parametrize(
    ("spec", "status"),
    [({"projectID": OTHER_PROJECT}, {}), ({}, {"projectID": OTHER_PROJECT}), ({}, {"region": "ru-9"})],
)
async def test_what_is_pinned_is_compared_before_anything_is_asked(
    spec: dict[str, Any], status: dict[str, str]
) -> None:
    house = ProjectHarness(**spec)
    house.cache.put(replace(house.resource, status=status))
    async with house.running():
        await house.reconcile()
        assert house.condition("Ready") == ("False", "ProjectChanged")
        assert house.cloud.requests == []


async def test_a_refused_token_blocks_the_project_until_a_new_one_is_good() -> None:
    house = ProjectHarness()
    async with house.opened() as session:
        house.cloud.tokens.clear()
        house.cloud.password = "another"
        with pytest.raises(Unauthorized):
            await session.get_object(DATASTORE_SIDE, "a", LOW)
        await house.settle("Ready", "False", "CredentialsInvalid")
        house.kube.secrets["credentials"]["OS_PASSWORD"] = "another"
        await house.reconcile()
        assert session.problem is None


async def test_an_identity_service_that_is_away_does_not_stop_an_open_project() -> None:
    house = ProjectHarness()
    async with house.opened() as session:
        house.cloud.identity_is_dead = True
        house.kube.secrets["credentials"]["OS_USERNAME"] = "robot-2"
        await house.reconcile()
        assert session.problem is None
        assert house.condition("Synced") == ("False", "ApiUnreachable")
        await session.send(DATASTORE_SIDE.collection.list(), LOW)


async def test_an_identity_service_that_is_away_from_the_start() -> None:
    house = ProjectHarness()
    house.cloud.identity_is_dead = True
    async with house.running():
        await house.reconcile()
        assert house.condition("Ready") == ("False", "ApiUnreachable")
        assert house.condition("Stalled")[0] == "False"
        assert house.again is not None


async def test_a_dead_api_is_reported_and_its_return_too() -> None:
    house = ProjectHarness()
    async with house.opened() as session:
        session.need(DATASTORE_SIDE)
        await house.listed(DATASTORE_SIDE)
        await house.settle("Ready", "True", "Ready")
        house.cloud.is_dead = True
        session.request_list("datastores")
        await house.settle("Ready", "False", "ApiUnreachable")
        assert house.message("Ready").startswith("the API at https://api.example/v1 does not answer")
        asked = len(house.cloud.requests)
        with pytest.raises(NeverSent):
            await session.get_object(DATASTORE_SIDE, "a", LOW)
        assert len(house.cloud.requests) == asked
        house.cloud.is_dead = False
        await house.settle("Ready", "True", "Ready")


STATIC = {
    "OS_TOKEN": "static",
    "INFRA_PROJECT_ID": PROJECT,
    "INFRA_DATABASES_ENDPOINT": "https://api.example/v1",
}


async def test_a_static_token_is_believed_only_when_the_listed_objects_fit() -> None:
    house = ProjectHarness(endpoint="https://api.example/v1")
    house.kube.secrets["credentials"] = STATIC
    house.cloud.tokens["static"] = PROJECT
    house.cloud.put("datastores", "a", project_id=OTHER_PROJECT)
    async with house.running():
        await house.reconcile()
        assert house.condition("Ready") == ("False", "ProjectChanged")
        house.cloud.put("datastores", "a")
        house.kube.secrets["credentials"] = {**STATIC, "OS_TOKEN": "static-2"}
        house.cloud.tokens["static-2"] = PROJECT
        await house.reconcile()
        assert house.session.problem is None


async def test_a_static_token_that_tells_of_itself_is_compared_first() -> None:
    house = ProjectHarness(projectID=PROJECT)
    house.kube.secrets["credentials"] = {"OS_TOKEN": "static", "OS_AUTH_URL": CREDENTIALS["OS_AUTH_URL"]}
    async with house.running():
        await house.reconcile()
        assert house.condition("Ready") == ("False", "CredentialsInvalid")
        house.cloud.tokens["static"] = OTHER_PROJECT
        await house.clock.sleep(10)
        await house.reconcile()
        assert house.condition("Ready") == ("False", "ProjectChanged")
        assert house.cloud.requests == []
        house.cloud.tokens["good"] = PROJECT
        house.kube.secrets["credentials"]["OS_TOKEN"] = "good"
        await house.reconcile()
        assert house.session.problem is None
        assert house.resource.status["endpoint"] == "https://api.example/v1"


async def test_objects_of_another_project_refute_a_static_token_later() -> None:
    house = ProjectHarness(endpoint="https://api.example/v1")
    house.kube.secrets["credentials"] = STATIC
    house.cloud.tokens["static"] = PROJECT
    async with house.opened() as session:
        snapshot = session.need(DATASTORE_SIDE)
        await house.listed(DATASTORE_SIDE)
        house.cloud.put("datastores", "a", project_id=OTHER_PROJECT)
        session.request_list("datastores")
        await house.settle("Ready", "False", "ProjectChanged")
        assert snapshot.get("a") is None


async def test_another_resource_of_the_same_name_starts_anew() -> None:
    house = ProjectHarness()
    async with house.opened() as session:
        assert house.projects.session(KEY.name) is session
        house.projects.forget(KEY.name)
        assert house.projects.session(KEY.name) is None
        with pytest.raises(NeverSent):
            await session.get_object(DATASTORE_SIDE, "a", LOW)


async def test_a_spec_of_another_version_stalls() -> None:
    house = ProjectHarness(region="")
    async with house.running():
        await house.reconcile()
        assert house.condition("Stalled") == ("True", "InvalidSpec")
        assert "spec.region" in house.message("Stalled")


async def test_secrets_wake_the_projects_that_use_them() -> None:
    house = ProjectHarness()
    house.projects.notice_secret("elsewhere", "credentials")
    house.projects.notice_secret(NAMESPACE, "another")
    assert house.enqueued.empty()
    house.projects.notice_secret(NAMESPACE, "credentials")
    assert house.enqueued.qsize() == 1


async def test_permissions_follow_the_spec() -> None:
    house = ProjectHarness(allowedNamespaces=[{"name": "shop"}])
    assert house.projects.permits("main", "shop") == frozenset()
    assert house.projects.permits("main", "other") is None
    house.edit(allowedNamespaces=[{"selector": {"matchLabels": {"team": "a"}}, "powers": ["adopt"]}])
    assert house.projects.permits("main", "shop") is None
    house.cache.labels["shop"] = {"team": "a"}
    assert house.projects.permits("main", "shop") == frozenset({"adopt"})
    assert house.projects.permits("missing", "shop") is None


async def test_the_default_project() -> None:
    house = ProjectHarness()
    assert isinstance(house.projects.default_name(), Wait)
    house.edit(default=True)
    assert house.projects.default_name() == "main"
    house.cache.put(project(ResourceKey("DatabaseProject", "", "second"), default=True))
    said = house.projects.default_name()
    assert isinstance(said, Wait)
    assert "main, second" in said.message


@pytest.mark.parametrize("endpoint", ["https://hers.example/v1", "https://api.example/v2", "http://api.example/v1"])
async def test_no_token_goes_to_an_endpoint_that_only_the_spec_says(endpoint: str) -> None:
    house = ProjectHarness()
    async with house.opened():
        house.edit(endpoint=endpoint)
        await house.reconcile()
        assert house.condition("Ready") == ("False", "AddressRefused")
        assert house.condition("Stalled") == ("True", "AddressRefused")
        assert [each for each in house.cloud.addresses if each.startswith(endpoint)] == []
        house.edit(endpoint="https://api.example:443/v1/")
        await house.reconcile()
        assert house.session.problem is None


async def test_what_is_believed_for_one_release_is_told() -> None:
    house = ProjectHarness(replace(SETTINGS, trust_project_addresses=True), identityURL=CREDENTIALS["OS_AUTH_URL"])
    del house.kube.secrets["credentials"]["OS_AUTH_URL"]
    async with house.opened():
        await house.settle("Synced", "True", "InSync")
        assert "add OS_AUTH_URL to the Secret operator/credentials" in house.message("Synced")
