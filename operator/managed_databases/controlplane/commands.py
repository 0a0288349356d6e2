"""The command lines of a control plane's programs, and the files that they read."""

import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PORTS: Final = range(20_000, 30_000)
"""Below the ports that systems hand out for outgoing connections, so that a stopped server finds its own free again."""

CONTROLLERS: Final = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",  # without it the roles admin, edit and view are empty
)

NODE_CONTROLLERS: Final = (
    *CONTROLLERS,
    "root-ca-certificate-publisher-controller",  # without it no Pod's token volume can be made
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "endpoints-controller",  # the API server's own way to Services goes by these
    "node-lifecycle-controller",  # takes the taint off that a new node has
    "disruption-controller",
    "pod-garbage-collector-controller",
)
"""What a cluster with nodes needs besides, to run Deployments behind Services."""

LOOPBACK: Final = "127.0.0.1"

ETCD_DATA: Final = "etcd"
"""The folder of etcd's data, in the control plane's."""

AUDIT_POLICY: Final = """\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: None
    nonResourceURLs: ["/readyz*", "/livez*", "/healthz*"]
  - level: Metadata
    verbs: ["watch"]
    omitStages: ["RequestReceived", "ResponseComplete"]
  - level: Metadata
    omitStages: ["RequestReceived", "ResponseStarted"]
"""
"""One event per request: a watch when it starts (it may never end), everything else when it was answered."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on right now. Raises OSError when none is found."""
    for _ in range(100):
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}")


def etcd_command(binaries: Path, folder: Path) -> list[str]:
    """etcd behind a Unix socket in the private folder: it has no port and no password that could be got around."""
    clients = f"unix://{folder}/etcd.sock"
    peers = "unix://peer:1"  # etcd makes this a file in its working folder; nothing ever uses it
    return [
        str(binaries / "etcd"),
        f"--data-dir={folder / ETCD_DATA}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver_command(binaries: Path, folder: Path, address: str, port: int, *, audit: bool) -> list[str]:
    """kube-apiserver with RBAC, on one address. Pods find it there, behind the Service `kubernetes`, unless it is LOOPBACK.

    It makes its own certificate in `certificates/` at its first start. That certificate's key also signs the tokens of
    service accounts, which saves us from making keys.
    """
    key = folder / "certificates" / "apiserver.key"
    command = [
        str(binaries / "kube-apiserver"),
        f"--etcd-servers=unix://{folder}/etcd.sock",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--endpoint-reconciler-type={'none' if address == LOOPBACK else 'lease'}",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--profiling=false",
    ]
    if audit:
        command += [
            f"--audit-policy-file={folder / 'audit-policy.yaml'}",
            f"--audit-log-path={folder / 'audit.log'}",
            "--audit-log-maxsize=0",
        ]
    return command


def controller_manager_command(
    binaries: Path, kubeconfig: Path, ca_file: Path, controllers: Sequence[str] = CONTROLLERS
) -> list[str]:
    """kube-controller-manager; by itself with the few that make deletion of namespaces and dependants real."""
    return [
        str(binaries / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={ca_file}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]
