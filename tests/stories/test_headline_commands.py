"""The commands with which README and docs/operating.md begin, as a person with the role `edit` in one namespace runs them."""

import asyncio
import os
import re
from pathlib import Path

import yaml

from managed_databases.kinds.registry import CATEGORY
from stories.pace import fast
from stories.people import person
from stories.world import World

TOP = Path(__file__).parents[2]
PAGES = (("README.md", "What people write"), ("docs/operating.md", "What to look at"))
COMMAND = re.compile(r"^\$ (kubectl .*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


def section(page: str, heading: str) -> str:
    found = (TOP / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found
    return found


def tables(said: str) -> dict[str, tuple[list[str], list[str]]]:
    """Return each table that kubectl has printed by the kind of its lines: its head, and the first cell of each line."""
    found = {}
    for block in said.strip().split("\n\n"):
        head, *lines = (line.split() for line in block.splitlines())
        found[lines[0][0].partition("/")[0]] = (head, [line[0] for line in lines])
    return found


@fast
async def test_a_person_of_one_namespace_can_run_them(world: World, tmp_path: Path) -> None:
    await world.operator.start()
    editor = await person(world.cluster, world.namespace, "edit")
    documents = re.findall(r"^```yaml\n(.*?)^```$", section(*PAGES[0]), re.MULTILINE | re.DOTALL)
    written = [each for document in documents for each in yaml.safe_load_all(document)]
    for each in written:
        each["metadata"]["namespace"] = world.namespace
    await world.apply(world.project_manifest(), *written)
    for each in written:
        await world.becomes(each["kind"], each["metadata"]["name"])
        await world.becomes(each["kind"], each["metadata"]["name"], "Synced")
    commands = {page: COMMAND.findall(section(page, heading)) for page, heading in PAGES}
    assert [len(each) for each in commands.values()] == [3, 6]
    for command, told in (each for of_page in commands.values() for each in of_page):
        code, said = await run(world, editor, tmp_path, command)
        if " delete " in command:
            assert code == 1
            assert " ".join(told.split()) in " ".join(said.split())
        elif command.startswith("kubectl get dbproject"):
            assert code == 1
            assert "databaseprojects.manageddatabases.io is forbidden" in said
        elif "grep" in command:
            assert (code, said) == (1, ""), "nothing waits for a person"
        else:
            assert code == 0, (command, said)
        if command == f"kubectl get {CATEGORY}":
            assert tables(said) == tables(told)


async def run(world: World, kubeconfig: Path, cache: Path, command: str) -> tuple[int | None, str]:
    """Run it in the person's namespace: no role of one namespace lets them look into all (-A)."""
    programs = world.cluster.control_plane.binaries.resolve()
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(cache),  # that in the home folder may be of an earlier cluster of this port
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    command = command.partition(" #")[0].replace(" -A", "")
    process = await asyncio.create_subprocess_shell(
        command.replace("kubectl ", f"kubectl -n {world.namespace} ", 1),
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()
