"""Addresses for servers, and what is said when there is none."""

import socket

import pytest

from managed_databases.sandbox.backing import ChangeRefused
from managed_databases.sandbox.servers.addresses import check_address, free_address


def test_each_server_has_an_address_where_its_ports_are_free() -> None:
    first = free_address((15432,), set())
    assert first.startswith("127.77.")
    with socket.create_server((first, 15432)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ChangeRefused, match=f"{first}:{port} is taken by another process"):
            check_address(first, (port,))
        assert free_address((port,), set()) != first, "another one is free"


def test_a_server_on_all_addresses_is_named() -> None:
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        port = everywhere.getsockname()[1]
        for find in (lambda: free_address((port,), set()), lambda: check_address("127.77.1.1", (port,))):
            with pytest.raises(
                ChangeRefused, match=rf"port {port} is taken on every address.*0\.0\.0\.0:{port}.*ss -ltnp"
            ):
                find()
