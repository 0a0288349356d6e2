"""What people are told of one reason: docs/reference/reasons has a page for each."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

FOLDER: Final = Path("docs/reference/reasons")
"""Has the page NAME.md of each reason; names of reasons never change, and neither do the addresses of their pages."""


class Who(Enum):
    """Who has something to do."""

    NOBODY = "nobody"
    WRITER = "whoever writes the resource"
    PLATFORM = "whoever runs the operator and its projects"
    CLOUD = "whoever may look into the cloud's console"


@dataclass(frozen=True)
class Explanation:
    """Links in the texts are as in a page of docs/. `example` is a message as the operator writes it, with invented names."""

    means: str
    example: str
    who: Who = Who.NOBODY
    to_do: str = ""
    alerts: tuple[str, ...] = ()
    """The alerts that such a reason may come with, besides `ManagedDatabasesStalled`, which follows from the conditions."""


def page_of(reason: str) -> Path:
    return FOLDER / f"{reason}.md"
