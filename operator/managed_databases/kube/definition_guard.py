"""Makes the admission policies that refuse to delete the operator's CustomResourceDefinitions while they have resources.

Whoever deletes a definition deletes all resources of its kind, in every namespace, and no policy for single resources is asked.
The operator lets go of these resources and deletes nothing in the cloud; but people's manifests are lost, and every object has to
be adopted again.

A policy sees one object only. It learns about other objects only from its parameters, and the parameters of a policy on a
cluster-scoped kind cannot be "in any namespace". So the operator writes the kinds in use into each DatabaseProject, which is
cluster-scoped (`status.inUse`), and the projects are the parameters.
"""

from collections.abc import Iterable
from typing import Any, Final

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.admission import match_constraints
from managed_databases.kube.definitions import DEFINITIONS, GROUP_OF_DEFINITIONS, definition_name
from managed_databases.reconcile.annotations import FORCE_DELETE

PROJECT: Final = "DatabaseProject"
_FORCED: Final = (
    f"has(oldObject.metadata.annotations) && '{FORCE_DELETE}' in oldObject.metadata.annotations && "
    f"oldObject.metadata.annotations['{FORCE_DELETE}'] == 'true'"
)
_HOW_TO_FORCE: Final = (
    f'annotate this CustomResourceDefinition {FORCE_DELETE}: "true"; its resources are let go then, and the cloud '
    "keeps what they stand for"
)


def guard_name(what: str) -> str:
    return f"keep-{what}.{GROUP}"


def definition_guards(kinds: Iterable[Kind]) -> list[dict[str, Any]]:
    """Return the policies and bindings for the definitions of `kinds`, and none without a DatabaseProject among them."""
    served = tuple(kinds)
    if PROJECT not in {kind.name for kind in served}:
        return []
    projects = [kind.plural for kind in served if kind.name == PROJECT]
    others = [kind.plural for kind in served if kind.name != PROJECT]
    return [
        *_guard(
            "definitions",
            others,
            "!has(params.status) || !has(params.status.inUse) || "
            "!params.status.inUse.exists(use, oldObject.spec.names.kind in use.kinds)",
            "'there are resources of the kind ' + oldObject.spec.names.kind + ', and Kubernetes would delete them with "
            "it (kubectl get ' + oldObject.spec.names.plural + ' -A): delete them first, with deletionPolicy: Retain for "
            f"what the cloud shall keep; or, without an operator that notices, delete the DatabaseProjects first; or "
            f"{_HOW_TO_FORCE}'",
            "there are resources of this kind, and Kubernetes would delete them with it: delete them first, with "
            "deletionPolicy: Retain for what the cloud shall keep; or, without an operator that notices, delete the "
            f"DatabaseProjects first; or {_HOW_TO_FORCE}",
        ),
        *_guard(
            "projects",
            projects,
            "false",
            "'there is the DatabaseProject ' + params.metadata.name + ': delete all DatabaseProjects first (kubectl "
            f"delete databaseprojects --all); or {_HOW_TO_FORCE}'",
            "there is a DatabaseProject: delete all DatabaseProjects first (kubectl delete databaseprojects --all); or "
            f"{_HOW_TO_FORCE}",
        ),
    ]


def _guard(what: str, plurals: list[str], free: str, says: str, says_shortly: str) -> list[dict[str, Any]]:
    """`free` is the condition, for one project as `params`, under which the definition may go."""
    names = [definition_name(plural) for plural in plurals]
    rule = {
        "apiGroups": [GROUP_OF_DEFINITIONS],
        "apiVersions": ["*"],
        "operations": ["DELETE"],
        "resources": [DEFINITIONS],
        # The empty name is that of a deletion of all definitions at once, which has none.
        "resourceNames": [*names, ""],
    }
    listed = ", ".join(f"'{name}'" for name in names)
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": guard_name(what)},
        "spec": {
            # Without the kind of its parameters a policy fails. When DatabaseProject itself is gone there is nothing to
            # guard any more, and no definition in the cluster may be stuck because of that.
            "failurePolicy": "Ignore",
            "paramKind": {"apiVersion": f"{GROUP}/{VERSION}", "kind": PROJECT},
            "matchConstraints": match_constraints(rule),
            "matchConditions": [
                {"name": "one-of-ours", "expression": f"oldObject.metadata.name in [{listed}]"},
                {"name": "not-yet-being-deleted", "expression": "!has(oldObject.metadata.deletionTimestamp)"},
                {"name": "not-forced", "expression": f"!({_FORCED})"},
            ],
            "validations": [
                {"expression": free, "message": says_shortly, "messageExpression": says, "reason": "Forbidden"}
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": guard_name(what)},
        "spec": {
            "policyName": guard_name(what),
            "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
            "validationActions": ["Deny"],
        },
    }
    return [policy, binding]
