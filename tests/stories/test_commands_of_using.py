"""What docs/using.md says of a database's collation and of a datastore's project. test_page_using.py types its commands."""

import re
from pathlib import Path

import pytest
import yaml

from cluster import Refused
from stories.pace import fast
from stories.world import World

PAGE = (Path(__file__).parents[2] / "docs/using.md").read_text()


def section(heading: str) -> str:
    found = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found
    return found


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
