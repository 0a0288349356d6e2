"""Kafka's broker parameters, by the definition that the program itself checks its configuration with (`ConfigDef`)."""

import re
from pathlib import Path
from typing import Final

from managed_databases.sandbox.parameters import Parameter
from tools.engine_catalogue.data_files import DataFile, Source
from tools.engine_catalogue.dumps import Record, found, number, records

COMMAND: Final = "its own ConfigDef, by tools/engine_catalogue/ask/KafkaConfigDef.java"

TYPES: Final = {
    "BOOLEAN": "bool",
    "INT": "int",
    "SHORT": "int",
    "LONG": "int",
    "DOUBLE": "float",
    "STRING": "str",
    "LIST": "str",
    "CLASS": "str",
    "PASSWORD": "str",
}
RANGES: Final[dict[str, tuple[int | float, int | float]]] = {
    "SHORT": (-(2**15), 2**15 - 1),
    "INT": (-(2**31), 2**31 - 1),
    "LONG": (-(2**63), 2**63 - 1),
    "DOUBLE": (-1.7976931348623157e308, 1.7976931348623157e308),
}
"""What Java's types hold."""

UNITS: Final = {"ms": "ms", "seconds": "s", "secs": "s", "minutes": "min", "hours": "h", "bytes": "B"}
"""The last word of a name -> the unit, which the program tells by the name only."""

CLOSED_TYPES: Final = ("CLASS", "PASSWORD")
CLOSED: Final = re.compile(
    r"advertised\.|authorizer\.|broker\.|control\.plane\.|controller\.|delegation\.token\.|early\.start\."
    r"|inter\.broker\.|kafka\.metrics\.|listener|log\.dir|metadata\.log\.|metric|node\.id|password\."
    r"|principal\.|process\.roles|remote\.log\.|reserved\.|sasl\.|security\.|socket\.|ssl\.|unstable\."
    r"|zookeeper\.|client\.quota\.|alter\.config\.|create\.topic\.|initial\.broker\.|server\.max\."
    r"|auto\.include\."
)
"""How names begin that are the provider's: listeners, certificates, folders, controllers, classes [assumed]."""


def data_files(dumps: Path) -> list[DataFile]:
    """Return one file for each `x.y` of the dumps' versions `x.y.z`."""
    files = []
    for version, path in found(dumps, r"kafka-([\d.]+)-configdef\.tsv"):
        short = ".".join(version.split(".")[:2])
        rows = records(path, quoted=False)
        sources = (Source("Apache Kafka", version, COMMAND),)
        files.append(DataFile(f"kafka-{short}", sources, tuple(_parameter(row) for row in rows)))
    return files


def _parameter(row: Record) -> Parameter:
    name, kind = row["name"], row["type"]
    type_ = TYPES[kind]
    least, most = RANGES.get(kind, (None, None))
    choices: tuple[str, ...] | None = None
    refused: tuple[int, ...] | None = None
    validator = row["validator"]
    if bounds := re.fullmatch(r"\[([-\d.]+)(?:,\.\.\.)?(?:,([-\d.]+))?\](?: or (-?\d+))?", validator):
        least, most, besides = number(bounds[1]), number(bounds[2]) if bounds[2] else most, bounds[3]
        if besides and int(besides) < least:
            refused = tuple(range(int(besides) + 1, int(least)))
            least = int(besides)
    elif type_ == "str" and (words := re.fullmatch(r"\[(.+)\]", validator)):
        choices = _choices(kind, tuple(words[1].split(", ")))
    return Parameter(
        name=name,
        type=type_,
        default=_default(kind, row["default"]) or None if choices else _default(kind, row["default"]),
        unit=UNITS.get(re.split(r"\.", name)[-1], "") if type_ == "int" else "",
        min=least,
        max=most,
        choices=choices,
        invalid_values=refused,
        is_restart_required=row["dynamic"] != "true",
        is_changeable=kind not in CLOSED_TYPES and not CLOSED.match(name),
    )


def _choices(kind: str, words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what a text can be; of a list of two words each order, and None for a longer one."""
    if kind != "LIST":
        return words
    return (*words, ",".join(words), ",".join(reversed(words))) if len(words) == 2 else None


def _default(kind: str, told: str) -> object:
    if told in ("null", "<required>"):
        return None
    match TYPES[kind]:
        case "bool":
            return told == "true"
        case "int" | "float":
            return number(told) if kind != "DOUBLE" else float(told)
    if kind == "CLASS":
        return told.removeprefix("class ")
    return told.removeprefix("[").removesuffix("]").replace(", ", ",") if kind == "LIST" else told
