"""Makes the data files of the sandbox's catalogue from dumps of the engines' own answers; README.md says how to get these.

Exit codes: 0 done, or nothing differs; 1 a file differs (with --check), or a dump is missing.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from managed_databases.sandbox.parameters import DATA
from tools.engine_catalogue import kafka, mysql, postgresql, redis
from tools.engine_catalogue.data_files import DataFile
from tools.engine_catalogue.known_values import KNOWN, with_known

DOCUMENTED: Final = Path(__file__).with_name("documented")


def data_files(dumps: Path, documented: Path = DOCUMENTED) -> list[DataFile]:
    """Return the data files that these dumps give. Raises FileNotFoundError."""
    files = [
        *postgresql.data_files(dumps, documented),
        *mysql.data_files(dumps),
        *redis.data_files(dumps),
        *kafka.data_files(dumps),
    ]
    return [_known(file) for file in files]


def _known(file: DataFile) -> DataFile:
    engine, _, version = file.name.partition("-")
    if not version[:1].isdigit():  # what an extension adds
        return file
    return replace(file, parameters=with_known(file.parameters, KNOWN.get(engine, ())))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.engine_catalogue", description=__doc__)
    parser.add_argument("dumps", type=Path, help="the folder with the dumps")
    parser.add_argument("--to", type=Path, default=DATA, help="the folder of the data files")
    parser.add_argument("--check", action="store_true", help="change nothing; say which files differ")
    told = parser.parse_args(arguments)
    try:
        made = {told.to / f"{file.name}.json": file.text() for file in data_files(told.dumps)}
    except FileNotFoundError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    differing = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in differing:
        if not told.check:
            path.write_text(made[path], encoding="utf-8")
        print(f"{path.name} {'differs' if told.check else 'written'}")  # noqa: T201
    return 1 if told.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
