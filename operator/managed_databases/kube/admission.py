"""Makes the admission policies that refuse to delete protected resources.

Kubernetes cannot take a deletion back, so the policies refuse it before it begins: of one resource, of a collection, and of a
namespace (whose controller then waits). The finalizer is the second line, because the deletion of a CRD asks no policy.

Only a resource with the operator's finalizer is protected. Without the finalizer nothing in the cloud would be deleted: either
the operator has begun nothing yet, or `managed-databases release` has let the resource go. A resource with the annotation
force-delete is not protected either.
"""

from typing import Any

from managed_databases.kinds.kind import CloudKind, Kind
from managed_databases.kinds.protection import WAYS_OUT, WAYS_OUT_INSIDE
from managed_databases.kinds.registry import FINALIZER, GROUP, VERSION
from managed_databases.reconcile.annotations import FORCE_DELETE


def policy_name(kind: Kind) -> str:
    return f"protect-{kind.plural}.{GROUP}"


def match_constraints(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the constraints of a policy with one rule, and with all defaults that the API server would fill in.

    The constraints have one field manager as a whole: without the defaults each apply would change them, and a server-side apply
    after a client-side apply would be a conflict.
    """
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [rule | {"scope": "*"}],
    }


def admission_policies(kind: Kind) -> list[dict[str, Any]]:
    """Return the ValidatingAdmissionPolicy of a kind and its binding; nothing for a kind without `protection`.

    One policy for each kind, so that the API server checks the expression against the right schema.
    """
    if not kind.protection:
        return []
    ways_out = f"is protected: {_ways_out(kind)}"
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy_name(kind)},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": match_constraints(
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": [VERSION],
                        "operations": ["DELETE"],
                        "resources": [kind.plural],
                    }
                ),
                "matchConditions": [
                    {
                        "name": "not-yet-being-deleted",
                        "expression": "!has(oldObject.metadata.deletionTimestamp)",
                    },
                    {
                        "name": "held-by-the-operator",
                        "expression": "has(oldObject.metadata.finalizers) && "
                        f"'{FINALIZER}' in oldObject.metadata.finalizers",
                    },
                    {
                        "name": "not-let-go",
                        "expression": "!has(oldObject.metadata.annotations) || "
                        f"!('{FORCE_DELETE}' in oldObject.metadata.annotations) || "
                        f"oldObject.metadata.annotations['{FORCE_DELETE}'] != 'true'",
                    },
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


def _ways_out(kind: Kind) -> str:
    is_inside = isinstance(kind, CloudKind) and kind.is_inside
    return WAYS_OUT_INSIDE if is_inside else WAYS_OUT
