"""`managed-databases plan`: what the operator would do, and then does, for manifests; nothing is touched meanwhile."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Manifest
from command_process import Ended, command
from stories.pace import FAST
from stories.people import may_read_projects, person
from stories.world import World, manifest


class Plans:
    """Plans for manifests in a file of its own each time."""

    def __init__(self, world: World, folder: Path, *further: str) -> None:
        self.world, self.folder = world, folder
        self.usual = ("-n", world.namespace, "--operator-namespace", world.system, *further)
        self.kubeconfig = world.cluster.kubeconfig

    async def of(self, *manifests: Manifest, **environment: str) -> Ended:
        path = self.folder / "manifests.yaml"
        path.write_text(yaml.safe_dump_all(manifests))
        return await command(self.kubeconfig, "plan", "-f", str(path), *self.usual, "-o", "json", **environment)


def steps(ended: Ended) -> dict[str, list[tuple[str, str, str | None]]]:
    """Action, risk and call of each step, by the resource's name."""
    assert ended.said, ended
    return {
        f"{entry['kind']}/{entry['name']}": [(step["action"], step["risk"], step["call"]) for step in entry["steps"]]
        for entry in ended.json["plan"]
    }


async def changing(world: World) -> list[dict[str, Any]]:
    """The requests that have changed the cloud so far."""
    said = await world.sandbox.requests()
    return [each for each in said if each["method"] != "GET" and not each["path"].endswith("/auth/tokens")]


async def test_a_plan_is_what_then_happens(world: World, tmp_path: Path) -> None:
    await world.operator.start(**FAST)
    plans = Plans(world, tmp_path, "--project", world.project)
    everything = [
        world.datastore(),
        world.database(ownerRef={"name": "app"}),
        world.user(),
        world.user("report", datastoreRef={"name": "main"}, databases=[{"name": "shop"}]),
    ]
    await world.apply(world.project_manifest())
    await world.becomes("DatabaseProject", world.project)
    first = await plans.of(*everything)
    assert steps(first) == {
        "ManagedDatastore/main": [("create", "none", "POST /datastores")],
        "ManagedDatabase/shop": [("create", "none", "POST /databases")],
        "DatabaseUser/app": [("create", "none", "POST /users")],
        "DatabaseUser/report": [("create", "none", "POST /users")],
        "DatabaseGrant/report-shop": [("create", "none", "POST /grants")],
    }
    assert first.code == 3
    assert await changing(world) == []
    assert await world.cluster.list("databaseusers", world.namespace) == []

    await world.apply(*everything)
    for kind, name in (("ManagedDatabase", "shop"), ("DatabaseUser", "app"), ("DatabaseUser", "report")):
        await world.becomes(kind, name, "Synced")
    made, before = await world.made("datastores"), len(await changing(world))
    assert len(made) == 1
    rest = await plans.of(*everything)
    assert (rest.code, steps(rest)) == (0, {name: [] for name in steps(first)}), rest

    datastore = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    larger = world.datastore(flavor={"vcpus": 4, "ramMB": 8192, "diskGB": 64}, config={"work_mem": 8192})
    changed = await plans.of(larger)
    (entry,) = changed.json["plan"]
    found = {(step["risk"], step["call"].partition(datastore)[2]) for step in entry["steps"]}
    assert changed.code == 4
    assert ("restart", "/resize") in found or ("restart", "/actions/resize") in found, found
    lost = await plans.of(world.datastore(engine={"type": "postgresql", "version": "15"}))
    assert lost.code == 5
    assert "engine" in lost.json["plan"][0]["steps"][0]["message"]
    taken = await plans.of(world.user("other", name="app"))
    assert taken.code == 5
    assert taken.json["plan"][0]["steps"][0]["reason"] == "Conflict"
    assert len(await changing(world)) == before, "nothing was touched"


async def test_what_is_nowhere_cannot_be_done(world: World, tmp_path: Path) -> None:
    """A mistyped reference passes no pipeline: the resource would say Stalled two minutes after it is applied."""
    await world.operator.start(**FAST)
    await world.apply(world.project_manifest())
    await world.becomes("DatabaseProject", world.project)
    plans = Plans(world, tmp_path, "--project", world.project)
    main, given = world.datastore(), {"passwordSecretRef": {"name": "nosuch", "key": "password"}}
    grant = {"datastoreRef": {"name": "main"}, "databaseRef": {"name": "shop"}, "userRef": {"name": "ap"}}
    wrong = {
        "datastore": world.user("datastore", datastoreRef={"name": "mian"}),
        "password": world.user("password", **given),
        "project": world.datastore("project", projectRef={"name": "taem"}),
        "user": manifest("DatabaseGrant", "user", world.namespace, grant),
        "elsewhere": world.user("elsewhere", datastoreRef={"name": "main", "namespace": "default"}),
    }
    planned = await plans.of(main, world.database(), *wrong.values())
    told = {entry["name"]: entry["steps"] for entry in planned.json["plan"]}
    found = {name: [(step["action"], step["reason"]) for step in told[name]] for name in wrong}
    misses = "misses something"
    assert found == {
        "datastore": [(misses, "ParentMissing")],
        "password": [(misses, "SecretMissing")],
        "project": [(misses, "ProjectMissing")],
        "user": [(misses, "ParentMissing")],
        "elsewhere": [(misses, "ParentMissing")],
    }
    assert told["user"][0]["message"] == f"there is no DatabaseUser {world.namespace}/ap"
    assert planned.code == 5

    plans = Plans(world, tmp_path, "--env")
    plans.kubeconfig = await person(world.cluster, world.namespace, "edit")
    hidden = await plans.of(main, wrong["elsewhere"], wrong["project"], **world.sandbox.credentials())
    assert hidden.code == 3, "what may not be looked up may be there"

    other = world.project_manifest(default=False)
    other["metadata"]["name"] = f"{world.project}-2"
    world.project_names.append(f"{world.project}-2")
    await world.apply(main, other)
    await world.becomes("ManagedDatastore", "main")
    planned = await Plans(world, tmp_path, "--project", world.project).of(
        world.datastore("project", projectRef={"name": f"{world.project}-2"}), wrong["password"]
    )
    told = {entry["name"]: entry["steps"][0] for entry in planned.json["plan"]}
    assert {name: step["action"] for name, step in told.items()} == {"project": "waits", "password": misses}
    assert f"--project {world.project}-2" in told["project"]["message"]


async def test_plans_under_the_rights_of_people(world: World, tmp_path: Path) -> None:
    await world.operator.start(**FAST)
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app")
    plans = Plans(world, tmp_path, "--env")
    own = world.sandbox.credentials()
    topic = manifest(
        "DatabaseGrant",
        "app-shop",
        world.namespace,
        {
            "datastoreRef": {"name": "main"},
            "databaseRef": {"name": "shop"},
            "userRef": {"name": "app"},
        },
    )
    for role in ("edit", "view"):
        plans.kubeconfig = await person(world.cluster, world.namespace, role)
        ended = await plans.of(world.user(), world.database(), topic, **own)
        assert steps(ended) == {
            "DatabaseUser/app": [],
            "ManagedDatabase/shop": [("create", "none", "POST /databases")],
            "DatabaseGrant/app-shop": [("create", "none", "POST /grants")],
        }, ended
        notes = " ".join(ended.json["notes"])
        assert ("you may not write these resources" in notes) == (role == "view")
        assert ("you may not read Secrets" in notes) == (role == "view")
    await may_read_projects(world.cluster, world.namespace, "viewer")
    plans.usual = (*plans.usual[:-1], "--project", world.project)
    hidden = await plans.of(world.user())
    assert (hidden.code, "you may not read its Secret" in hidden.errors) == (1, True), hidden


async def test_a_namespace_that_is_not_there_yet(world: World, tmp_path: Path) -> None:
    """Also for a project that lets namespaces in by a label, which only the manifest of the namespace has."""
    await world.operator.start(**FAST)
    project = world.project_manifest()
    project["spec"]["allowedNamespaces"] = [{"selector": {"matchLabels": {"team": "blue"}}}]
    await world.apply(project)
    await world.becomes("DatabaseProject", world.project)
    plans = Plans(world, tmp_path, "--project", world.project)
    new = manifest("ManagedDatastore", "main", "not-there-yet", world.datastore()["spec"])
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "not-there-yet", "labels": {"team": "blue"}}}
    planned = await plans.of(place, new)
    assert (planned.code, steps(planned)) == (3, {"ManagedDatastore/main": [("create", "none", "POST /datastores")]}), (
        planned
    )
    assert "there is no namespace not-there-yet yet" in " ".join(planned.json["notes"])
    refused = await plans.of(new)
    assert refused.code == 5, refused
    assert "does not allow the namespace" in refused.json["plan"][0]["steps"][0]["message"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", ", line 1: this is not YAML"),
        ("- 1", "a manifest is a mapping"),
        ("apiVersion: manageddatabases.io/v1alpha1\nkind: Nothing\nmetadata: {name: x}", "there is no kind Nothing"),
        ("apiVersion: manageddatabases.io/v1alpha1\nkind: KafkaTopic", "a KafkaTopic has no metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}", "no manifest of ours"),
    ],
)
async def test_what_is_no_manifest(world: World, tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    ended = await command(world.cluster.kubeconfig, "plan", "-f", str(path))
    assert ended.code == 2
    assert ended.errors.startswith(str(path))
    assert why in ended.errors
