"""What the shell that types pages takes for the output that a page shows."""

from pathlib import Path

import pytest

from page_shell import PageShell
from typed_pages import Command

SAME = "11111111-2222-4333-8444-555555555555"
ONE, OTHER = (f"{number}{SAME[1:]}" for number in "23")
REAL = f"4{SAME[1:]}"


async def test_an_id_of_the_page_is_one_id_of_the_run(tmp_path: Path) -> None:
    async with PageShell(tmp_path) as shell:
        await shell.expect(Command(f"echo {SAME}", SAME))  # as the page has it, like the subnet of the examples
        await shell.expect(Command(f"echo made {REAL}", f"made {ONE}"))
        await shell.expect(Command(f"echo {REAL} again", f"{ONE} again"))
        with pytest.raises(AssertionError, match="the page says"):
            await shell.expect(Command(f"echo {REAL}", OTHER))
        await shell.expect(Command("echo no id", "no id"))
