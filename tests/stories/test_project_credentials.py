"""Somebody who may write DatabaseProjects, but may read no Secret of the operator's namespace, gets no credentials."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cluster import Cluster, Manifest, Refused
from managed_databases.kinds.registry import GROUP
from stories.listening_host import ListeningHost, redirect
from stories.pace import fast
from stories.world import World, condition, manifest


class Projector:
    """Edits DatabaseProjects, as herself."""

    def __init__(self, cluster: Cluster, world: World) -> None:
        self.cluster = cluster
        self._world = world
        self._made = 0

    async def makes(self, **spec: Any) -> str:
        """Make a project with the credentials that are there; return its name."""
        self._made += 1
        name = f"hers-{self._made}-{self._world.system}"
        self._world.project_names.append(name)
        usual = {"region": "region-1", "credentialsSecretRef": {"name": "cloud"}}
        await self.cluster.apply(manifest("DatabaseProject", name, None, usual | spec))
        return name

    async def changes(self, name: str, **spec: Any) -> None:
        await self.cluster.patch("DatabaseProject", name, None, {"spec": spec})

    async def is_told(self, name: str, reason: str, *words: str) -> str:
        """Wait until the project says so of its newest spec, and is not Ready; return the message."""

        async def look() -> Manifest:
            project = await self.cluster.get("DatabaseProject", name)
            said = condition(project, "Ready")
            assert (said.get("status"), said.get("reason")) == ("False", reason), project.get("status")
            assert said["observedGeneration"] == project["metadata"]["generation"]
            return project

        project = await self._world.until(f"{name} says {reason}", look)
        assert condition(project, "Stalled")["status"] == "True"
        message = str(condition(project, "Ready")["message"])
        assert all(word in message for word in words), message
        return message


@asynccontextmanager
async def projector_beside(world: World) -> AsyncIterator[Projector]:
    """The victim has a project and a datastore in it."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": "projects"}
    subject = {"apiGroup": rbac, "kind": "User", "name": "projector"}
    named = {"apiVersion": f"{rbac}/v1", "metadata": {"name": "projects"}}
    rule = {"apiGroups": [GROUP], "resources": ["databaseprojects"], "verbs": ["*"]}
    await world.cluster.apply(named | {"kind": "ClusterRole", "rules": [rule]})
    await world.cluster.apply(named | {"kind": "ClusterRoleBinding", "roleRef": role, "subjects": [subject]})
    kubeconfig = await world.cluster.control_plane.user("projector")
    async with Cluster(world.cluster.control_plane, kubeconfig) as cluster:
        with pytest.raises(Refused, match="403"):
            await cluster.get("Secret", "cloud", world.system)
        yield Projector(cluster, world)


@fast
async def test_a_password_goes_to_the_identity_service_that_its_secret_names(world: World) -> None:
    async with ListeningHost() as hers, projector_beside(world) as projector:
        for address in (hers.url, f"{hers.url}/v3", world.sandbox.identity_url + "/elsewhere"):
            name = await projector.makes(identityURL=address)
            message = await projector.is_told(name, "AddressRefused", "spec.identityURL", "OS_AUTH_URL", "cloud")
            assert hers.url not in message
        same = await projector.makes(identityURL=world.sandbox.identity_url + "/")
        await world.becomes("DatabaseProject", same)

        # A Secret that does not say whom its password is for: nobody gets it.
        silent = {key: value for key, value in world.sandbox.credentials().items() if key != "OS_AUTH_URL"}
        await world.put_secret(world.system, "silent", silent)
        name = await projector.makes(identityURL=hers.url, credentialsSecretRef={"name": "silent"})
        await projector.is_told(name, "AddressRefused", "add OS_AUTH_URL", f"{world.system}/silent")
        await world.put_secret(world.system, "silent", world.sandbox.credentials())
        await projector.changes(name, identityURL=None)
        await world.becomes("DatabaseProject", name)
        assert hers.heard == []


@fast
async def test_a_token_goes_to_no_endpoint_that_neither_catalogue_nor_secret_names(world: World) -> None:
    async with ListeningHost() as hers, projector_beside(world) as projector:
        await projector.changes(world.project, endpoint=f"{hers.url}/v1")
        message = await projector.is_told(world.project, "AddressRefused", "spec.endpoint", "INFRA_DATABASES_ENDPOINT")
        assert hers.url not in message
        await world.becomes("ManagedDatastore", "main")  # nothing is broken for whom it serves
        await projector.changes(world.project, endpoint=world.sandbox.endpoint)
        await world.becomes("DatabaseProject", world.project)

        # The Secret may name one that the catalogue does not have, and then no other.
        await world.put_secret(
            world.system, "cloud", world.sandbox.credentials() | {"INFRA_DATABASES_ENDPOINT": f"{hers.url}/v1"}
        )
        await world.annotate("DatabaseProject", world.project, sync_requested="now")
        await projector.is_told(world.project, "AddressRefused", "spec.endpoint", "INFRA_DATABASES_ENDPOINT")
        assert hers.heard == []

        # A token that is given, without an identity service.
        token = {"OS_TOKEN": "the-token", "INFRA_PROJECT_ID": world.sandbox.credentials()["INFRA_PROJECT_ID"]}
        await world.put_secret(world.system, "token", token)
        name = await projector.makes(endpoint=f"{hers.url}/v1", credentialsSecretRef={"name": "token"})
        await projector.is_told(name, "AddressRefused", "add INFRA_DATABASES_ENDPOINT", f"{world.system}/token")
        name = await projector.makes(identityURL=f"{hers.url}/v3", credentialsSecretRef={"name": "token"})
        await projector.is_told(name, "AddressRefused", "add OS_AUTH_URL", f"{world.system}/token")
        assert hers.heard == []
        await world.put_secret(world.system, "token", token | {"INFRA_DATABASES_ENDPOINT": f"{hers.url}/v1"})
        await projector.changes(name, identityURL=None)

        async def it_is_asked() -> bool:
            assert "the-token" in "".join(hers.heard)
            return True

        await world.until("the endpoint that the Secret names is asked", it_is_asked)


@fast
async def test_a_redirect_takes_no_credentials_along(world: World) -> None:
    async with ListeningHost() as hers, ListeningHost(redirect(f"{hers.url}/v3/auth/tokens")) as sends_elsewhere:
        async with projector_beside(world) as projector:
            told = world.sandbox.credentials() | {"OS_AUTH_URL": f"{sends_elsewhere.url}/v3"}
            token = {"OS_TOKEN": "the-token", "INFRA_PROJECT_ID": told["INFRA_PROJECT_ID"]}
            endpoint = {"INFRA_DATABASES_ENDPOINT": f"{sends_elsewhere.url}/v1"}
            for secret in (told, token | {"OS_AUTH_URL": told["OS_AUTH_URL"]}, token | endpoint):
                before = len(sends_elsewhere.heard)
                await world.put_secret(world.system, "moved", secret)
                await projector.makes(credentialsSecretRef={"name": "moved"})

                async def it_is_asked(before: int = before) -> bool:
                    return len(sends_elsewhere.heard) > before

                await world.until("the address of the Secret is asked", it_is_asked)
        assert hers.heard == []


@fast
async def test_a_secret_may_name_the_projects_that_may_use_it(world: World) -> None:
    async with projector_beside(world) as projector:
        metadata = {"annotations": {f"{GROUP}/projects": f"{world.project}, another"}}
        await world.cluster.patch("Secret", "cloud", world.system, {"metadata": metadata})
        name = await projector.makes(allowedNamespaces=[{"name": "*", "powers": ["adopt"]}])
        await projector.is_told(name, "Forbidden", f"{GROUP}/projects", f"{world.system}/cloud")
        await world.becomes("DatabaseProject", world.project)
        metadata = {"annotations": {f"{GROUP}/projects": "another"}}
        await world.cluster.patch("Secret", "cloud", world.system, {"metadata": metadata})
        await world.annotate("DatabaseProject", world.project, sync_requested="now")
        await projector.is_told(world.project, "Forbidden", f"{GROUP}/projects")


@pytest.mark.parametrize("address", ["http://identity.invalid/v3", "http://192.0.2.1:5000/v3", "http://127.1/v3"])
@fast
async def test_no_password_goes_over_the_network_as_it_is(world: World, address: str) -> None:
    await world.operator.start()
    await world.put_secret(world.system, "plain", world.sandbox.credentials() | {"OS_AUTH_URL": address})
    name = f"plain-{world.system}"
    world.project_names.append(name)
    await world.apply(
        manifest("DatabaseProject", name, None, {"region": "region-1", "credentialsSecretRef": {"name": "plain"}})
    )
    project = await world.becomes("DatabaseProject", name, status="False", reason="AddressRefused")
    assert f"{GROUP}/allow-insecure" in condition(project, "Ready")["message"]
    metadata = {"annotations": {f"{GROUP}/allow-insecure": "true"}}
    await world.cluster.patch("Secret", "plain", world.system, {"metadata": metadata})
    await world.annotate("DatabaseProject", name, sync_requested="now")
    await world.becomes("DatabaseProject", name, status="False", reason="ApiUnreachable")
