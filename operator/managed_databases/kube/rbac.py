"""Makes the operator's RBAC rules from the kinds. A rule that nothing needs does not belong here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from managed_databases.kinds.database_catalogue import CATALOGUE
from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, cloud_kinds
from managed_databases.kube import workloads
from managed_databases.kube.account_policies import STATUS_POLICY
from managed_databases.kube.definitions import DEFINITIONS, GROUP_OF_DEFINITIONS, definition_name
from managed_databases.reconcile.observe.seal_key import KEY_SECRET

Rules = tuple["AccessRule", ...]


@dataclass(frozen=True)
class AccessRule:
    """One rule of a Role or ClusterRole. With `names` the rule is for objects with these names only.

    `why` says what the operator does with the right, `misuse` what somebody could do with it who has taken over the operator's
    Pod; both texts are for docs/reference/access.md.
    """

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    why: str = ""
    misuse: str = ""

    def as_values(self) -> dict[str, Any]:
        named = {"resourceNames": list(self.names)} if self.names else {}
        return {"apiGroups": [self.group], "resources": list(self.resources), **named, "verbs": list(self.verbs)}


@dataclass(frozen=True)
class Access:
    """The operator's rights, by where they must hold.

    Serving the whole cluster takes `clusterwide` and `own_namespace`. Serving named namespaces takes `cluster_scoped`,
    `in_each_namespace` in each of them, `own_namespace` and `own_secrets` in the operator's, `project_events` in
    `default`. Serving the whole cluster, but Secrets only where somebody says so, takes `clusterwide_but_secrets`,
    `own_namespace`, `own_secrets`, and `secrets` where they may be read. `watch_secrets` goes wherever Secrets are read; it is
    optional: without it their repair waits for the relist. `restart_workloads` and `services` go wherever Secrets are written,
    for `rolloutRestart` and `service` alone, and only where somebody says so. `metrics_reviews`, cluster-scoped, is needed only
    where Kubernetes says who may read the metrics.
    """

    clusterwide: Rules
    clusterwide_but_secrets: Rules
    secrets: Rules
    cluster_scoped: Rules
    in_each_namespace: Rules
    own_namespace: Rules
    own_secrets: Rules
    project_events: Rules
    watch_secrets: Rules
    metrics_reviews: Rules
    restart_workloads: Rules
    services: Rules


def access(kinds: Iterable[Kind]) -> Access:
    """Return the least rights with which the operator can serve `kinds`."""
    served = tuple(kinds)
    owned = {name for kind in cloud_kinds({kind.name: kind for kind in served}).values() for name in kind.owned_kinds}
    post_events = (
        AccessRule(
            "events.k8s.io",
            ("events",),
            ("create",),
            why="tells people what it did and could not do (`kubectl describe`)",
            misuse="false Events, in the name of anything",
        ),
    )
    # An owner may be set on an own Secret without a right on the owner, because blockOwnerDeletion is not asked for;
    # where OwnerReferencesPermissionEnforcement is on, it takes the right to delete the Secret.
    in_each_namespace_but_secrets = (
        *_of_resources(
            (kind.plural for kind in served if kind.namespaced),
            ("list", "watch", "patch"),
            why="reads what people want; puts its finalizer there, takes it off again, and marks what it made itself",
            misuse="specs could be changed, protection lifted, finalizers dropped: what the cloud has then stays behind",
        ),
        *(
            AccessRule(
                GROUP,
                (kind.plural,),
                ("create", "delete"),
                why="makes and removes what people write inside of another resource (`databases`, `access` of a user)",
                misuse="rights of users in their databases could be added or taken",
            )
            for kind in served
            if kind.name in owned
        ),
        *(
            (
                AccessRule(
                    GROUP,
                    (CATALOGUE.plural,),
                    ("list", "create", "patch", "delete"),
                    why="keeps in each namespace that a project lets in what that namespace can choose there",
                    misuse="tells people of engines and sizes that there are not",
                ),
            )
            if PROJECT.name in {kind.name for kind in served}
            else ()
        ),
        *post_events,
    )
    secrets = (
        AccessRule(
            "",
            ("secrets",),
            ("get", "create", "patch", "delete"),
            why="writes the credentials of each user and their copies, reads given passwords, and removes its Secrets with their "
            "resource",
            misuse="reads every Secret whose name it knows or guesses, wherever this rule holds; changes those of the operator, "
            "and without the policy on its Secrets all",
        ),
    )
    in_each_namespace = (*in_each_namespace_but_secrets, *secrets)
    namespaces = AccessRule(
        "",
        ("namespaces",),
        ("list", "watch"),
        why="knows the labels by which a project allows namespaces, and a namespace lets in copies of Secrets",
        misuse="reads names and labels of all namespaces",
    )
    # Only the definition itself tells whether a resource is being deleted by somebody or with all of its kind; the latter
    # must not delete anything in the cloud. By name, and no more than to read: whoever may change one may change everything.
    definitions = AccessRule(
        GROUP_OF_DEFINITIONS,
        (DEFINITIONS,),
        ("get",),
        tuple(definition_name(kind.plural) for kind in served),
        why="sees whether one resource is being deleted, or all of its kind with their CRD: then the cloud keeps everything",
        misuse="nothing that is not public",
    )
    # A policy lets the operator do what it lets it do, so only its text tells whether it is there for the others. These two by
    # name, and no more than to read.
    status_guard = AccessRule(
        "admissionregistration.k8s.io",
        ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
        ("get",),
        (STATUS_POLICY,),
        why="sees whether the policy on statuses is in place, and says so when it is not",
        misuse="nothing that is not public",
    )
    cluster_scoped = (
        *_of_resources(
            (kind.plural for kind in served if not kind.namespaced),
            ("list", "watch"),
            why="knows the projects, and which namespaces they allow",
            misuse="reads addresses of projects, and names of Secrets and namespaces",
        ),
        *((definitions, status_guard) if served else ()),
    )
    return Access(
        clusterwide=(*cluster_scoped, *in_each_namespace, namespaces),
        clusterwide_but_secrets=(*cluster_scoped, *in_each_namespace_but_secrets, namespaces),
        secrets=secrets,
        cluster_scoped=cluster_scoped,
        in_each_namespace=in_each_namespace,
        own_namespace=(
            AccessRule(
                "",
                ("configmaps",),
                ("get",),
                why="reads the provider's certificate (`caCertificate`)",
                misuse="reads the ConfigMaps of the operator's namespace",
            ),
            AccessRule(
                "",
                ("secrets",),
                ("create",),
                why="makes its key once, with which it proves whose objects are; a creation cannot be limited to a name",
                misuse="makes Secrets in the operator's namespace, of the kinds that the policy on its Secrets lets it",
            ),
            AccessRule(
                "",
                ("secrets",),
                ("get", "patch"),
                (KEY_SECRET,),
                why="reads that key, and puts its Secret right",
                misuse="forges whose objects are",
            ),
            AccessRule(
                "coordination.k8s.io",
                ("leases",),
                ("get", "create", "update"),
                why="one replica leads, by a Lease",
                misuse="another replica could be kept from leading",
            ),
        ),
        own_secrets=(
            AccessRule(
                "",
                ("secrets",),
                ("get",),
                why="reads the credentials of projects",
                misuse="reads the credentials of all projects: whoever has them has what is in these cloud projects",
            ),
        ),
        project_events=post_events,
        watch_secrets=(
            AccessRule(
                "",
                ("secrets",),
                ("list", "watch"),
                why="sees at once, not within ten minutes, that a Secret was edited or deleted (`rbac.watchSecrets`)",
                misuse="reads every Secret, without knowing its name, wherever this rule holds",
            ),
        ),
        metrics_reviews=(
            AccessRule(
                "authentication.k8s.io",
                ("tokenreviews",),
                ("create",),
                why="asks whose token it is that wants to read the metrics (`metrics.authentication`)",
                misuse="learns whose token one is that it has already",
            ),
            AccessRule(
                "authorization.k8s.io",
                ("subjectaccessreviews",),
                ("create",),
                why="asks whether they may read the metrics",
                misuse="learns who may do what in the cluster",
            ),
        ),
        restart_workloads=(
            AccessRule(
                workloads.GROUP,
                tuple(workloads.PLURALS.values()),
                ("get", "list", "patch"),
                why="restarts the workloads of `rolloutRestart` after a change of their login (`rbac.restartWorkloads`)",
                misuse="runs any image, with any account and Secret of a namespace, wherever this rule holds: RBAC limits no "
                "patch to one annotation",
            ),
        ),
        services=(
            AccessRule(
                "",
                ("services",),
                ("get", "list", "watch", "create", "patch", "delete"),
                why="keeps the Services of `service`, and sees at once that somebody edits or deletes one (`rbac.services`)",
                misuse="lets any name of a Service lead to other Pods or hosts, and deletes Services, wherever this rule holds",
            ),
        ),
    )


def roles_for_people(kinds: Iterable[Kind]) -> Mapping[str, Rules]:
    """Return the rules that the built-in roles `view` and `edit` gain: those who may edit a namespace may edit its databases."""
    served = tuple(kind for kind in kinds if kind.namespaced)
    if not served:
        return {"view": (), "edit": ()}
    plurals = tuple(kind.plural for kind in served)
    read = (*plurals, CATALOGUE.plural)
    scales = tuple(f"{kind.plural}/scale" for kind in served if kind.scale is not None)
    changing = ("create", "update", "patch", "delete", "deletecollection")
    return {
        "view": (
            AccessRule(GROUP, read, ("get", "list", "watch")),
            *((AccessRule(GROUP, scales, ("get",)),) if scales else ()),
        ),
        "edit": (
            AccessRule(GROUP, plurals, changing),
            *((AccessRule(GROUP, scales, ("update", "patch")),) if scales else ()),
        ),
    }


def _of_resources(plurals: Iterable[str], verbs: tuple[str, ...], why: str, misuse: str) -> Rules:
    served = tuple(plurals)
    if not served:
        return ()
    return (
        AccessRule(GROUP, served, verbs, why=why, misuse=misuse),
        AccessRule(
            GROUP,
            tuple(f"{plural}/status" for plural in served),
            ("patch",),
            why="tells what became of it, and writes down what is about to be made before it is",
            misuse="could say what is not so: which object in the cloud is whose, and of which kinds there are resources",
        ),
    )
