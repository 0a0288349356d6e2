"""A project is opened only as itself, recovers when its credentials do, and writes nothing at rest."""

from dataclasses import replace
from typing import Any

import pytest

from managed_databases.api.errors import NeverSent, Unauthorized
from managed_databases.kinds.verdicts import Wait
from managed_databases.reconcile.annotations import SYNC_REQUESTED
from managed_databases.reconcile.ports import ResourceKey
from reconcile.project.fake_project import (
    CREDENTIALS,
    DATASTORE_KIND,
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
    harness = ProjectHarness()
    async with harness.opened() as session:
        await harness.settle("Synced", "True", "InSync")
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)
        await harness.reconcile()
        status = harness.resource.status
        assert (status["projectID"], status["region"], status["endpoint"]) == (
            PROJECT,
            "ru-1",
            "https://api.example/v1",
        )
        assert status["engines"] == ["postgresql 16"]
        assert {type_: harness.condition(type_)[0] for type_ in ("Ready", "Reconciling", "Stalled")} == {
            "Ready": "True",
            "Reconciling": "False",
            "Stalled": "False",
        }
        assert status["observedGeneration"] == 1


async def test_at_rest_a_pass_writes_and_asks_nothing() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: session.view)
        await harness.reconcile()
        writes, logins = harness.kube.writes, harness.cloud.logins
        for _ in range(5):
            await harness.reconcile()
        assert (harness.kube.writes, harness.cloud.logins) == (writes, logins)


async def test_a_requested_sync_lists_at_once_and_is_echoed() -> None:
    harness = ProjectHarness(replace(SETTINGS, poll_seconds=1e6))
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cache.put(replace(harness.resource, annotations={SYNC_REQUESTED: "now"}))
        await harness.reconcile()
        await harness.listed(DATASTORE_KIND, 2)
        assert harness.resource.status["lastHandledSyncRequest"] == "now"


async def test_a_missing_secret_is_waited_for() -> None:
    harness = ProjectHarness()
    del harness.kube.secrets["credentials"]
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "SecretMissing")
        assert f"{NAMESPACE}/credentials" in harness.message("Ready")
        assert harness.again is not None
        harness.kube.secrets["credentials"] = dict(CREDENTIALS)
        await harness.reconcile()
        assert harness.session.problem is None


async def test_the_missing_certificate_holds_the_project_and_the_lost_one_does_not() -> None:
    harness = ProjectHarness(caCertificate={"name": "ca"})
    async with harness.running():
        await harness.reconcile()
        assert isinstance(harness.session.problem, Wait)
        harness.kube.config_maps["ca"] = {"ca.crt": "PEM"}
        await harness.reconcile()
        assert harness.session.problem is None
        del harness.kube.config_maps["ca"]
        await harness.reconcile()
        assert harness.session.problem is None
        assert harness.session.view is not None
        assert harness.session.view.ca_certificate == "PEM"


async def test_a_wrong_password_is_not_tried_again_at_once() -> None:
    harness = ProjectHarness(replace(SETTINGS, min_backoff_seconds=3600.0))
    harness.cloud.password = "another"
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "CredentialsInvalid")
        assert harness.condition("Stalled")[0] == "True"
        assert "right-password" not in str(harness.resource.status)
        logins = harness.cloud.logins
        await harness.reconcile()
        assert harness.cloud.logins == logins
        harness.kube.secrets["credentials"]["OS_PASSWORD"] = "another"
        await harness.reconcile()
        assert harness.condition("Ready")[1] != "CredentialsInvalid"
        assert harness.session.problem is None


async def test_foreign_credentials_list_nothing_and_heal_when_put_back() -> None:
    harness = ProjectHarness()
    harness.cloud.put("datastores", "a")
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.kube.secrets["credentials"]["INFRA_PROJECT_ID"] = OTHER_PROJECT
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "ProjectChanged")
        assert harness.condition("Stalled")[0] == "True"
        asked = len(harness.cloud.requests)
        session.lists.request("datastores")
        with pytest.raises(NeverSent):
            await session.get_object(DATASTORE_KIND, "a", LOW)
        await harness.reconcile()
        assert len(harness.cloud.requests) == asked
        harness.kube.secrets["credentials"]["INFRA_PROJECT_ID"] = PROJECT
        await harness.reconcile()
        assert session.problem is None
        assert harness.session is session
        assert session.lists.need(DATASTORE_KIND) is snapshot
        assert snapshot.get("a") is not None
        assert harness.resource.status["projectID"] == PROJECT


@pytest.mark.parametrize(
    ("spec", "status"),
    [({"projectID": OTHER_PROJECT}, {}), ({}, {"projectID": OTHER_PROJECT}), ({}, {"region": "ru-9"})],
)
async def test_what_is_pinned_is_compared_before_anything_is_asked(
    spec: dict[str, Any], status: dict[str, str]
) -> None:
    harness = ProjectHarness(**spec)
    harness.cache.put(replace(harness.resource, status=status))
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "ProjectChanged")
        assert harness.cloud.requests == []


async def test_a_refused_token_blocks_the_project_until_a_new_one_is_good() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        harness.cloud.tokens.clear()
        harness.cloud.password = "another"
        with pytest.raises(Unauthorized):
            await session.get_object(DATASTORE_KIND, "a", LOW)
        await harness.settle("Ready", "False", "CredentialsInvalid")
        harness.kube.secrets["credentials"]["OS_PASSWORD"] = "another"
        await harness.reconcile()
        assert session.problem is None


async def test_an_identity_service_that_is_away_does_not_stop_an_open_project() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        harness.cloud.identity_is_dead = True
        harness.kube.secrets["credentials"]["OS_USERNAME"] = "robot-2"
        await harness.reconcile()
        assert session.problem is None
        assert harness.condition("Synced") == ("False", "ApiUnreachable")
        await session.send(DATASTORE_KIND.collection.list(), LOW)


async def test_an_identity_service_that_is_away_from_the_start() -> None:
    harness = ProjectHarness()
    harness.cloud.identity_is_dead = True
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "ApiUnreachable")
        assert harness.condition("Stalled")[0] == "False"
        assert harness.again is not None


async def test_a_dead_api_is_reported_and_its_return_too() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        await harness.settle("Ready", "True", "Ready")
        harness.cloud.is_dead = True
        session.lists.request("datastores")
        await harness.settle("Ready", "False", "ApiUnreachable")
        assert harness.message("Ready").startswith("the API at https://api.example/v1 does not answer")
        asked = len(harness.cloud.requests)
        with pytest.raises(NeverSent):
            await session.get_object(DATASTORE_KIND, "a", LOW)
        assert len(harness.cloud.requests) == asked
        harness.cloud.is_dead = False
        await harness.settle("Ready", "True", "Ready")


STATIC = {
    "OS_TOKEN": "static",
    "INFRA_PROJECT_ID": PROJECT,
    "INFRA_DATABASES_ENDPOINT": "https://api.example/v1",
}


async def test_a_static_token_is_believed_only_when_the_listed_objects_fit() -> None:
    harness = ProjectHarness(endpoint="https://api.example/v1")
    harness.kube.secrets["credentials"] = STATIC
    harness.cloud.tokens["static"] = PROJECT
    harness.cloud.put("datastores", "a", project_id=OTHER_PROJECT)
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "ProjectChanged")
        harness.cloud.put("datastores", "a")
        harness.kube.secrets["credentials"] = {**STATIC, "OS_TOKEN": "static-2"}
        harness.cloud.tokens["static-2"] = PROJECT
        await harness.reconcile()
        assert harness.session.problem is None


async def test_a_static_token_that_tells_of_itself_is_compared_first() -> None:
    harness = ProjectHarness(projectID=PROJECT)
    harness.kube.secrets["credentials"] = {"OS_TOKEN": "static", "OS_AUTH_URL": CREDENTIALS["OS_AUTH_URL"]}
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "CredentialsInvalid")
        harness.cloud.tokens["static"] = OTHER_PROJECT
        await harness.clock.sleep(10)
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "ProjectChanged")
        assert harness.cloud.requests == []
        harness.cloud.tokens["good"] = PROJECT
        harness.kube.secrets["credentials"]["OS_TOKEN"] = "good"
        await harness.reconcile()
        assert harness.session.problem is None
        assert harness.resource.status["endpoint"] == "https://api.example/v1"


async def test_objects_of_another_project_refute_a_static_token_later() -> None:
    harness = ProjectHarness(endpoint="https://api.example/v1")
    harness.kube.secrets["credentials"] = STATIC
    harness.cloud.tokens["static"] = PROJECT
    async with harness.opened() as session:
        snapshot = session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND)
        harness.cloud.put("datastores", "a", project_id=OTHER_PROJECT)
        session.lists.request("datastores")
        await harness.settle("Ready", "False", "ProjectChanged")
        assert snapshot.get("a") is None


async def test_another_resource_of_the_same_name_starts_anew() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        assert harness.projects.session(KEY.name) is session
        harness.projects.forget(KEY.name)
        assert harness.projects.session(KEY.name) is None
        with pytest.raises(NeverSent):
            await session.get_object(DATASTORE_KIND, "a", LOW)


async def test_a_spec_of_another_version_stalls() -> None:
    harness = ProjectHarness(region="")
    async with harness.running():
        await harness.reconcile()
        assert harness.condition("Stalled") == ("True", "InvalidSpec")
        assert "spec.region" in harness.message("Stalled")


async def test_secrets_wake_the_projects_that_use_them() -> None:
    harness = ProjectHarness()
    harness.projects.notice_secret("elsewhere", "credentials")
    harness.projects.notice_secret(NAMESPACE, "another")
    assert harness.enqueued.empty()
    harness.projects.notice_secret(NAMESPACE, "credentials")
    assert harness.enqueued.qsize() == 1


async def test_permissions_follow_the_spec() -> None:
    harness = ProjectHarness(allowedNamespaces=[{"name": "shop"}])
    assert harness.projects.granted_powers("main", "shop") == frozenset()
    assert harness.projects.granted_powers("main", "other") is None
    harness.edit(allowedNamespaces=[{"selector": {"matchLabels": {"team": "a"}}, "powers": ["adopt"]}])
    assert harness.projects.granted_powers("main", "shop") is None
    harness.cache.labels["shop"] = {"team": "a"}
    assert harness.projects.granted_powers("main", "shop") == frozenset({"adopt"})
    assert harness.projects.granted_powers("missing", "shop") is None
    assert harness.projects.tells_allowed("main")
    harness.edit(allowedNamespaces=[])
    assert harness.projects.tells_allowed("main")
    harness.edit(allowedNamespaces="(more than this operator reads)")
    assert not harness.projects.tells_allowed("main")
    assert harness.projects.granted_powers("main", "shop") is None
    assert harness.projects.named_namespaces("main") == ()


async def test_the_default_project() -> None:
    harness = ProjectHarness()
    assert isinstance(harness.projects.default_name(), Wait)
    harness.edit(default=True)
    assert harness.projects.default_name() == "main"
    harness.cache.put(project(ResourceKey("DatabaseProject", "", "second"), default=True))
    said = harness.projects.default_name()
    assert isinstance(said, Wait)
    assert "main, second" in said.message


@pytest.mark.parametrize(
    "endpoint", ["https://hers.example/v1", "https://api.example/other/v1", "http://api.example/v1"]
)
async def test_no_token_goes_to_an_endpoint_that_only_the_spec_says(endpoint: str) -> None:
    harness = ProjectHarness()
    async with harness.opened():
        harness.edit(endpoint=endpoint)
        await harness.reconcile()
        assert harness.condition("Ready") == ("False", "AddressRefused")
        assert harness.condition("Stalled") == ("True", "AddressRefused")
        assert [each for each in harness.cloud.addresses if each.startswith(endpoint)] == []
        harness.edit(endpoint="https://api.example:443/v1/")
        await harness.reconcile()
        assert harness.session.problem is None


async def test_an_address_of_another_version_is_told_and_not_asked() -> None:
    harness = ProjectHarness()
    async with harness.opened():
        harness.edit(endpoint="https://api.example/v2")
        await harness.reconcile()
        assert harness.condition("Stalled") == ("True", "InvalidSpec")
        assert "ends in /v2" in str(harness.resource.status["conditions"])
        assert [each for each in harness.cloud.addresses if "/v2" in each] == []


async def test_what_is_believed_for_one_release_is_told() -> None:
    harness = ProjectHarness(replace(SETTINGS, trust_project_addresses=True), identityURL=CREDENTIALS["OS_AUTH_URL"])
    del harness.kube.secrets["credentials"]["OS_AUTH_URL"]
    async with harness.opened():
        await harness.settle("Synced", "True", "InSync")
        assert "add OS_AUTH_URL to the Secret operator/credentials" in harness.message("Synced")
