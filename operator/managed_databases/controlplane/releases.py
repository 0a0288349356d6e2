"""Which programs a control plane and its tests need: their versions, where they are published, where they are kept."""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KUBE_VERSION: Final = "1.36.3"
ETCD_VERSION: Final = "3.7.3"
HELM_VERSION: Final = "3.22.0"

CONTROL_PLANE_PROGRAMS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm")
NODE_PROGRAMS: Final = ("kube-scheduler", "kube-proxy", "kubelet")
PROGRAMS: Final = (*CONTROL_PLANE_PROGRAMS, *NODE_PROGRAMS)
ETCD_MODULE: Final = "go.etcd.io/etcd/server/v3"
HELM_MODULE: Final = "helm.sh/helm/v3"
KUBE_MODULE: Final = "k8s.io/kubernetes"

_GO_NAMES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Target:
    """An operating system and a processor, as Go names them."""

    os: str
    arch: str

    @classmethod
    def here(cls) -> "Target":
        """The machine this runs on; a processor that Go names differently keeps its own name."""
        machine = platform.machine().lower()
        return cls(sys.platform, _GO_NAMES.get(machine, machine))

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}"


@dataclass(frozen=True)
class Release:
    """Where one program is published, and where its SHA-256 is found."""

    program: str
    url: str
    checksums_url: str
    archive_member: str | None
    """The program's path in the archive at `url`; None when `url` is the program itself."""

    @property
    def host(self) -> str:
        return self.url.split("/")[2]

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[1]


def release_of(program: str, target: Target) -> Release:
    """Return where `program`, one of PROGRAMS, is published. Not everything exists for every target."""
    if program == "etcd":
        name = f"etcd-v{ETCD_VERSION}-{target}"
        base = f"https://github.com/etcd-io/etcd/releases/download/v{ETCD_VERSION}"
        ending = "tar.gz" if target.os == "linux" else "zip"
        return Release(program, f"{base}/{name}.{ending}", f"{base}/SHA256SUMS", f"{name}/etcd")
    if program == "helm":
        url = f"https://get.helm.sh/helm-v{HELM_VERSION}-{target}.tar.gz"
        return Release(program, url, f"{url}.sha256sum", f"{target}/helm")
    url = f"https://dl.k8s.io/release/v{KUBE_VERSION}/bin/{target.os}/{target.arch}/{program}"
    return Release(program, url, f"{url}.sha256", None)


def checksum_in(text: str, file_name: str) -> str | None:
    """Return the SHA-256 (lower-case hex) that `text` states for a file; None when it states none.

    Two forms are published: the bare sum (Kubernetes), and lines of sum and name as `sha256sum` writes them (etcd,
    Helm).
    """
    for line in text.splitlines():
        words = line.split()
        if words and len(words[0]) == 64 and (len(words) == 1 or words[1].lstrip("*") == file_name):
            return words[0].lower()
    return None


def cache_root() -> Path:
    """Return the folder under which every version is kept: below $XDG_CACHE_HOME, else below ~/.cache."""
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "managed-databases" / "kube"


def cache_folder(target: Target) -> Path:
    """Return the folder that holds the pinned versions for `target`: another version of any is another folder."""
    return cache_root() / f"{KUBE_VERSION}-etcd-{ETCD_VERSION}-helm-{HELM_VERSION}-{target}"
