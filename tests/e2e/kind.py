"""kind, where there is a container engine and an image of a node."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KIND_VARIABLE: Final = "E2E_KIND"
"""Set for the tests: a KindHandle as JSON."""
ENGINES: Final = ("docker", "podman")
PROVIDER: Final = "KIND_EXPERIMENTAL_PROVIDER"
WORKERS: Final = 2


class NoKind(Exception):
    """There can be no cluster of kind's; the text says why."""


@dataclass(frozen=True)
class KindHandle:
    """A running cluster of kind's. It is told to the tests in the environment, as JSON."""

    name: str
    engine: str
    kubeconfig: str

    @property
    def workers(self) -> list[str]:
        return [f"{self.name}-worker", *(f"{self.name}-worker{number}" for number in range(2, WORKERS + 1))]


@contextmanager
def kind_cluster(folder: Path, say: Callable[[str], None]) -> Iterator[KindHandle]:
    """Make a cluster with two workers, and delete it in the end. Raises NoKind."""
    engine = _engine()
    handle = KindHandle(f"managed-databases-{secrets.token_hex(3)}", engine, str(folder / "kind.kubeconfig"))
    config = folder / "kind.yaml"
    nodes = [{"role": "control-plane"}, *[{"role": "worker"}] * WORKERS]
    config.write_text(json.dumps({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}))
    try:
        say(f"making a cluster with kind and {engine}")
        wanted = [f"--name={handle.name}", f"--kubeconfig={handle.kubeconfig}", f"--config={config}", "--wait=180s"]
        _kind(engine, "create", "cluster", *wanted)
        yield handle
    finally:
        subprocess.run(
            ["kind", "delete", "cluster", f"--name={handle.name}", f"--kubeconfig={handle.kubeconfig}"],
            env=_environment(engine),
            capture_output=True,
            check=False,
        )


def load(handle: KindHandle, archive: Path) -> None:
    """Have the images of an archive on every node. Raises NoKind."""
    _kind(handle.engine, "load", "image-archive", str(archive), f"--name={handle.name}")


def why_no_kind() -> str:
    """Return why kind cannot be tried; empty when it can."""
    try:
        _engine()
    except NoKind as error:
        return str(error)
    return ""


def _engine() -> str:
    """Return the first engine that answers, for a kind that is there. Raises NoKind."""
    if shutil.which("kind") is None:
        raise NoKind("`kind` is not on PATH")
    said = []
    for engine in ENGINES:
        if shutil.which(engine) is None:
            said.append(f"{engine} is not on PATH")
            continue
        done = subprocess.run([engine, "info"], capture_output=True, text=True, check=False, timeout=60)
        if done.returncode == 0:
            return engine
        said.append(f"`{engine} info` says: {_last_line(done.stderr)}")
    raise NoKind("; ".join(said))


def _kind(engine: str, *arguments: str) -> None:
    """Run kind. Raises NoKind with the end of what it said: it also pulls the image of a node."""
    done = subprocess.run(["kind", *arguments], env=_environment(engine), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoKind(f"`kind {arguments[0]}` says: {_last_line(done.stderr)}")


def _environment(engine: str) -> dict[str, str]:
    return dict(os.environ) | ({} if engine == "docker" else {PROVIDER: engine})


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "nothing"
