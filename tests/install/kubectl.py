"""kubectl as people use it, against the control plane of the tests."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from managed_databases.controlplane.cluster import ControlPlane

TOP = Path(__file__).parents[2]
Manifest = dict[str, Any]

DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class Kubectl:
    program: Path
    kubeconfig: Path

    def attempt(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        cache = (
            self.kubeconfig.parent / "kubectl-cache"
        )  # that in the home folder may be of an earlier cluster of this port
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={cache}", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """Return what kubectl prints. Raises AssertionError with its complaint when it fails."""
        done = self.attempt(*arguments, given=given)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def refused(self, *arguments: str, given: str | None = None) -> str:
        """Return kubectl's complaint. Raises AssertionError when there is none."""
        done = self.attempt(*arguments, given=given)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} was not refused: {done.stdout}"
        return done.stderr

    def apply(self, text: str) -> str:
        return self("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-", given=text)

    def dry_run(self, *manifests: Manifest) -> str:
        """Try to apply them; return one line for each."""
        return self(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", given=_as_list(manifests)
        )

    def create(self, *manifests: Manifest) -> None:
        self("create", "--validate=strict", "-f", "-", given=_as_list(manifests))

    def tell(self, status: Manifest, *manifests: Manifest) -> None:
        """Write these fields into the status of each of them, as the operator does."""
        told = [each | {"status": status} for each in manifests]
        for each in told:
            each["metadata"] = {
                name: each["metadata"][name] for name in ("name", "namespace") if name in each["metadata"]
            }
        self(
            "apply",
            "--server-side",
            "--subresource=status",
            "--force-conflicts",
            "-f",
            "-",
            given=_as_list(tuple(told)),
        )

    def delete(self, *manifests: Manifest) -> None:
        """Delete them, or what is left of them."""
        self("delete", "--ignore-not-found", "-f", "-", given=_as_list(manifests))

    def get(self, *arguments: str) -> Manifest:
        found: Manifest = json.loads(self("get", *arguments, "-o", "json"))
        return found

    def make_namespace(self, name: str) -> None:
        self.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))


def _as_list(manifests: tuple[Manifest, ...]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


def becomes_true(what: str, probe: Callable[[], tuple[bool, object]]) -> None:
    """Wait until `probe` says True; its second value is the state that a failure prints."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        reached, state = probe()
        if reached:
            return
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_SECONDS} s; last seen: {state}"
        time.sleep(0.2)


def kubectl_for(control_plane: ControlPlane) -> Kubectl:
    """An administrator's kubectl."""
    return Kubectl(control_plane.binaries / "kubectl", control_plane.kubeconfig)


def with_crds(control_plane: ControlPlane) -> Kubectl:
    """An administrator's kubectl, with the CRDs and the admission policies installed as crds/ has them."""
    kubectl = kubectl_for(control_plane)
    kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", str(TOP / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    return kubectl
