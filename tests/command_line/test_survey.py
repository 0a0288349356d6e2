"""What looks with the operator's eyes has no hands: it neither writes to Kubernetes nor changes the cloud."""

from typing import Any, cast

import pytest
from pydantic import SecretStr

from command_line.resources import resource
from managed_databases.api.collections import DATABASES
from managed_databases.api.models import NewDatabase
from managed_databases.command_line.person import Person
from managed_databases.command_line.problems import BadUsage, MissingRight, Problem
from managed_databases.command_line.project_choice import ENVIRONMENT, Choice, chosen_project, credentials_of
from managed_databases.command_line.survey import Survey, send_no_change
from managed_databases.kinds.kind import Kind
from managed_databases.kube.connection import KubeConnection
from managed_databases.reconcile.ports import KubeRefused, NewSecret, Resource

PROJECT = {"region": "region-1", "credentialsSecretRef": {"name": "cloud"}, "endpoint": "https://elsewhere.example"}
OWN = {
    "OS_AUTH_URL": "https://id.example", "OS_USERNAME": "me", "OS_PASSWORD": "mine", "OS_USER_DOMAIN_NAME": "d",
    "INFRA_PROJECT_ID": "p", "INFRA_REGION": "region-2", "HOME": "/home/me",
}  # fmt: skip


class Nobody:
    """A connection on which nothing may be asked."""

    async def request(self, method: str, path: str, **_: Any) -> Any:
        raise AssertionError(f"{method} {path} was sent")


async def test_it_writes_nothing_to_kubernetes() -> None:
    choice = Choice(resource("DatabaseProject", "cloud", PROJECT))
    survey = Survey(cast(KubeConnection, Nobody()), choice, [], "system")
    user = resource("DatabaseUser", "app")
    with pytest.raises(KubeRefused):
        await survey.kube.write_status(user, {"id": "x"})
    with pytest.raises(KubeRefused):
        await survey.kube.set_finalizers(user, ("x",))
    with pytest.raises(KubeRefused):
        await survey.kube.create_secret(NewSecret("shop", "app-user", "Opaque", {}, {"password": SecretStr("x")}))


async def test_what_cannot_be_read_ends_nothing() -> None:
    survey = Survey(cast(KubeConnection, Nobody()), Choice(resource("DatabaseProject", "cloud", PROJECT)), [], "system")
    assert survey.can_read(resource("DatabaseUser", "fine", {"datastoreRef": {"name": "main"}}))
    odd = resource("DatabaseUser", "odd", {"datastoreRef": 5})
    forged = resource("DatabaseUser", "forged", {"datastoreRef": {"name": "main"}}, {"id": ["x"]})
    assert not survey.can_read(odd)
    assert not survey.can_read(forged)
    assert survey.unreadable.keys() == {odd.key, forged.key}
    assert "cannot read spec.datastoreRef" in survey.unreadable[odd.key]


async def test_it_sends_no_call_that_changes_anything() -> None:
    await send_no_change(DATABASES.list())
    with pytest.raises(AssertionError, match=r"databases\.create would change the cloud"):
        await send_no_change(DATABASES.create(NewDatabase(name="x", datastore_id="y")))
    with pytest.raises(AssertionError):
        await send_no_change(DATABASES.delete("x"))


class Reading:
    """A person who may read these projects; None: no project."""

    def __init__(self, *projects: Resource, may_read: bool = True) -> None:
        self._projects, self._may_read = projects, may_read

    async def resource(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        return next((each for each in await self.resources(kind, None) if each.key.name == name), None)

    async def resources(self, kind: Kind, namespace: str | None) -> list[Resource]:
        if not self._may_read:
            raise MissingRight("list", kind.plural, None)
        return list(self._projects)


def person(*projects: Resource, may_read: bool = True) -> Person:
    return cast(Person, Reading(*projects, may_read=may_read))


CLOUD = resource("DatabaseProject", "cloud", PROJECT)
DEFAULT = resource("DatabaseProject", "usual", {**PROJECT, "default": True})


async def test_which_project_is_meant() -> None:
    assert (await chosen_project(person(CLOUD, DEFAULT), None, None)).name == "usual"
    assert (await chosen_project(person(CLOUD, DEFAULT), "cloud", None)).name == "cloud"
    with pytest.raises(
        BadUsage, match=r"name a project with --project: not exactly one is the default \(there are: cloud\)"
    ):
        await chosen_project(person(CLOUD), None, None)
    with pytest.raises(BadUsage, match="there is no DatabaseProject other"):
        await chosen_project(person(CLOUD), "other", None)
    given = resource("DatabaseProject", "cloud", {**PROJECT, "region": "region-9"})
    assert (await chosen_project(person(CLOUD), "cloud", None, {"cloud": given})).resource is given
    with pytest.raises(Problem, match="--env uses them"):
        await chosen_project(person(may_read=False), None, None)


async def test_own_credentials_go_only_where_the_person_says() -> None:
    """The addresses of the DatabaseProject are for its own Secret: whoever writes them must not get a person's password."""
    choice = await chosen_project(person(DEFAULT), None, OWN)
    assert choice.secret is not None
    assert choice.secret.data.keys() == OWN.keys() - {"HOME"}
    assert "mine" not in repr(choice)
    assert choice.resource.spec["credentialsSecretRef"] == {"name": ENVIRONMENT}
    assert "endpoint" not in choice.resource.spec
    with pytest.raises(BadUsage, match="set OS_AUTH_URL"):
        credentials_of({"OS_PASSWORD": "mine"})


async def test_a_project_that_may_not_be_read_is_made_up() -> None:
    held = resource("DatabaseUser", "app", {}, {"identity": {"project": "cloud"}})
    choice = await chosen_project(person(may_read=False), None, OWN, resources=[held])
    assert (choice.name, choice.resource.spec["region"]) == ("cloud", "region-2")
    assert "is taken for granted" in choice.notes[0]
    other = resource("DatabaseUser", "two", {}, {"identity": {"project": "other"}})
    with pytest.raises(BadUsage, match="your resources are in cloud, other"):
        await chosen_project(person(may_read=False), None, OWN, resources=[held, other])
    with pytest.raises(BadUsage, match="set INFRA_REGION"):
        await chosen_project(person(may_read=False), None, {"OS_AUTH_URL": "https://id.example"})
