"""People of a platform: accounts with the built-in roles of one namespace, and what the chart adds to these roles."""

from pathlib import Path
from typing import Literal

from cluster import Cluster
from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import roles_for_people

RBAC = "rbac.authorization.k8s.io"


async def person(cluster: Cluster, namespace: str, role: Literal["view", "edit"] | None, name: str = "") -> Path:
    """Make an account that has this role in the namespace and nothing else; return its kubeconfig. None: no right at all."""
    name = name or f"{role or 'nobody'}er"
    await cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    )
    roles = {"view": ("view",), "edit": ("view", "edit"), None: ()}[role]
    for each in roles:
        rules = [rule.as_values() for rule in roles_for_people(kinds().values())[each]]
        metadata = {"name": f"databases-{each}", "namespace": namespace}
        await cluster.apply({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules})
        await _bind(cluster, namespace, name, "Role", f"databases-{each}")
    if role is not None:
        await _bind(cluster, namespace, name, "ClusterRole", role)
    return await cluster.service_account(namespace, name)


async def _bind(cluster: Cluster, namespace: str, account: str, kind: str, role: str) -> None:
    await cluster.apply(
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{account}-{kind.lower()}-{role}", "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        }
    )


async def may_read_projects(cluster: Cluster, namespace: str, account: str) -> None:
    """Let the account read DatabaseProjects, as a platform does that shows its projects to everybody."""
    name = f"{namespace}-{account}-projects"
    rules = [{"apiGroups": ["manageddatabases.io"], "resources": ["databaseprojects"], "verbs": ["get", "list"]}]
    await cluster.apply({"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules})
    await cluster.apply(
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        }
    )
