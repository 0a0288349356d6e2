"""The operator's encrypted connections have small buffers, by a name that asyncio does not promise to keep."""

import asyncio
import ssl
from asyncio import sslproto

import pytest

from managed_databases.kube import running


async def test_a_connection_has_the_buffer_that_the_operator_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sslproto.SSLProtocol, "max_size", running.TLS_READ_BYTES)
    loop, context = asyncio.get_running_loop(), ssl.create_default_context()
    protocol = sslproto.SSLProtocol(
        loop, asyncio.Protocol(), context, loop.create_future(), server_hostname="a.example"
    )
    assert len(protocol.get_buffer(-1)) == running.TLS_READ_BYTES
    protocol.connection_lost(None)
