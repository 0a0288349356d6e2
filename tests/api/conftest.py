"""What the tests on the wire share: what httpcore waits with, and who signs the certificates of servers."""

import gc
import ssl
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpcore._synchronization
import pytest

from api.wire_peers import context_of
from managed_databases.api import asyncio_waits
from managed_databases.sandbox.servers.certificates import Authority


@pytest.fixture
def waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What httpcore waits with: asyncio's own, as in the operator's process, if the test asks for no other (`both_waits`).

    No connection is left open.
    """
    if getattr(request, "param", "asyncio") == "asyncio":
        monkeypatch.setattr(httpcore._synchronization, "anyio", asyncio_waits)
    gc.freeze()  # looking through all that was there before would take most of a test's time
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    gc.unfreeze()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


@pytest.fixture(params=["plain", "tls"])
def tls(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext | None:
    return context_of(authority) if request.param == "tls" else None


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def names(**proxies: str) -> None:
        for name, value in proxies.items():
            monkeypatch.setenv(name, value)

    return names
