"""The table of docs/operating.md that tells how much the operator needs, from the figures of `at_rest`."""

from collections.abc import Mapping
from typing import Any, Final

HEADING: Final = "\n## How much it needs\n"
_HEAD: Final = "| resources at rest | memory | CPU | calls to the API an hour |\n|---|---|---|---|"
_SECTION: Final = "at_rest"


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return it in Markdown, without an end of line. `figures` are by section and name; raises KeyError for one that lacks."""
    sizes = [name.split()[1] for name in figures if name.startswith(_SECTION) and name.endswith("resources: memory")]
    rows = []
    for size in sizes:
        memory, cpu, calls = (
            figures[f"{_SECTION}: {size} resources: {what}"]["value"] for what in ("memory", "CPU", "API calls an hour")
        )
        rows.append(f"| {size} | {memory:.0f} MiB | {cpu:.1f} % of a core | {calls:.0f} |")
    return "\n".join([_HEAD, *rows])
