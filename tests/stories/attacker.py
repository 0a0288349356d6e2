"""The attacker of the stories: a person with the usual rights in a namespace of her own."""

import json
from typing import Any

from cluster import Cluster, Manifest
from managed_databases.kinds.registry import GROUP
from stories.world import World, condition


class Attacker:
    """Edits in one namespace, as herself."""

    def __init__(self, cluster: Cluster, namespace: str, victim: World) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._victim = victim

    async def apply(self, made: Manifest, *, called: str | None = None, **spec: Any) -> str:
        """Apply a resource of the victim's world in her own namespace, with its annotations; return its name."""
        name = called or made["metadata"]["name"]
        metadata = {"name": name, "namespace": self.namespace, "annotations": made["metadata"].get("annotations", {})}
        mine = {**made, "metadata": metadata, "spec": {**made["spec"], **spec}}
        await self.cluster.apply(mine)
        return name

    async def is_told(self, kind: str, name: str, reason: str) -> str:
        """Wait for that reason; return all that the resource then says, but for what she wrote herself."""

        async def look() -> Manifest:
            resource = await self.cluster.get(kind, name, self.namespace)
            assert condition(resource, "Ready").get("reason") == reason, resource.get("status")
            assert resource["status"]["observedGeneration"] == resource["metadata"]["generation"]
            return resource

        resource: Manifest = await self._victim.until(f"{kind} {name} says {reason}", look)
        assert condition(resource, "Ready")["status"] == "False"
        assert "id" not in resource["status"]
        return json.dumps(resource["status"]["conditions"])


async def edit_rights(world: World, namespace: str, user: str) -> None:
    api = "rbac.authorization.k8s.io/v1"
    metadata = {"name": f"edit-{user}", "namespace": namespace}
    rules = [
        {
            "apiGroups": [GROUP],
            "resources": ["manageddatastores", "manageddatabases", "databaseusers"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
        },
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "update", "patch", "delete"]},
    ]
    await world.cluster.apply({"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": rules})
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"edit-{user}"}
    binding = {"apiVersion": api, "kind": "RoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]}
    await world.cluster.apply(binding)
