"""The commands of docs/sandbox.md, as they stand there, and what they print."""

import socket
from pathlib import Path

from page_shell import PageShell, walk
from typed_pages import TOP, Command, blocks

PAGE = "docs/sandbox.md"
KEPT = "managed-databases sandbox --port 18080 --state demo-state.json"


async def a_datastore_is_there(shell: PageShell, options: str = "") -> None:
    """As in the sections before, in a sandbox that was started anew."""
    start = f"managed-databases sandbox --port 18080{options}"
    await shell.serve(Command(start, "listening on http://127.0.0.1:18080"))
    shell.forget()
    await walk(PAGE, shell, left_out={}, headings=["Log in with curl", "Make a datastore"])


async def test_the_commands_of_the_page(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    (faults,) = [each for each in blocks(TOP / PAGE) if each.language == "json" and each.text.startswith("[")]
    (tmp_path / "faults.json").write_text(faults.text)
    async with PageShell(tmp_path, {"18080": port}) as shell:
        came = await walk(
            PAGE,
            shell,
            left_out={},
            before={
                KEPT: lambda shell: a_datastore_is_there(shell, " --state demo-state.json"),
                "curl -s 'http://127.0.0.1:18080/sandbox/requests": a_datastore_is_there,
            },
        )
    assert len(came.run) >= 27, came
