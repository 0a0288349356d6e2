"""docs/reference/access.md: each right of the operator, why it has it, and what it would be good for in other hands."""

from collections.abc import Iterator
from typing import Final

from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import AccessRule, Rules, access

_INTRODUCTION: Final = """\
# What the operator may do

Generated from `kube/rbac.py`, from which the Roles of the chart and of `deploy/base` are made, too. A test compares it with what
the API server's audit log says that a working operator does: none is missing, and none is there that is not used. What it means
that somebody takes over the Pod is told in [security.md](../security.md#a-compromised-pod).
"""

_PLACES: Final = (
    (
        "clusterwide",
        "In the whole cluster",
        "A ClusterRole; without `watchNamespaces`.",
    ),
    (
        "cluster_scoped",
        "In the whole cluster, when namespaces are named",
        "A ClusterRole, all that is cluster-wide with `watchNamespaces`.",
    ),
    (
        "in_each_namespace",
        "In each named namespace",
        "A Role in each namespace of `watchNamespaces`.",
    ),
    ("own_namespace", "In the operator's namespace", "A Role, always."),
    (
        "own_secrets",
        "In the operator's namespace, when namespaces are named",
        "A Role; also with `rbac.secrets: Bound`.",
    ),
    (
        "clusterwide_but_secrets",
        "In the whole cluster, with `rbac.secrets: Bound`",
        "A ClusterRole, in the place of the first one.",
    ),
    (
        "secrets",
        "Where a RoleBinding says so, with `rbac.secrets: Bound`",
        "A ClusterRole that the chart binds nowhere.",
    ),
    (
        "project_events",
        "In the namespace `default`, when namespaces are named",
        "A Role: Events of cluster-scoped objects are there.",
    ),
    ("watch_secrets", "Wherever Secrets are read", "Unless `rbac.watchSecrets` is false."),
    (
        "restart_workloads",
        "Wherever Secrets are written, for restarts",
        "Only with `rbac.restartWorkloads`, or with `deploy/restart-workloads`; by default nowhere.",
    ),
    (
        "services",
        "Wherever Secrets are written, for Services",
        "Only with `rbac.services`, or with `deploy/services`; by default nowhere.",
    ),
    ("metrics_reviews", "In the whole cluster, for the metrics", "A ClusterRole, with `metrics.authentication`."),
)


def access_page() -> str:
    rights = access(kinds().values())
    parts = [_INTRODUCTION]
    for name, title, note in _PLACES:
        rules: Rules = getattr(rights, name)
        parts += [f"## {title}\n", f"{note}\n", *_table(rules), ""]
    return "\n".join(parts).rstrip() + "\n"


def _table(rules: Rules) -> Iterator[str]:
    yield "| verbs | on | why | in other hands |"
    yield "|---|---|---|---|"
    for rule in rules:
        yield f"| {', '.join(rule.verbs)} | {_what(rule)} | {rule.why} | {rule.misuse} |"


def _what(rule: AccessRule) -> str:
    resources = ", ".join(f"`{each}`" for each in rule.resources)
    of = f" of {rule.group}" if rule.group else ""
    if len(rule.names) == 1:
        return f"{resources}{of}, `{rule.names[0]}` only"
    return f"{resources}{of}{', of our kinds only' if rule.names else ''}"
