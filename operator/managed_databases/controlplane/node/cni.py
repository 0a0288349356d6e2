"""The network of Pods: a pair of interfaces for each, and a route to it."""

import json
from pathlib import Path


def config_text(pod_subnet: str, leases: Path) -> str:
    """Return a CNI configuration list that gives Pods addresses of `pod_subnet` (such as 10.88.1.0/24).

    With `ptp` all that Pods send is routed, also to each other, so Services work without the kernel's bridge filter.
    There is no masquerading: nothing outside can be reached anyway.
    """
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": pod_subnet}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(leases),
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]}, indent=2)
