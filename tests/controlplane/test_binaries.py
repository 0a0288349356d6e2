"""The four ways to the programs, in their order, with servers and a `go` of the test's own."""

import asyncio
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from managed_databases.controlplane import binaries
from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from managed_databases.controlplane.go_build import go_mod_for
from managed_databases.controlplane.releases import Target, cache_folder

Answer = Callable[[httpx.Request], httpx.Response]

PROGRAM = b"#!/bin/sh\necho it works\n"
ALL = ("etcd", "kube-apiserver", "kubectl")

GO = """#!/bin/sh
# mod download -json MODULE | build ... -o FILE PACKAGE
case $1 in
mod) echo 'k8s.io/api => ./staging/src/k8s.io/api' > its.mod; echo "{\\"GoMod\\": \\"$PWD/its.mod\\"}" ;;
build) while [ "$1" != -o ]; do shift; done; cp go.mod "$2" ;;
esac
"""


class Teller:
    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def say() -> Teller:
    return Teller()


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, no KUBEBUILDER_ASSETS, no `go`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'go' / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr("managed_databases.controlplane.go_build.shutil.which", lambda name: on_path(tmp_path, name))
    return cache_folder(Target.here())


def on_path(tmp_path: Path, name: str) -> str | None:
    program = tmp_path / "go" / "bin" / name
    return str(program) if program.exists() else None


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Say how the world answers."""

    def answers(answer: Answer) -> None:
        client = httpx.AsyncClient
        monkeypatch.setattr(binaries, "http_client", lambda: client(transport=httpx.MockTransport(answer)))

    answers(closed)
    return answers


def closed(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route to host", request=request)


def published(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path.endswith(".sha256"):
        return httpx.Response(200, text=hashlib.sha256(PROGRAM).hexdigest())
    if path.endswith("SHA256SUMS"):
        return httpx.Response(200, text=f"{hashlib.sha256(etcd_archive()).hexdigest()}  {etcd_name()}.tar.gz\n")
    return httpx.Response(200, content=etcd_archive() if path.endswith(".tar.gz") else PROGRAM)


def etcd_name() -> str:
    return f"etcd-v3.7.3-{Target.here()}"


def etcd_archive() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        member = tarfile.TarInfo(f"{etcd_name()}/etcd")
        member.size = len(PROGRAM)
        archive.addfile(member, io.BytesIO(PROGRAM))
    return written.getvalue()


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(PROGRAM)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def go(tmp_path: Path) -> None:
    put(tmp_path / "go" / "bin", "go").joinpath("go").write_text(GO)


async def test_what_the_person_set_comes_first(
    cache: Path, tmp_path: Path, say: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, *ALL)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(put(tmp_path / "assets", *ALL)))
    assert await find_binaries(say) == tmp_path / "assets"
    assert say.said == []


@pytest.mark.usefixtures("network")
async def test_an_incomplete_folder_is_told_and_passed_over(
    cache: Path, tmp_path: Path, say: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, *ALL)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(put(tmp_path / "assets", "etcd", "kubectl")))
    assert await find_binaries(say) == cache
    assert "lacks kube-apiserver" in say.said[0]


async def test_downloads_what_the_cache_lacks(cache: Path, say: Teller, network: Callable[[Answer], None]) -> None:
    network(published)
    put(cache, "kubectl")
    assert await find_binaries(say) == cache
    assert all((cache / name).read_bytes() == PROGRAM and os.access(cache / name, os.X_OK) for name in ALL)
    assert not any("kubectl" in line for line in say.said), "it was there"
    assert sorted(os.listdir(cache)) == sorted([*ALL, ".lock"]), "nothing half-made is left"


async def test_a_wrong_checksum_is_the_end(
    cache: Path, say: Teller, go: None, network: Callable[[Answer], None]
) -> None:
    def forged(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="0" * 64) if request.url.path.endswith(".sha256") else published(request)

    network(forged)
    with pytest.raises(BinariesMissing, match="nothing was installed"):
        await find_binaries(say, ("kubectl",))
    assert not (cache / "kubectl").exists()


@pytest.mark.usefixtures("network", "go")
async def test_builds_where_the_network_is_closed(cache: Path, say: Teller) -> None:
    assert await find_binaries(say, (*ALL, "helm")) == cache
    assert "require helm.sh/helm/v3 v3.22.0" in (cache / "helm").read_text()
    assert "replace k8s.io/api => k8s.io/api v0.36.3" in (cache / "kube-apiserver").read_text()
    assert "require go.etcd.io/etcd/server/v3 v3.7.3" in (cache / "etcd").read_text()


@pytest.mark.usefixtures("network", "go")
async def test_who_has_no_time_for_a_build_is_told_what_would_be_built(cache: Path, say: Teller) -> None:
    with pytest.raises(BinariesMissing, match="kubelet would have to be built from source"):
        await find_binaries(say, ("kubelet",), may_build=False)
    assert not (cache / "kubelet").exists()


async def test_an_unreachable_host_is_asked_once(
    cache: Path, say: Teller, network: Callable[[Answer], None], go: None
) -> None:
    asked: list[str] = []

    def count(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return closed(request)

    network(count)
    await find_binaries(say)
    assert sorted(asked) == ["dl.k8s.io", "github.com"]


@pytest.mark.usefixtures("network", "cache")
async def test_the_error_names_all_four_ways(say: Teller) -> None:
    with pytest.raises(BinariesMissing) as missing:
        await find_binaries(say)
    for way in ("KUBEBUILDER_ASSETS", "The cache", "github.com cannot be reached", "`go` is not on PATH"):
        assert way in str(missing.value)


@pytest.mark.usefixtures("network")
async def test_a_failed_build_tells_why(cache: Path, say: Teller, tmp_path: Path) -> None:
    put(tmp_path / "go" / "bin", "go").joinpath("go").write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    with pytest.raises(BinariesMissing, match="ended with 1: no such module"):
        await find_binaries(say)


async def test_two_at_once_get_each_program_once(cache: Path, say: Teller, network: Callable[[Answer], None]) -> None:
    asked: list[str] = []

    def count(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return published(request)

    network(count)
    async with asyncio.timeout(60):
        assert set(await asyncio.gather(find_binaries(say), find_binaries(say))) == {cache}
    assert len(asked) == len(set(asked))


@pytest.mark.usefixtures("cache")
async def test_unknown_programs_are_a_mistake(say: Teller) -> None:
    with pytest.raises(ValueError, match="kind"):
        await find_binaries(say, ("kind",))


def test_staging_modules_are_replaced_by_their_releases() -> None:
    its = "module k8s.io/kubernetes\n\ngo 1.26.0\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\ta => b v1.0.0\n)\n"
    assert go_mod_for("k8s.io/kubernetes@v1.36.3", its).splitlines() == [
        "module controlplane",
        "",
        "go 1.26.0",
        "",
        "require k8s.io/kubernetes v1.36.3",
        "replace k8s.io/api => k8s.io/api v0.36.3",
    ]
