"""Makes the admission policies that refuse to delete protected resources.

A delete cannot be taken back in Kubernetes, so it is refused before it begins: single, of a collection, and that of a
namespace (whose controller then waits). The finalizer stays the second line, because deleting a CRD asks no policy.
"""

from typing import Any

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION


def policy_name(kind: Kind) -> str:
    return f"protect-{kind.plural}.{GROUP}"


def admission_policies(kind: Kind) -> list[dict[str, Any]]:
    """Return the ValidatingAdmissionPolicy of a kind and its binding; nothing for a kind without `protection`.

    One policy for each kind, so that the API server checks the expression against the right schema.
    """
    if not kind.protection:
        return []
    ways_out = (
        "is protected: set spec.deletionProtection: false to delete it together with what it holds in the cloud, "
        "or spec.deletionPolicy: Retain to let go of it and keep that"
    )
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy_name(kind)},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [GROUP],
                            "apiVersions": [VERSION],
                            "operations": ["DELETE"],
                            "resources": [kind.plural],
                        }
                    ]
                },
                "matchConditions": [
                    {
                        "name": "not-yet-being-deleted",
                        "expression": "!has(oldObject.metadata.deletionTimestamp)",
                    }
                ],
                "validations": [
                    {
                        "expression": f"!({kind.protection})",
                        "message": f"this {kind.name} {ways_out}",
                        "messageExpression": f"'{kind.name} ' + oldObject.metadata.name + ' {ways_out}'",
                        "reason": "Forbidden",
                    }
                ],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": policy_name(kind)},
            "spec": {"policyName": policy_name(kind), "validationActions": ["Deny"]},
        },
    ]
