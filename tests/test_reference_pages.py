"""The generated page of the API's client: current, complete, and its examples work."""

import ast
import asyncio
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from managed_databases.api.calls import Call
from managed_databases.api.reference import REFERENCE
from managed_databases.reference_pages import API_CLIENT, EXAMPLE, EXAMPLE_OUTPUT, docs, files, pages
from sandbox_process import SandboxProcess

TOP = Path(__file__).parent.parent
LIMIT_SECONDS = 60


def test_the_checked_in_files_are_current() -> None:
    stale = [str(path) for path, text in files().items() if (TOP / path).read_text() != text]
    assert not stale, "run `make fix`"


def test_every_operation_has_a_line() -> None:
    lines = pages()[API_CLIENT].splitlines()
    for entry in REFERENCE:
        cell = f"| `{entry.operation.method} {entry.operation.path}` | `{entry.python}` |"
        (line,) = (line for line in lines if cell in line)
        assert ("(deprecated)" in line) == entry.operation.deprecated


def test_every_link_has_its_heading() -> None:
    page = pages()[API_CLIENT]
    headings = {title.lower() for title in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= headings


def test_check_tells_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.Exit) as ended:
        docs(check=True)
    assert ended.value.exit_code == 1
    assert str(API_CLIENT) in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    docs(check=False)
    assert API_CLIENT.read_text() == pages()[API_CLIENT]
    docs(check=True)


async def test_the_command_prints_what_the_page_says() -> None:
    page = pages()[API_CLIENT]
    assert EXAMPLE in page
    assert "'" not in EXAMPLE, "the shell ends the text at a quote"
    async with SandboxProcess() as sandbox:
        for name in ("orders", "cache"):
            await sandbox.create("datastores", {"name": name})
        variables = set(re.findall(r"^export (\w+)=", page, re.MULTILINE))
        credentials = {name: value for name, value in sandbox.credentials().items() if name in variables}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", f"\n{EXAMPLE}", stdout=asyncio.subprocess.PIPE, env=os.environ | credentials
        )
        async with asyncio.timeout(LIMIT_SECONDS):
            printed, _ = await process.communicate()
    assert printed.decode() == EXAMPLE_OUTPUT
    assert process.returncode == 0


async def test_the_calls_on_the_page_can_be_made() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.operations: list[str] = []

        async def send(self, call: Call[Any]) -> None:
            self.operations.append(call.operation)

    (block,) = re.findall(r"```python\n(.*?)```", pages()[API_CLIENT], re.DOTALL)
    client = Recorder()
    code = compile(block, str(API_CLIENT), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, {"client": client, "id_": "11111111-1111-4111-8111-111111111111"})
    assert inspect.isawaitable(running)
    await running
    assert client.operations == ["topics.list", "topics.create", "datastores.resize"]
