"""The generated page of the API's client: current, complete, and its examples work."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from managed_databases.api.calls import Call
from managed_databases.api.reference import REFERENCE
from managed_databases.reference_pages import API_CLIENT, docs, files, pages
from page_shell import PageShell, walk
from sandbox_process import SandboxProcess

TOP = Path(__file__).parent.parent


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


async def test_the_commands_of_the_page(tmp_path: Path) -> None:
    async with SandboxProcess() as sandbox, PageShell(tmp_path, {"http://127.0.0.1:8080": sandbox.url}) as shell:
        for name in ("orders", "cache"):
            await sandbox.create("datastores", {"name": name})
        came = await walk(str(API_CLIENT), shell, left_out={})
    assert (len(came.run), came.compared) == (7, 1)


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
