"""What the API's certificates are checked by is read once for all clients, and again when it has changed."""

import os
import ssl
from pathlib import Path

import pytest

from managed_databases.api.trust import FROM_ENVIRONMENT, trust
from managed_databases.sandbox.servers.certificates import Authority


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FROM_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def authorities(context: ssl.SSLContext) -> int:
    return context.cert_store_stats()["x509_ca"]


def test_all_clients_share_one() -> None:
    assert trust() is trust()
    assert authorities(trust()) > 50
    assert trust().verify_mode is ssl.CERT_REQUIRED
    assert trust().check_hostname


def test_a_file_of_the_environment_counts_and_is_read_again_when_it_has_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual, file = trust(), tmp_path / "all.crt"
    one, other = (Authority(folder(tmp_path / name)).path.read_text() for name in ("one", "other"))
    file.write_text(one)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    first = trust()
    assert authorities(first) == 1
    assert trust() is first
    file.write_text(one + other)
    os.utime(file, ns=(1, 1))
    assert authorities(trust()) == 2
    monkeypatch.delenv("SSL_CERT_FILE")
    assert authorities(trust()) == authorities(usual)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_that_says_nothing_is_no_trust(
    content: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "all.crt"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    for _ in range(2):
        with pytest.raises(OSError, match=r".+"):
            trust()
