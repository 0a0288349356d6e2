"""What the operator may do, derived from what the kinds declare. A rule that nothing needs does not belong here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP

Rules = tuple["AccessRule", ...]


@dataclass(frozen=True)
class AccessRule:
    """One rule of a Role or ClusterRole."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]

    def as_values(self) -> dict[str, Any]:
        return {"apiGroups": [self.group], "resources": list(self.resources), "verbs": list(self.verbs)}


@dataclass(frozen=True)
class Access:
    """The operator's rights, by where they must hold.

    `clusterwide` replaces `in_each_namespace` and `cluster_scoped` when the operator serves the whole cluster;
    `watch_secrets` is optional: without it repairs of Secrets wait for the resync. `own_namespace` holds always.
    """

    in_each_namespace: Rules
    cluster_scoped: Rules
    clusterwide: Rules
    watch_secrets: Rules
    own_namespace: Rules
    project_events: Rules


def access(kinds: Iterable[Kind]) -> Access:
    """Return the least rights with which the operator can serve `kinds`."""
    served = tuple(kinds)
    namespaced = tuple(kind.plural for kind in served if kind.namespaced)
    cluster_scoped = tuple(kind.plural for kind in served if not kind.namespaced)
    secrets = AccessRule("", ("secrets",), ("get", "create", "update", "delete"))
    post_events = AccessRule("", ("events",), ("create", "patch"))
    in_each_namespace = (*_of_resources(namespaced), secrets, post_events)
    of_projects = _of_resources(cluster_scoped, finalized=False)
    return Access(
        in_each_namespace=in_each_namespace,
        cluster_scoped=of_projects,
        clusterwide=(
            *in_each_namespace,
            *of_projects,
            AccessRule("", ("namespaces",), ("get", "list", "watch")),
        ),
        watch_secrets=(AccessRule("", ("secrets",), ("list", "watch")),),
        own_namespace=(
            AccessRule("", ("secrets", "configmaps"), ("get",)),
            AccessRule("coordination.k8s.io", ("leases",), ("get", "create", "update")),
        ),
        project_events=(post_events,),
    )


def roles_for_people(kinds: Iterable[Kind]) -> Mapping[str, Rules]:
    """Return what the built-in roles `view` and `edit` gain: those who edit a namespace edit its databases."""
    plurals = tuple(kind.plural for kind in kinds if kind.namespaced)
    if not plurals:
        return {}
    return {
        "view": (AccessRule(GROUP, plurals, ("get", "list", "watch")),),
        "edit": (AccessRule(GROUP, plurals, ("create", "update", "patch", "delete", "deletecollection")),),
    }


def _of_resources(plurals: tuple[str, ...], *, finalized: bool = True) -> Rules:
    if not plurals:
        return ()
    verbs = ("get", "list", "watch", "patch") if finalized else ("get", "list", "watch")
    return (
        AccessRule(GROUP, plurals, verbs),
        AccessRule(GROUP, tuple(f"{plural}/status" for plural in plurals), ("patch",)),
    )
