"""What kstatus and Argo CD's health check say about real resources in every state, by their own code and by the operator's
table.
"""

import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Manifest
from gitops import lua, tools
from managed_databases.gitops import argo_cd, kstatus
from managed_databases.gitops.reasons import rows
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.kinds.verdicts import Reason
from stories.everything import all_is_in_sync, give, project, resources
from stories.gitops_states import Album
from stories.pace import fast
from stories.world import World, manifest

TOP = Path(__file__).parents[2]
CUSTOMIZATIONS = TOP / argo_cd.CUSTOMIZATIONS / GROUP
REFUSAL = {"error": {"code": 400, "title": "Bad Request", "message": "Validation failure: {'x': 'not today'}"}}


@fast
async def test_every_state_of_life(world: World, request: pytest.FixtureRequest) -> None:
    album = Album(world)
    await give(world)
    everything = resources(world)
    await world.apply(project(world), *everything)
    fresh = [await world.get(each["kind"], each["metadata"]["name"]) for each in everything]
    await world.cluster.delete("Secret", "cloud", world.system)
    await world.operator.start()
    await album.becomes("DatabaseProject", world.project, "Ready", "False", "SecretMissing")
    for each in everything:
        reason = "ParentNotReady" if "datastoreRef" in each["spec"] else "SecretMissing"
        await album.becomes(each["kind"], each["metadata"]["name"], "Ready", "False", reason)
    await world.put_secret(world.system, "cloud", world.sandbox.credentials())
    await all_in_sync(world)
    ready = [*everything, {"kind": "DatabaseProject", "metadata": {"name": world.project}}]
    for each in ready:
        await album.becomes(each["kind"], each["metadata"]["name"], "Synced", "True", "InSync")
    await broken_and_paused(album, everything)
    await refused(album)
    await leaving(album)
    await world.sandbox.kill()
    await album.becomes("DatabaseProject", world.project, "Ready", "False", "ApiUnreachable")

    for reason, resource in album.taken:
        as_told(reason, resource)
    if recorded := os.environ.get("RECORD"):
        for kind in kinds() if recorded == "all" else (recorded,):
            record(album, kind)
    seen = [resource for _, resource in album.taken]
    gitops_tools = request.getfixturevalue("gitops_tools")  # only here: what is above needs no Go
    said = await tools.verdicts(gitops_tools, CUSTOMIZATIONS / "ManagedDatastore" / "health.lua", [*seen, *fresh])
    for (reason, resource), verdict in zip(album.taken, said, strict=False):
        as_tools_say(reason, resource, verdict)
    for resource, verdict in zip(fresh, said[len(seen) :], strict=True):
        assert (verdict["kstatus"], verdict["status"]) == ("InProgress", "Progressing"), resource


def as_told(reason: str, resource: Manifest) -> None:
    """A real object's words are those of our table, and a second Lua agrees."""
    name = f"{resource['kind']} {resource['metadata']['name']}, {reason}"
    told = {(str(row.kstatus), str(row.argo_cd)) for row in rows() if row.reason == reason}
    if "deletionTimestamp" in resource["metadata"]:  # Argo CD does not ask the script
        assert (kstatus.kstatus(resource), "Progressing") in told, name
    else:
        assert (kstatus.kstatus(resource), argo_cd.health(resource)) in told, name
        assert lua.health(resource)[0] == argo_cd.health(resource), name


def as_tools_say(reason: str, resource: Manifest, verdict: dict[str, str]) -> None:
    """The tools' own code says what ours and the second Lua say."""
    name = f"{resource['kind']} {resource['metadata']['name']}, {reason}"
    assert verdict["kstatus"] == kstatus.kstatus(resource), name
    if "deletionTimestamp" not in resource["metadata"]:
        assert (verdict["status"], verdict["message"]) == lua.health(resource), name


async def all_in_sync(world: World) -> None:
    async def look() -> bool:
        await all_is_in_sync(world)
        return True

    await world.until("all is in sync", look, 180)


async def broken_and_paused(album: Album, everything: list[Manifest]) -> None:
    for phase, reason in (("DISK_FULL", "DiskFull"), ("DOWN", "Down"), ("DEGRADED", "Degraded")):
        await album.in_trouble("ManagedDatastore", "broker", phase, reason)
    for kind in kinds():
        if name := next((each["metadata"]["name"] for each in everything if each["kind"] == kind), None):
            await album.in_trouble(kind, name, "ERROR", "Error")
            await album.paused(kind, name)
            await album.world.annotate(kind, name, paused=None)
            await album.becomes(kind, name, "Synced", "True", "InSync")
    await album.paused("ManagedDatastore", "main", nodeCount=2)
    await album.world.change("ManagedDatastore", "main", nodeCount=1)
    await album.becomes("ManagedDatastore", "main", "Synced", "True", "Paused")
    await album.world.annotate("ManagedDatastore", "main", paused=None)


async def refused(album: Album) -> None:
    """What a person must mend, and that it ends when it is mended."""
    world, datastore = album.world, "ManagedDatastore"
    flavor = {"vcpus": 2, "ramMB": 4096, "diskGB": 16}
    await world.change(datastore, "main", flavor=flavor)
    await album.becomes(datastore, "main", "Stalled", "True", "NotReversible")
    await world.change(datastore, "main", flavor=flavor | {"diskGB": 32}, nodeCount=2)
    await world.becomes(datastore, "main", "Synced")
    await world.change(datastore, "main", changePolicy="Approve", nodeCount=1)
    await album.becomes(datastore, "main", "Stalled", "True", "ApprovalNeeded")
    await world.change(datastore, "main", changePolicy=None, nodeCount=2, driftPolicy="Report")
    await world.becomes(datastore, "main", "Synced")
    id_ = (await world.get(datastore, "main"))["status"]["id"]
    await world.sandbox.edit("datastores", id_, name="stolen")
    await album.becomes(datastore, "main", "Synced", "False", "Drift")
    await world.change(datastore, "main", driftPolicy=None)
    await world.becomes(datastore, "main", "Synced")
    twin = await world.sandbox.create("datastores", {"name": "cache"})
    await album.becomes(datastore, "cache", "Stalled", "True", "DuplicateSuspected")
    await world.sandbox.vanish("datastores", twin["id"])
    await album.becomes(datastore, "cache", "Synced", "True", "InSync")

    in_main = {"datastoreRef": {"name": "main"}}
    await world.sandbox.create("users", {"name": "stranger", "datastore_id": id_})
    await world.sandbox.fault(method="POST", path="/topics$", status=400, body=REFUSAL)
    for kind, name, spec, type_, reason in (
        ("DatabaseUser", "stranger", in_main, "Stalled", "AlreadyExists"),
        ("DatabaseUser", "again", in_main | {"name": "app"}, "Stalled", "Conflict"),
        ("DatabaseUser", "given", in_main | {"passwordSecretRef": {"name": "nowhere"}}, "Reconciling", "SecretMissing"),
        ("ManagedDatabase", "required", in_main | {"adoption": "Required"}, "Stalled", "NothingToAdopt"),
        ("ManagedDatabase", "homeless", {"datastoreRef": {"name": "nowhere"}}, "Reconciling", "ParentMissing"),
        ("KafkaTopic", "misplaced", in_main, "Stalled", "InvalidSpec"),
        ("KafkaTopic", "unlucky", {"datastoreRef": {"name": "broker"}}, "Stalled", "Invalid"),
    ):
        await world.apply(manifest(kind, name, world.namespace, spec))
        await album.becomes(kind, name, type_, "True", reason)
    await world.sandbox.settings(delay=30)
    await world.apply(world.datastore("slow"))
    await album.becomes(datastore, "slow", "Reconciling", "True", "Pending")
    await world.apply(world.database("patient", datastoreRef={"name": "slow"}))
    await album.becomes("ManagedDatabase", "patient", "Reconciling", "True", "ParentNotReady")
    await world.sandbox.settings(delay=0.05)


async def leaving(album: Album) -> None:
    """What is being deleted, and what was lost."""
    world = album.world
    lost = (await world.get("KafkaTopic", "orders"))["status"]["id"]
    await world.sandbox.vanish("topics", lost)
    await album.becomes("KafkaTopic", "orders", "Stalled", "True", "Gone")
    await world.delete("ManagedDatastore", "main", wait=False)
    await album.becomes("ManagedDatastore", "main", "Reconciling", "True", "InUse")
    await world.change("ManagedDatastore", "main", deletionProtection=True)
    await album.becomes("ManagedDatastore", "main", "Stalled", "True", "Protected")


# --- the files that are recorded ---


def record(album: Album, kind: str) -> None:
    """Write what was seen of a kind as Argo CD's repository keeps it: one of each word."""
    folder = CUSTOMIZATIONS / kind / "testdata"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tests: list[dict[str, Any]] = []
    for reason, resource in album.taken:
        path = folder / f"{words(reason)}.yaml"
        if resource["kind"] == kind and "deletionTimestamp" not in resource["metadata"] and not path.exists():
            path.write_text(yaml.safe_dump(public(resource, album.world), sort_keys=False, width=1000))
            status, message = lua.health(yaml.safe_load(path.read_text()))
            told = {"status": status, "message": message}
            tests.append({"healthStatus": told, "inputPath": f"testdata/{path.name}"})
    text = yaml.safe_dump({"tests": tests}, sort_keys=False, width=1000)
    (folder.parent / "health_test.yaml").write_text(text)


def words(reason: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", reason).lower()


def public(resource: Manifest, world: World) -> Manifest:
    """As `kubectl get -o yaml` shows it, under names that say something."""
    text = yaml.safe_dump(resource)
    for name, shown in ((world.namespace, "shop"), (world.project, "team"), (world.system, "managed-databases-system")):
        text = text.replace(name, shown)
    found: Manifest = yaml.safe_load(re.sub(r"127\.0\.0\.1:\d+", "cloud.example", text))
    del found["metadata"]["managedFields"]
    order = ("apiVersion", "kind", "metadata", "spec", "status")
    return {key: found[key] for key in order if key in found}


def test_the_recorded_resources_are_of_every_kind_and_word() -> None:
    found: Counter[str] = Counter()
    for kind in kinds():
        folder = CUSTOMIZATIONS / kind
        tests = yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
        assert {path.name for path in (folder / "testdata").iterdir()} == {
            Path(each["inputPath"]).name for each in tests
        }
        for each in tests:
            resource = yaml.safe_load((folder / each["inputPath"]).read_text())
            assert resource["kind"] == kind
            said = lua.health(resource, (folder / "health.lua").read_text())
            assert said == (each["healthStatus"]["status"], each["healthStatus"]["message"]), each["inputPath"]
            found[f"{kind} {said[0]}"] += 1
        wanted = {"Healthy", "Progressing", "Degraded"} | ({"Suspended"} if kind != "DatabaseProject" else set())
        assert {word for word in map(str, argo_cd.Health) if found[f"{kind} {word}"]} == wanted, kind


async def test_argo_cd_says_the_same_of_the_recorded_resources(gitops_tools: Path) -> None:
    for kind in kinds():
        folder = CUSTOMIZATIONS / kind
        tests = yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
        seen = [yaml.safe_load((folder / each["inputPath"]).read_text()) for each in tests]
        said = await tools.verdicts(gitops_tools, folder / "health.lua", seen)
        told = [{"status": each["status"], "message": each["message"]} for each in said]
        assert told == [each["healthStatus"] for each in tests]


async def test_flux_and_argo_cd_say_what_the_table_says(gitops_tools: Path) -> None:
    table = [*rows()]
    script = CUSTOMIZATIONS / "ManagedDatastore" / "health.lua"
    said = await tools.verdicts(gitops_tools, script, [row.resource for row in table])
    assert len(said) == len(table) > len(Reason)
    for row, verdict in zip(table, said, strict=True):
        assert verdict["kstatus"] == row.kstatus, row
        assert "deletionTimestamp" in row.resource["metadata"] or verdict["status"] == row.argo_cd, row
