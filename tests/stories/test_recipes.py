"""The manifests of docs/recipes.md work as they are, in this world's namespaces."""

import re
from pathlib import Path

import pytest
import yaml

from cluster import Manifest, Refused
from stories.pace import fast
from stories.world import World

PAGE = (Path(__file__).parents[2] / "docs/recipes.md").read_text()


def recipe(heading: str, namespaces: dict[str, str]) -> list[Manifest]:
    """The manifests under a heading; `namespaces` says which of this world stand for those of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    text = "---\n".join(re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    assert text
    for name, own in namespaces.items():
        text = re.sub(rf"(namespace: |allowedNamespaces: \[|, ){name}(?=[\n}}\],])", rf"\g<1>{own}", text)
    return list(yaml.safe_load_all(text))


@fast
async def test_a_preview_comes_and_goes_in_a_datastore_that_stays(world: World) -> None:
    preview = recipe("A database for each preview environment", {})
    for each in preview:
        each["metadata"]["namespace"] = world.namespace
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore("previews", deletionProtection=True), *preview)
    for each in preview:
        await world.becomes(each["kind"], each["metadata"]["name"])
    assert (await world.secret("preview-42-user"))["database"] == "preview_42"
    for each in preview:
        await world.delete(each["kind"], each["metadata"]["name"])
    with pytest.raises(Refused, match="is protected"):
        await world.delete("ManagedDatastore", "previews")


@fast
async def test_a_team_has_a_database_in_the_platforms_datastore(world: World) -> None:
    team, other = await world.another_namespace(), await world.another_namespace()
    names = {"platform": world.namespace, "team-a": team, "team-b": other}
    datastore, database, user = recipe("One database for each team", names)
    assert [each["metadata"]["namespace"] for each in (datastore, database, user)] == [world.namespace, team, team]
    await world.operator.start()
    allowed = [{"name": name} for name in names.values()]
    await world.apply(world.project_manifest(allowedNamespaces=allowed), datastore, database, user)

    async def is_ready() -> bool:
        found = [await world.cluster.get(each["kind"], each["metadata"]["name"], team) for each in (database, user)]
        ready = [
            {"type": "Ready", "status": "True"}.items() <= one.items() for each in found for one in _conditions(each)
        ]
        return ready.count(True) == len(found)

    await world.until("the team's database and user are Ready", is_ready)
    secret = await world.cluster.get("Secret", "team-a-user", team)
    assert {"uri", "password", "database"} <= secret["data"].keys()


def _conditions(resource: Manifest) -> list[dict[str, str]]:
    found: list[dict[str, str]] = resource.get("status", {}).get("conditions", [])
    return found


def as_written_by_external_secrets(manifest: Manifest, entries: dict[str, dict[str, str]]) -> Manifest:
    """The Secret that External Secrets makes of a store's entries for this ExternalSecret."""
    target = manifest["spec"]["target"]
    data: dict[str, str] = {}
    for each in manifest["spec"].get("dataFrom", ()):
        data |= entries[each["extract"]["key"]]
    for each in manifest["spec"].get("data", ()):
        data[each["secretKey"]] = entries[each["remoteRef"]["key"]][each["remoteRef"]["property"]]
    metadata = target["template"]["metadata"] | {"name": target["name"], "namespace": manifest["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


@fast
async def test_credentials_come_from_a_store_and_a_login_goes_into_it(world: World) -> None:
    """External Secrets is played by this test."""
    names = {"shop": world.namespace, "managed-databases-system": world.system}
    heading = "Credentials from Vault, by External Secrets"
    _, of_project, of_user, user, pushed = recipe(heading, names)
    entries = {"cloud/robot": world.sandbox.credentials(), "databases/shop": {"password": "given-by-the-store-1"}}
    await world.operator.start()
    await world.apply(
        world.project_manifest(credentialsSecretRef={"name": of_project["spec"]["target"]["name"]}),
        as_written_by_external_secrets(of_project, entries),
        as_written_by_external_secrets(of_user, entries),
        world.datastore("orders"),
        user,
    )
    await world.becomes("DatabaseUser", "shop")
    login = await world.secret(pushed["spec"]["selector"]["secret"]["name"])
    assert login["password"] == "given-by-the-store-1"
    assert {each["match"]["secretKey"] for each in pushed["spec"]["data"]} <= login.keys()

    entries["databases/shop"]["password"] = "given-by-the-store-2"
    await world.apply(as_written_by_external_secrets(of_user, entries))

    async def has_followed() -> bool:
        told = await world.secret("shop-user")
        return told["password"] == "given-by-the-store-2" and await world.login_works("shop")

    await world.until("the cloud and the Secret have the new password", has_followed)
