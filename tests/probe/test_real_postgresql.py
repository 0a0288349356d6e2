"""A probe and a real PostgreSQL, where there is one to be had: its own words for each way in which a login can fail."""

import asyncio
import base64
import hashlib
import hmac
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from managed_databases.probe import Login, Outcome, ProbeAnswer, attempt
from managed_databases.probe.tls import context_for
from probe.fake_servers import CA, CERTIFICATES, OTHER_CA

pytestmark = pytest.mark.skipif(
    shutil.which("postgres") is None or shutil.which("initdb") is None, reason="no postgres and initdb in PATH"
)
NOBODY = 65534


def _as_nobody() -> dict[str, int | list[int]]:
    """PostgreSQL does not run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that takes logins over TLS only."""
    # pytest's folders are closed to others.
    with (
        tempfile.TemporaryDirectory(prefix="probe-", ignore_cleanup_errors=True) as name,
        _postgresql(Path(name)) as port,
    ):
        yield port


@contextmanager
def _postgresql(folder: Path) -> Iterator[int]:
    data = folder / "data"
    data.mkdir()
    for name in ("server.crt", "server.key"):
        shutil.copy(CERTIFICATES / name, folder / name)
    (folder / "server.key").chmod(0o600)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    flags = ["-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(["initdb", *flags], check=True, capture_output=True, cwd=folder, **_as_nobody())  # type: ignore[call-overload]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (data / "pg_hba.conf").write_text(
        "hostssl all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "ssl": "on",
        "ssl_cert_file": folder / "server.crt",
        "ssl_key_file": folder / "server.key",
        "fsync": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        ["postgres", "-D", str(data), *options],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        **_as_nobody(),  # type: ignore[call-overload]
    )
    try:
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)


def verifier(password: str, rounds: int) -> str:
    """A password as PostgreSQL keeps it; whoever may set a password may set it so."""
    salt = b"salt of the tests"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    told = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${rounds}:{told[0]}${told[1]}:{told[2]}"


async def as_admin(port: int, *statements: str) -> None:
    for _ in range(100):
        try:
            admin = await asyncpg.connect(
                host="127.0.0.1", port=port, user="postgres", database="postgres", ssl=context_for(CA)
            )
            break
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.1)
    else:
        raise AssertionError("PostgreSQL does not come up")
    for statement in statements:
        await admin.execute(statement)
    await admin.close()


async def test_what_a_real_postgresql_answers(port: int) -> None:
    await as_admin(
        port,
        "create role app login password 'right'",
        "create role one login password 'right' connection limit 0",
        f"create role heavy login password '{verifier('right', 200_000)}'",
        "create database orders",
        "create database closed",
        "revoke connect on database closed from public",
    )
    app = Login("postgresql", "127.0.0.1", port, "app", "orders", CA)

    async def tried(password: str = "right", **other: str | None) -> ProbeAnswer:
        return await attempt(replace(app, **other), SecretStr(password))  # type: ignore[arg-type]

    assert (await tried()).outcome is Outcome.LOGGED_IN
    assert (await tried(ca_certificate=None)).outcome is Outcome.LOGGED_IN
    assert (await tried(database=None)).outcome is Outcome.LOGGED_IN
    assert (await tried("wrong")).detail == "error 28P01"
    assert (await tried("wrong", database=None)).outcome is Outcome.REFUSED
    assert (await tried(user="nobody")).outcome is Outcome.REFUSED
    assert (await tried(ca_certificate=OTHER_CA)).outcome is Outcome.WRONG_CA
    assert (await tried(database="closed")).detail == "error 42501"
    assert (await tried(database="missing")).detail == "error 3D000"
    assert (await tried(user="one")).outcome is Outcome.LOGGED_IN  # its password is right: it has no connection left
    assert (await tried(user="heavy")).outcome is Outcome.REFUSED  # nobody computes that much for a login
    assert (await attempt(replace(app, user=None))).outcome is Outcome.LOGGED_IN
    await as_admin(port, "alter role app password 'another'")
    assert (await tried()).outcome is Outcome.REFUSED
