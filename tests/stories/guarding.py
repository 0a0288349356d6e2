"""The policy on statuses, as every way to install brings it: applied for the operators of all worlds, and for one person."""

from typing import Any

from cluster import Cluster
from managed_databases.controlplane.access import ADMIN
from managed_databases.kube.account_policies import BINDING, POLICY, STATUS_POLICY, status_policy

RESTORER = "alice"
"""May write statuses by the policy, as the account of a tool may that restores backups."""
OPERATORS = "^system:serviceaccount:(managed-databases-system|system-[0-9a-f]+):[a-z-]*operator$"
"""The operator of whatever world: the policy is the cluster's, and is taken up a moment late."""


def policy() -> list[dict[str, Any]]:
    made = status_policy([])
    (writers,) = made[0]["spec"]["variables"]
    allowed = f"name.matches('{OPERATORS}') || name in ['{RESTORER}', '{ADMIN}']"
    writers["expression"] = f"[request.userInfo.username].filter(name, {allowed})"
    return made


async def guard_statuses(cluster: Cluster) -> None:
    await cluster.apply(policy())


async def unguard_statuses(cluster: Cluster) -> None:
    """As in an installation that left the policy out. The next story has it again."""
    await cluster.delete(BINDING, STATUS_POLICY, check=False)
    await cluster.delete(POLICY, STATUS_POLICY, check=False)
