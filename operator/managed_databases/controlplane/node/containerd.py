"""containerd with runc for one node: its configuration and its command line."""

import json
from pathlib import Path
from typing import Final

from managed_databases.controlplane.node.images import PAUSE

RUNTIME: Final = "io.containerd.runc.v2"


def config_text(root: Path, state: Path, socket: Path, cni_plugins: Path, cni_config: Path) -> str:
    """Return config.toml. Version 2 of the format is read by containerd 1.x, and turned into its own by 2.x."""
    folders = {name: json.dumps(str(path)) for name, path in _paths(root, state, socket, cni_plugins, cni_config)}
    return f"""\
version = 2
root = {folders["root"]}
state = {folders["state"]}
# opt makes /opt/containerd; nri and tracing serve nobody here.
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri", "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp"
]
[grpc]
  address = {folders["socket"]}
[plugins."io.containerd.grpc.v1.cri"]
  # Where root has no CAP_SYS_RESOURCE, nobody's score can be lowered, and no container would start.
  restrict_oom_score_adj = true
  sandbox_image = "{PAUSE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = {folders["cni_plugins"]}
    conf_dir = {folders["cni_config"]}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "{RUNTIME}"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def _paths(root: Path, state: Path, socket: Path, cni_plugins: Path, cni_config: Path) -> list[tuple[str, Path]]:
    return [
        ("root", root),
        ("state", state),
        ("socket", socket),
        ("cni_plugins", cni_plugins),
        ("cni_config", cni_config),
    ]
