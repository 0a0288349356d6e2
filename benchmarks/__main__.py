"""`python -m benchmarks NAME [NUMBER]`: run one benchmark and print its figures as JSON."""

import asyncio
import sys

import orjson

from benchmarks.to_ready import to_ready

BENCHMARKS = {"to-ready": to_ready}


def main() -> None:
    name, *numbers = sys.argv[1:] or [""]
    if name not in BENCHMARKS:
        sys.exit(f"which one? {', '.join(BENCHMARKS)}")
    figures = asyncio.run(BENCHMARKS[name](*(int(number) for number in numbers)))
    sys.stdout.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode() + "\n")


main()
