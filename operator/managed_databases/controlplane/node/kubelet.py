"""kubelet for one node: its configuration and its command line."""

import json
from pathlib import Path
from typing import Any


def config(name: str, address: str, socket: Path, folder: Path, healthz_port: int) -> dict[str, Any]:
    """Return a KubeletConfiguration. `name` is also the cgroup that the node's Pods are in; it exists."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{name}",
        "containerRuntimeEndpoint": f"unix://{socket}",
        # The API server asks for logs and exec without a client certificate. Nobody else is in this network.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "address": address,
        "readOnlyPort": 0,
        "healthzPort": healthz_port,
        "resolvConf": "",
        "clusterDNS": [address],  # nobody answers there; without it each Pod gets an event
        "evictionHard": {
            "imagefs.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "memory.available": "100Mi",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "failSwapOn": False,
        "syncFrequency": "5s",  # a changed Secret is in its volume after that
        "nodeStatusUpdateFrequency": "5s",
        "makeIPTablesUtilChains": False,
        "podLogsDir": f"/var/log/pods-{name}",
        "volumePluginDir": str(folder / "volume-plugins"),
    }


def write_config(path: Path, configuration: dict[str, Any]) -> Path:
    """Write it as JSON, which YAML readers read."""
    path.write_text(json.dumps(configuration, indent=2))
    return path


def command(program: Path, configuration: Path, kubeconfig: Path, folder: Path, name: str, address: str) -> list[str]:
    return [
        str(program),
        f"--config={configuration}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={folder}",
        f"--cert-dir={folder / 'pki'}",
        f"--hostname-override={name}",
        f"--node-ip={address}",
    ]
