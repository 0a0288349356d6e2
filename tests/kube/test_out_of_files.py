"""Strangers at the ports, and a process without a file descriptor left: the operator goes on when it has some again."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from kube.fake_api_server import GROUP_PATH, FakeApiServer, serving, until
from managed_databases.controlplane.commands import free_port
from managed_databases.kinds.registry import kinds
from operator_process import OperatorProcess

FILES = 128
STRANGERS = 300
DATASTORES = f"{GROUP_PATH}/manageddatastores"


@asynccontextmanager
async def running(folder: Path, **settings: object) -> AsyncIterator[tuple[FakeApiServer, OperatorProcess]]:
    """An operator whose caches are filled, and the API server that it watches."""
    server = FakeApiServer(served=[kind.plural for kind in kinds().values()], closes=True)
    async with (
        serving(server, folder),
        OperatorProcess(folder / "kubeconfig", folder / "log", log_format="json", **settings) as operator,
    ):
        await until(lambda: "caches are filled" in operator.log_tail(), operator.log_tail)
        yield server, operator


def limit_files(operator: OperatorProcess, files: int) -> None:
    """How many it may have open from now on; those that are open stay open."""
    hard = resource.prlimit(operator.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(operator.pid, resource.RLIMIT_NOFILE, (files, hard))


def open_files(operator: OperatorProcess) -> int:
    return len(list(Path(f"/proc/{operator.pid}/fd").iterdir()))


@contextmanager
def strangers(port: int, number: int = STRANGERS) -> Iterator[list[socket.socket]]:
    """Connections that say nothing."""
    connections: list[socket.socket] = []
    try:
        for _ in range(number):
            connections.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        yield connections
    finally:
        for each in connections:
            each.close()


async def answers(port: int, path: str = "/healthz") -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return (await http.get(f"http://127.0.0.1:{port}{path}")).status_code


async def test_silent_connections_take_nothing_from_anybody(tmp_path: Path) -> None:
    ports = {"probe_port": free_port(), "metrics_port": free_port()}
    async with running(tmp_path, **ports) as (server, operator):
        limit_files(operator, FILES)
        for port in ports.values():
            with strangers(port):
                await server.drop_watches()
                before = server.count(DATASTORES, watch=True)
                await until(lambda: server.count(DATASTORES, watch=True) > before, operator.log_tail)  # noqa: B023
                assert await answers(ports["probe_port"]) == 200
                assert await answers(ports["metrics_port"], "/metrics") == 200
                assert open_files(operator) < FILES
        assert operator.is_running
        assert await operator.stop() == 0


async def test_without_a_file_left_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    ports = {"probe_port": free_port(), "metrics_port": free_port()}
    async with running(tmp_path, **ports) as (server, operator):
        soft, _ = resource.prlimit(operator.pid, resource.RLIMIT_NOFILE)
        await until(lambda: server.count(DATASTORES, watch=True), operator.log_tail)
        limit_files(operator, 3)
        before = server.count(DATASTORES, watch=True)
        await server.drop_watches()
        with strangers(ports["probe_port"], 10), strangers(ports["metrics_port"], 10):
            await until(lambda: "could not be accepted" in operator.log_tail(), operator.log_tail)
            await until(lambda: "Too many open files" in operator.log_tail(), operator.log_tail)
            await asyncio.sleep(2)
            assert operator.is_running, operator.log_tail()
            assert server.count(DATASTORES, watch=True) == before, "it has no file to connect with"
            limit_files(operator, soft)
        await until(lambda: server.count(DATASTORES, watch=True) > before, operator.log_tail)
        assert await answers(ports["probe_port"]) == 200
        assert await answers(ports["metrics_port"], "/metrics") == 200


class Limited(OperatorProcess):
    """Started as most container engines do it: 1,024 files, and more for who asks."""

    def _command(self) -> list[str]:
        return ["prlimit", "--nofile=1024:4096", *super()._command()]


async def test_it_takes_all_the_files_that_it_may_have(tmp_path: Path) -> None:
    async with (
        serving(FakeApiServer(served=[kind.plural for kind in kinds().values()]), tmp_path),
        Limited(tmp_path / "kubeconfig", tmp_path / "log") as operator,
    ):
        await until(lambda: "caches are filled" in operator.log_tail(), operator.log_tail)
        assert resource.prlimit(operator.pid, resource.RLIMIT_NOFILE) == (4096, 4096)
