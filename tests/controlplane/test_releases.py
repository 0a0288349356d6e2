"""Where the programs come from: addresses, checksums, the cache's place."""

from pathlib import Path

import pytest

from managed_databases.controlplane import releases
from managed_databases.controlplane.releases import Target, cache_folder, checksum_in, release_of

LINUX = Target("linux", "amd64")
A, B = "a" * 64, "B" * 64


def test_kubernetes_publishes_the_program_itself() -> None:
    release = release_of("kube-apiserver", LINUX)
    assert release.url == "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kube-apiserver"
    assert release.checksums_url == release.url + ".sha256"
    assert release.archive_member is None
    assert release.host == "dl.k8s.io"


@pytest.mark.parametrize(("target", "ending"), [(LINUX, "tar.gz"), (Target("darwin", "arm64"), "zip")])
def test_etcd_publishes_an_archive(target: Target, ending: str) -> None:
    release = release_of("etcd", target)
    name = f"etcd-v3.7.3-{target}"
    assert release.url == f"https://github.com/etcd-io/etcd/releases/download/v3.7.3/{name}.{ending}"
    assert release.checksums_url == "https://github.com/etcd-io/etcd/releases/download/v3.7.3/SHA256SUMS"
    assert release.archive_member == f"{name}/etcd"


def test_helm_publishes_an_archive() -> None:
    release = release_of("helm", LINUX)
    assert release.url == "https://get.helm.sh/helm-v3.22.0-linux-amd64.tar.gz"
    assert release.checksums_url == release.url + ".sha256sum"
    assert release.archive_member == "linux-amd64/helm"


@pytest.mark.parametrize(
    ("why", "text", "found"),
    [
        ("Kubernetes states the bare sum", f"{A}\n", A),
        ("etcd states sums and names", f"{A}  other\n{B}  etcd.tar.gz\n", B.lower()),
        ("a star marks a binary file", f"{A} *etcd.tar.gz\n", A),
        ("somebody else's sum is not ours", f"{A}  other\n", None),
        ("an error page is no sum", "<html>Not found</html>", None),
        ("nothing", "", None),
    ],
)
def test_checksums(why: str, text: str, found: str | None) -> None:
    assert checksum_in(text, "etcd.tar.gz") == found, why


def test_the_cache_is_where_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = "1.36.3-etcd-3.7.3-helm-3.22.0-linux-amd64"
    assert cache_folder(LINUX) == tmp_path / "managed-databases" / "kube" / name
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder(LINUX) == tmp_path / ".cache" / "managed-databases" / "kube" / name


@pytest.mark.parametrize("version", ["KUBE_VERSION", "ETCD_VERSION", "HELM_VERSION"])
def test_another_version_of_anything_is_kept_elsewhere(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    before = cache_folder(LINUX)
    monkeypatch.setattr(releases, version, "9.9.9")
    assert cache_folder(LINUX) != before
