"""`managed-databases import`: what a project already has is taken over as it is, and nothing in the cloud changes."""

import re
from pathlib import Path
from typing import Any

import yaml

from cluster import Manifest
from command_process import command
from stories.pace import FAST
from stories.world import SUBNET, World

LEGACY = "a-password-that-is-in-use-1"
HOUR = 3600
"""Seconds between two lists of the operator at rest. A command that waits for one does not end in time."""


async def changes(world: World) -> list[dict[str, Any]]:
    said = await world.sandbox.requests()
    return [each for each in said if each["method"] != "GET" and not each["path"].endswith("/auth/tokens")]


async def there_before(world: World) -> None:
    """What somebody has made in the cloud by hand; a datastore of it is made by a first operator, and let go."""
    allowed = [{"name": world.namespace, "powers": ["adopt"]}]
    await world.apply(
        world.project_manifest(allowedNamespaces=allowed, pollSeconds=HOUR),
        world.datastore("legacy", name="Legacy_DB", config={"work_mem": 8192}, deletionPolicy="Retain"),
    )
    await world.becomes("ManagedDatastore", "legacy", "Synced")
    id_ = (await world.get("ManagedDatastore", "legacy"))["status"]["id"]
    owner = await world.sandbox.create("users", {"name": "app_owner", "datastore_id": id_, "password": LEGACY})
    report = await world.sandbox.create("users", {"name": "report", "datastore_id": id_, "password": LEGACY})
    shop = await world.sandbox.create("databases", {"name": "Shop", "datastore_id": id_, "owner_id": owner["id"]})
    await world.sandbox.create("grants", {"datastore_id": id_, "database_id": shop["id"], "user_id": report["id"]})
    await world.delete("ManagedDatastore", "legacy")


async def test_what_there_is_is_taken_over_as_it_is(world: World, tmp_path: Path) -> None:
    await world.operator.start(**FAST)
    await there_before(world)
    before = len(await changes(world))
    usual = ("-n", world.namespace, "--operator-namespace", world.system, "--project", world.project)
    admin = world.cluster.kubeconfig
    ended = await command(admin, "import", *usual)
    assert ended.code == 0, ended
    assert "plan: 5 of 5 are taken over, and nothing is changed" in ended.errors
    asked = f"kubectl -n {world.namespace} create secret generic app-owner-password --from-literal=password=..."
    assert asked in ended.said
    manifests: list[Manifest] = list(yaml.safe_load_all(ended.said))
    told = {f"{each['kind']}/{each['metadata']['name']}": each["spec"] for each in manifests}
    assert told.keys() == {
        "ManagedDatastore/legacy-db", "DatabaseUser/app-owner", "DatabaseUser/report", "ManagedDatabase/shop",
        "DatabaseGrant/report-shop",
    }  # fmt: skip
    datastore = told["ManagedDatastore/legacy-db"]
    assert (datastore["name"], datastore["subnetID"]) == ("Legacy_DB", SUBNET)
    assert told["ManagedDatabase/shop"]["ownerRef"] == {"name": "app-owner"}
    assert {(spec["adoption"], spec["driftPolicy"]) for spec in told.values()} == {("Required", "Report")}
    for_programs = await command(admin, "import", *usual, "-o", "json")
    assert (for_programs.code, for_programs.errors) == (0, ""), for_programs
    answer = for_programs.json
    assert answer["manifests"] == manifests
    assert [each["name"] for each in answer["secrets"]] == ["app-owner-password", "report-password"]
    assert {step["action"] for entry in answer["plan"] for step in entry["steps"]} == {"adopt", "password"}
    assert (answer["notAsItIs"], answer["notes"]) == ([], [])
    assert len(await changes(world)) == before, "an import only reads"

    for secret in ("app-owner-password", "report-password"):
        await world.put_secret(world.namespace, secret, {"password": LEGACY}, is_given=True)
    await world.apply(*manifests)
    for each in manifests:
        await world.becomes(each["kind"], each["metadata"]["name"], "Synced")
        await world.becomes(each["kind"], each["metadata"]["name"])
    assert await world.login_works("app-owner")
    new = (await changes(world))[before:]
    assert [each for each in new if "/users/" not in each["path"]] == [], "only the same passwords were sent again"
    path = tmp_path / "imported.yaml"
    path.write_text(ended.said)
    plan = await command(admin, "plan", "-f", str(path), *usual)
    assert (plan.code, plan.said) == (0, "plan: 5 as they are; the worst risk is none\n"), plan
    await world.sandbox.fault(method="GET", path="/grants$", delay_seconds=8)
    fits = await command(admin, "strangers", *usual)
    assert fits.code == 0, fits
    assert re.search("note: the API has not listed yet: (the catalogue, )?grants\n", fits.errors), fits
    await world.sandbox.clear_faults()
    again = await command(admin, "import", *usual)
    assert (again.code, again.said) == (0, "# nothing to import\n"), again


async def test_what_cannot_be_taken_over_is_told(world: World) -> None:
    await world.operator.start(**FAST)
    await there_before(world)
    await world.apply(world.project_manifest())  # without the power adopt
    usual = ("-n", world.namespace, "--operator-namespace", world.system, "--project", world.project)
    ended = await command(world.cluster.kubeconfig, "import", *usual, "--reset-passwords")
    assert ended.code == 3
    assert "ManagedDatastore" in ended.errors
    assert "cannot be done: the DatabaseProject does not let this namespace adopt" in ended.errors
    assert "passwordSecretRef" not in ended.said
    assert "onUnknownPassword: Reset" in ended.said
