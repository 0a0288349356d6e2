"""An application of the demo: it logs in with a mounted Secret for each row that it writes, and writes one a second.

`python -m managed_databases.demo.application FOLDER` prints a line for each row: its number, and by which user it was written, or
why it was not.
"""

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Final

import asyncpg

from managed_databases.demo.mount import read_mounted

TABLE: Final = "demo_rows"
ROW_SECONDS: Final = 1.0
_LOGIN_SECONDS: Final = 10.0


async def connected(login: dict[str, str]) -> asyncpg.Connection:
    """Log in with the keys of a credentials Secret. Raises what asyncpg does, and OSError."""
    return await asyncpg.connect(
        host=login["host"],
        port=int(login["port"]),
        user=login["username"],
        password=login["password"],
        database=login["database"],
        ssl=ssl.create_default_context(cadata=login["ca.crt"]),
        timeout=_LOGIN_SECONDS,
    )


async def write_row(login: dict[str, str], number: int) -> None:
    connection = await connected(login)
    try:
        await connection.execute(f"INSERT INTO {TABLE} (number, written_by) VALUES ($1, current_user)", number)
    finally:
        await connection.close(timeout=_LOGIN_SECONDS)


async def work(folder: Path) -> None:
    """Write a row a second until the process is ended. A row that cannot be written is told, and never tried again."""
    number, begin = 0, time.monotonic()
    while True:
        login = await asyncio.to_thread(read_mounted, folder)
        told: dict[str, object] = {"number": number, "user": login["username"]}
        try:
            await write_row(login, number)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            told["missed"] = type(error).__name__
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        number += 1
        await asyncio.sleep(max(0.0, begin + number * ROW_SECONDS - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
