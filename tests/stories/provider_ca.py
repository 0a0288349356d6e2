"""The ConfigMap with the certificate of the CA that a project's servers have theirs from."""

from cluster import Manifest
from stories.world import World

NAME = {"name": "provider"}
"""What `caCertificate` of the project says."""


def provider_ca(world: World, pem: str) -> Manifest:
    metadata = NAME | {"namespace": world.system}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": pem}}
