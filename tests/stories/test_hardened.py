"""The hardened installation of deploy/examples/hardened: what it prevents, and that everything works in it."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from cluster import Cluster, Manifest, Refused
from install.helm import render
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import kinds
from operator_process import OperatorProcess
from stories.everything import all_is_in_sync, every_password_is_right, give, nothing_is_left, resources
from stories.pace import FAST
from stories.world import World, manifest

pytestmark = pytest.mark.story

TOP = Path(__file__).parents[2]
HARDENED = TOP / "deploy/examples/hardened"
CERTIFICATES = TOP / "tests/kube/certificates"
RELEASE = "managed-databases"
NAME = f"{RELEASE}-managed-databases-operator"
TEAM = "attacker"
"""A user whom the API server knows; in the example it is a group."""


def put_in_place(value: Any, names: Mapping[str, str]) -> Any:
    """The value with whole strings replaced."""
    if isinstance(value, dict):
        return {key: put_in_place(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [put_in_place(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def example(world: World, name: str) -> list[Manifest]:
    names = {"managed-databases-system": world.system, "shop": world.namespace, "team": world.project}
    names |= {
        "team-credentials": "cloud",
        "0123456789abcdef0123456789abcdef": world.sandbox.credentials()["INFRA_PROJECT_ID"],
    }
    found = put_in_place(list(yaml.safe_load_all((HARDENED / name).read_text())), names)
    for each in found:
        for subject in each.get("subjects", ()):
            subject |= {"kind": "User", "name": TEAM}
    return [each for each in found if each]


def chart(world: World) -> list[Manifest]:
    (values,) = example(world, "values.yaml")
    return render(values, namespace=world.system, release=RELEASE)


@pytest_asyncio.fixture
async def world(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[World]:
    """With a control plane of its own: the policies of an installation, and what it makes of the role `edit`, are everybody's."""
    async with (
        ControlPlane(control_plane.binaries, controller_manager=True) as plane,
        Cluster(plane) as cluster,
        World(cluster, tmp_path, settings=FAST) as world,
    ):
        yield world


async def install(world: World, *, metrics_port: int = 0) -> None:
    """Namespaces, the chart and the project; then the operator's process with the chart's account and settings."""
    await world.cluster.apply((TOP / "tests/install/monitoring-crds.yaml").read_text())
    for each in (*example(world, "operator-namespace.yaml"), *example(world, "tenant-namespace.yaml")):
        await world.cluster.apply(each)
        if each["kind"] == "ResourceQuota":
            await count_from_nothing(world, each)
    made = await asyncio.to_thread(chart, world)
    for each in made:
        await world.cluster.apply(each)
    await edit_has_our_kinds(world)
    (deployment,) = [each for each in made if each["kind"] == "Deployment"]
    told = {each["name"]: each.get("value") for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    prefix = "MANAGED_DATABASES_"
    settings = {name.removeprefix(prefix).lower(): value for name, value in told.items() if value is not None}
    for file in ("crt", "key"):
        shutil.copy(CERTIFICATES / f"first.{file}", world.folder / f"tls.{file}")
    here = {
        "namespace": world.system,
        "metrics_host": "127.0.0.1",
        "metrics_port": metrics_port,
        "metrics_certificate": world.folder / "tls.crt",
        "metrics_key": world.folder / "tls.key",
        "probe_port": 0,
    }
    account = await world.cluster.service_account(world.system, NAME)
    world.operator = OperatorProcess(account, world.folder / "operator.log", **settings | world.settings | here)
    await world.operator.start()


async def edit_has_our_kinds(world: World) -> None:
    """The role `edit` is put together of others by a controller."""

    async def look() -> bool:
        role = await world.cluster.get("ClusterRole", "edit")
        return any("manageddatastores" in rule.get("resources", ()) for rule in role.get("rules") or ())

    await world.until("the role edit has our kinds", look)


async def count_from_nothing(world: World, quota: Manifest) -> None:
    """As the controller of quotas does it, which does not run here; from then on the API server counts."""
    hard = quota["spec"]["hard"]
    name, namespace = quota["metadata"]["name"], quota["metadata"]["namespace"]
    status = {"hard": hard, "used": dict.fromkeys(hard, "0")}
    await world.cluster.patch("ResourceQuota", name, namespace, {"status": status}, "status")


async def project(world: World) -> Manifest:
    (found,) = example(world, "project.yaml")
    world.project_names.append(world.project)
    found["spec"]["allowedNamespaces"][0]["powers"] = ["adopt", "metrics"]  # for every kind
    found["spec"]["pollSeconds"] = 5
    return found


async def test_everything_works_under_it(world: World) -> None:
    await install(world)
    await give(world)
    await world.apply(await project(world), *resources(world))

    async def in_sync() -> bool:
        await all_is_in_sync(world)
        return True

    await world.until("all is in sync", in_sync, 120)
    await every_password_is_right(world)
    await give(world, reader="given-second")
    await world.change("DatabaseUser", "reader", pollSeconds=60)

    async def new_password_is_there() -> bool:
        return (await world.secret("reader-user"))["password"] == "given-second" and await in_sync()

    await world.until("the new password is there", new_password_is_there, 120)
    await every_password_is_right(world)
    await world.operator.kill()
    await world.operator.start()
    await asyncio.gather(*(world.delete(each["kind"], each["metadata"]["name"]) for each in resources(world)))

    async def gone() -> bool:
        await nothing_is_left(world)
        return True

    await world.until("nothing is left", gone, 120)
    forbidden = [event for event in world.cluster.audit(user=operators_account(world)) if event.code in (401, 403)]
    assert forbidden == [], "the rights of the example are enough"
    assert await world.operator.stop() == 0


def operators_account(world: World) -> str:
    return f"system:serviceaccount:{world.system}:{NAME}"


async def test_the_metrics_are_for_whom_kubernetes_lets(world: World) -> None:
    port = free_port()
    await install(world, metrics_port=port)
    await world.apply(await project(world), world.datastore())
    await world.becomes("ManagedDatastore", "main")
    for name in ("prometheus", "curious"):
        metadata = {"name": name, "namespace": world.system}
        await world.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    reader = f"{world.system}-{NAME}-metrics-reader"
    await world.cluster.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"prometheus-{world.system}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": reader},
            "subjects": [{"kind": "ServiceAccount", "name": "prometheus", "namespace": world.system}],
        }
    )
    trusted = ssl.create_default_context(cafile=CERTIFICATES / "first.crt")
    async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=trusted, trust_env=False) as http:

        async def read(token: str | None) -> httpx.Response:
            return await http.get("/metrics", headers={"authorization": f"Bearer {token}"} if token else {})

        assert (await read(None)).status_code == 401
        assert (await read("made-up")).status_code == 401
        assert (await read(await token_of(world, "curious"))).status_code == 403
        allowed = await token_of(world, "prometheus")

        async def lets_in() -> bool:
            return (await read(allowed)).status_code == 200

        await world.until("the right counts", lets_in)
        told = (await read(allowed)).text
    assert f'namespace="{world.namespace}"' in told
    asked = {(each.resource, each.verb) for each in world.cluster.audit(user=operators_account(world))}
    assert {("tokenreviews", "create"), ("subjectaccessreviews", "create")} <= asked
    await world.cluster.delete("ClusterRoleBinding", f"prometheus-{world.system}")


async def token_of(world: World, account: str) -> str:
    kubeconfig = await world.cluster.service_account(world.system, account)
    token: str = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    return token


async def test_a_team_has_what_is_its_own_and_no_more(world: World) -> None:
    await install(world)
    await world.apply(await project(world))
    kubeconfig = await world.cluster.control_plane.user(TEAM)
    async with Cluster(world.cluster.control_plane, kubeconfig) as team:
        await team.apply(world.datastore())
        await world.becomes("ManagedDatastore", "main")
        await team.apply(world.user())
        await world.becomes("DatabaseUser", "app")
        assert await team.get("Secret", "app-user", world.namespace)

        refused: dict[str, str] = {}

        async def is_refused(what: str, attempt: Any) -> None:
            with pytest.raises(Refused) as told:
                await attempt
            assert told.value.code == 403, what
            refused[what] = told.value.message

        forged = {"status": {"id": "00000000-0000-4000-8000-000000000000"}}
        await is_refused("status", team.patch("DatabaseUser", "app", world.namespace, forged, "status"))
        await is_refused("credentials", team.get("Secret", "cloud", world.system))
        await is_refused("a project", team.apply(world.project_manifest()))
        labelled = {"metadata": {"labels": {"databases": "yes"}}}
        await is_refused("a label", team.patch("Namespace", world.namespace, None, labelled))
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "root", "namespace": world.namespace},
            "spec": {"hostNetwork": True, "containers": [{"name": "root", "image": "root"}]},
        }
        await is_refused("a Pod of the machine's", team.apply(pod))
        metrics = [manifest("PrometheusMetricsToken", name, world.namespace, {}) for name in ("one", "two")]
        await team.create(metrics[0])
        await is_refused("one too many", team.create(metrics[1]))
        assert "exceeded quota: databases" in refused["one too many"]
        assert 'violates PodSecurity "restricted' in refused["a Pod of the machine's"]


def test_every_kind_has_a_quota() -> None:
    documents = list(yaml.safe_load_all((HARDENED / "tenant-namespace.yaml").read_text()))
    (quota,) = [each["spec"]["hard"] for each in documents if each["kind"] == "ResourceQuota"]
    counted = {name.removeprefix("count/") for name in quota if name.endswith(".manageddatabases.io")}
    assert counted == {f"{kind.plural}.manageddatabases.io" for kind in kinds().values() if kind.namespaced}
