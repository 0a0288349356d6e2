"""Names instead of addresses, and the shell in which they resolve."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from engines.at_hand import need
from engines.real_sandbox import NASTY, RealSandbox
from sandbox.account import new_datastore
from sandbox_process import SandboxProcess

LOGIN = """
import asyncio, os, sys, asyncpg
async def main():
    connection = await asyncpg.connect(sys.argv[1], password=os.environ["SECRET"], timeout=10)
    print(await connection.fetchval("SELECT current_user"), await connection.fetchval("SELECT inet_server_addr()"))
asyncio.run(main())
"""
SHELL = (sys.executable, "-m", "managed_databases.sandbox", "shell", "--url")
CANNOT = "lets nobody without root have an /etc/hosts of his own"


async def in_shell(sandbox: RealSandbox, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    told = await asyncio.to_thread(
        subprocess.run,
        [*SHELL, sandbox.process.url, "--", *command],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )
    if CANNOT in told.stderr and not os.environ.get("CI"):
        pytest.skip(told.stderr)
    return told


async def test_a_login_by_name(tmp_path: Path) -> None:
    need("postgresql-16")
    async with RealSandbox(tmp_path, "--names") as sandbox:
        row = await sandbox.make("datastores", new_datastore("postgresql", "16", node_count=2))
        name, address = row["connection"]["master"], row["instances"][0]["ip"]
        assert name == f"master.{row['id']}.c.dbaas.sandbox.internal"
        there = {"datastore_id": row["id"]}
        user = await sandbox.make("users", {**there, "name": "app", "password": NASTY})
        await sandbox.make("databases", {**there, "name": "shop", "owner_id": user["id"]})
        root = tmp_path / "ca.crt"
        root.write_text(await sandbox.certificate_text())
        query = f"sslmode=verify-full&sslrootcert={root}"
        told = await in_shell(
            sandbox, sys.executable, "-c", LOGIN, f"postgresql://app@{name}/shop?{query}", SECRET=NASTY
        )
        assert told.stdout.split() == ["app", address], told
        # The name of an instance, and of a replica, are in the certificate, too.
        for other in (row["instances"][0]["hostname"], row["connection"]["replica-1"]):
            told = await in_shell(
                sandbox, sys.executable, "-c", LOGIN, f"postgresql://app@{other}/shop?{query}", SECRET=NASTY
            )
            assert told.stdout.startswith("app "), told
        outside = asyncpg.connect(f"postgresql://app@{name}/shop?{query}", password=NASTY, timeout=10)
        with pytest.raises(socket.gaierror):
            await outside
        # A datastore that is made while the shell is open, and the end of the command.
        code = f"until getent hosts master.$(cat {tmp_path}/id).c.dbaas.sandbox.internal; do sleep 0.1; done; exit 7"
        waiting = asyncio.create_task(in_shell(sandbox, "sh", "-c", code))
        second = await sandbox.make("datastores", new_datastore("postgresql", "16", name="second"))
        (tmp_path / "id").write_text(second["id"])
        told = await asyncio.wait_for(waiting, 60)
        assert told.returncode == 7
        assert told.stdout.startswith(second["instances"][0]["ip"])


async def test_addresses_stay_in_a_resize_and_follow_the_choice(tmp_path: Path) -> None:
    need("postgresql-16")
    async with RealSandbox(tmp_path) as sandbox:
        row = await sandbox.make("datastores", new_datastore("postgresql", "16"))
        address = row["instances"][0]["ip"]
        assert row["connection"] == {"master": address, "MASTER": address}
        larger = {"resize": {"flavor": {"vcpus": 4, "ram": 8192, "disk": 64}}}
        assert (await sandbox.change(f"/datastores/{row['id']}/resize", larger))["connection"] == row["connection"]
    # A sandbox with names begins with the same state.
    async with RealSandbox(tmp_path, "--names") as sandbox:
        told = await sandbox.account.get(f"/datastores/{row['id']}")
        assert told["connection"]["master"] == f"master.{row['id']}.c.dbaas.sandbox.internal"


async def test_a_shell_that_cannot_be_had_says_what_else_can_be_done(tmp_path: Path) -> None:
    async with SandboxProcess("--engines", few_parameters=False) as sandbox:
        program = tmp_path / "unshare"
        program.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2; exit 1\n")
        program.chmod(0o755)
        for path, why in ((tmp_path, "unshare failed: Operation not permitted"), (tmp_path / "none", "is not here")):
            told = await asyncio.to_thread(
                subprocess.run,
                [*SHELL, sandbox.url],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"PATH": str(path)},
            )
            assert told.returncode == 1
            assert why in told.stderr
            assert f"curl -s {sandbox.url}/sandbox/hosts | sudo tee -a /etc/hosts" in told.stderr
    told = await asyncio.to_thread(subprocess.run, [*SHELL, sandbox.url], capture_output=True, text=True, check=False)
    assert (told.returncode, "no shell with the names of" in told.stderr) == (1, True), told
