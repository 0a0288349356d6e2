"""The sandbox's command: what it says where it cannot start."""

import socket

from typer.testing import CliRunner

from managed_databases.sandbox.command import app


def test_a_port_in_use_is_told_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = CliRunner().invoke(app, ["--port", str(port)])
    assert (ended.exit_code, ended.stdout) == (1, "")
    told = f"port {port} is in use (`ss -ltnp` shows by whom); --port 0 takes a free one"
    assert ended.stderr == f"cannot start the sandbox: {told}\n"


def test_another_error_of_the_address_is_told_as_it_is() -> None:
    ended = CliRunner().invoke(app, ["--host", "192.0.2.1", "--port", "0"])
    assert ended.exit_code == 1
    assert "Cannot assign requested address" in ended.stderr
