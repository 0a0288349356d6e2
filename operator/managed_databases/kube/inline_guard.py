"""Makes the admission policy that lets people list resources inline in a spec only if they may create these resources.

The operator makes the resources that a spec lists inline (grants, access rules) with its own rights, and gives roles, which let
a user into every database. Without the policy somebody who may only write users could get access that way. The policy asks
the API server whether the same person may create that kind in that namespace.
"""

from collections.abc import Iterable
from typing import Any, Final

from managed_databases.kinds.inline_grants import INLINE
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kube.admission import match_constraints

ASKING: Final = "DatabaseUser"
"""The kind whose spec has the fields of INLINE."""
POLICY: Final = f"inline.{GROUP}"
_GUARDED: Final = {
    **{field: (kind, f"asks for a {kind} for each entry") for field, kind in INLINE.items()},
    "roles": ("DatabaseGrant", "lets the user into every database of the datastore"),
}
"""By field: the kind that whoever sets the field has to be allowed to create, and what the field does."""


def inline_policies(kinds: Iterable[Kind]) -> list[dict[str, Any]]:
    """Return the ValidatingAdmissionPolicy and its binding; nothing without a kind that has such fields."""
    served = {kind.name: kind for kind in kinds}
    if ASKING not in served:
        return []
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "operations": ["CREATE", "UPDATE"],
        "resources": [served[ASKING].plural],
    }
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": match_constraints(rule),
            "validations": [
                _validation(field, served[kind], asks)
                for field, (kind, asks) in sorted(_GUARDED.items())
                if kind in served
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": POLICY},
        "spec": {"policyName": POLICY, "validationActions": ["Deny"]},
    }
    return [policy, binding]


def _validation(field: str, kind: Kind, asks: str) -> dict[str, Any]:
    """Return the validation of one field. It refuses only a change of the field, so that others, and the operator, may change
    the rest of the spec.
    """
    told, before = f"object.spec.{field}", f"oldObject.spec.{field}"
    asks_nothing = f"!has({told}) || {told} == null || size({told}) == 0"
    is_unchanged = f"oldObject != null && has({before}) && {before} == {told}"
    may = (
        f"authorizer.group('{GROUP}').resource('{kind.plural}').namespace(request.namespace).check('create').allowed()"
    )
    return {
        "expression": f"{asks_nothing} || ({is_unchanged}) || {may}",
        "message": f"spec.{field} {asks}, and you may not create {kind.plural}.{GROUP} in "
        "this namespace: whoever may has to apply this, or the field has to stay as it is",
        "reason": "Forbidden",
    }
