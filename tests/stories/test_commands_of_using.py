"""Commands of docs/using.md, one after the other, and what they print."""

import asyncio
import os
import re
from pathlib import Path

import pytest
import yaml

from cluster import Refused
from stories.pace import fast
from stories.world import World

PAGE = (Path(__file__).parents[2] / "docs/using.md").read_text()
FIELDS = "Backups, pooler, logs and security groups"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def section(heading: str) -> str:
    found = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found
    return found


@fast
async def test_fields_that_change_at_any_time(world: World) -> None:
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore("orders", deletionProtection=True))
    await world.becomes("ManagedDatastore", "orders", "Synced")
    commands = [each for block in CONSOLE.findall(section(FIELDS)) for each in COMMAND.findall(block)]
    assert len(commands) == 7
    for command, told in commands:
        if "dbcat" in command:
            await world.until(f"{command} shows what the page says", lambda: shows(world, command, told))  # noqa: B023
        else:
            assert await run(world, command) == told
    (datastore,) = await world.sandbox.objects("datastores")
    assert datastore["backup_retention_days"] == 14
    assert datastore["pooler"] == {"mode": "transaction", "size": 50}


async def shows(world: World, command: str, told: str) -> bool:
    assert await run(world, command) == told
    return True


async def run(world: World, command: str) -> str:
    programs = world.cluster.control_plane.binaries.resolve()
    environment = {"KUBECONFIG": str(world.cluster.kubeconfig), "PATH": f"{programs}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_shell(
        command.replace("kubectl ", f"kubectl -n {world.namespace} ", 1),
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode()


@fast
async def test_a_collation_is_chosen_once(world: World) -> None:
    text = section("The collation of a database")
    (database,) = (
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    )
    database["metadata"]["namespace"] = world.namespace
    (refusal,) = re.findall(r"is refused: `(.*)`", text)
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore("orders"), database)
    await world.becomes("ManagedDatabase", "dictionary")
    (made,) = await world.sandbox.objects("databases")
    assert (made["lc_collate"], made["lc_ctype"]) == ("ru_RU.utf8", "ru_RU.utf8")
    with pytest.raises(Refused, match=refusal):
        await world.change("ManagedDatabase", "dictionary", lcCollate="C")


@fast
async def test_a_datastore_is_in_the_project_that_it_names(world: World) -> None:
    text = section("Choose the project")
    (datastore,) = (
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    )
    datastore["metadata"]["namespace"] = world.namespace
    datastore["spec"]["projectRef"] = {"name": world.project}
    await world.operator.start()
    await world.apply(world.project_manifest(default=False), datastore)
    await world.becomes("ManagedDatastore", "analytics")
    assert (await world.get("ManagedDatastore", "analytics"))["status"]["identity"]["project"] == world.project
