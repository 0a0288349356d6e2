"""Makes the two admission policies that name accounts: who may write statuses, and what the operator may do to Secrets.

They are not among the definitions that all installations share: each way to install fills in the accounts.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from managed_databases.kinds.registry import GROUP
from managed_databases.kube.admission import match_constraints
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.observe.seal_key import KEY_SECRET, KEY_SECRET_TYPE
from managed_databases.reconcile.ports import MANAGED_LABEL

API: Final = "admissionregistration.k8s.io/v1"
POLICY: Final = "ValidatingAdmissionPolicy"
BINDING: Final = "ValidatingAdmissionPolicyBinding"
STATUS_POLICY: Final = f"guard-status.{GROUP}"
"""The name of the policy on statuses. There is one for the whole cluster: with several, each would have to name every writer."""
WRITERS: Final = "writers"
"""The policy's variable with the list of user names in CEL, which people change to let another account write statuses."""

SECRETS_POLICY: Final = f"limit-operator-secrets.{GROUP}"
"""In `deploy/base`. Each installation has its own: it is about its account alone."""

_ONLY_WRITERS: Final = (
    f"only the operator, and whom the policy {STATUS_POLICY} names, may write the status of these resources: it says which "
    "object in the cloud is whose"
)


def service_account(namespace: str, name: str) -> str:
    """Return the user name of a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name}"


def status_policy_spec() -> dict[str, Any]:
    """Return the policy's spec but for its variable `writers`.

    A status that comes with a creation, or with an update of the resource itself, is dropped by the API server.
    """
    rule = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["*/status"]}
    return {
        "failurePolicy": "Fail",
        "matchConstraints": match_constraints(rule),
        "validations": [
            {
                "expression": f"request.userInfo.username in variables.{WRITERS}",
                "message": _ONLY_WRITERS,
                "messageExpression": f"'{_ONLY_WRITERS}; ' + request.userInfo.username + ' is none of them'",
                "reason": "Forbidden",
            }
        ],
    }


def status_policy(writers: Iterable[str]) -> list[dict[str, Any]]:
    """Return the policy that lets only these users write the status of our kinds, and its binding."""
    variables = [{"name": WRITERS, "expression": orjson.dumps(list(writers)).decode()}]
    return policy_and_binding(STATUS_POLICY, {"variables": variables, **status_policy_spec()})


def secrets_policy_spec() -> dict[str, Any]:
    """Return the spec of the policy on the operator's Secrets, but for the condition that names its account.

    Without it, whoever has the operator's account can have a token of any service account made, as a Secret of that type, and
    change what is in any Secret. An own Secret is known by what the operator has put on it; one whose annotations somebody has
    taken away by its owner (see `reconcile/act/secret_ownership.py`).
    """
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["secrets"],
    }
    annotated = "has(oldObject.metadata.annotations) && ({})".format(
        " || ".join(f"'{name}' in oldObject.metadata.annotations" for name in (OWNER_UID, PASSWORD_CHECK))
    )
    owned = (
        "has(oldObject.metadata.ownerReferences) && oldObject.metadata.ownerReferences.exists(owner, "
        f"owner.apiVersion.startsWith('{GROUP}/'))"
    )
    return {
        "failurePolicy": "Fail",
        "matchConstraints": match_constraints(rule),
        "variables": [
            {
                "name": "keepsKey",
                "expression": f"request.operation != 'DELETE' && object.metadata.name == '{KEY_SECRET}' && "
                "request.namespace == request.userInfo.username.split(':')[2]",
            },
        ],
        "validations": [
            _forbids(
                f"request.operation == 'DELETE' || (variables.keepsKey ? object.type == '{KEY_SECRET_TYPE}' : "
                "(object.type == 'Opaque' || object.type.startsWith('servicebinding.io/')) && "
                f"has(object.metadata.annotations) && '{OWNER_UID}' in object.metadata.annotations) && "
                f"has(object.metadata.labels) && '{MANAGED_LABEL}' in object.metadata.labels && "
                f"object.metadata.labels['{MANAGED_LABEL}'] == 'true'",
                "the operator makes only Secrets of its own: with its label and its owner, of the type Opaque or "
                "servicebinding.io/...",
            ),
            _forbids(
                f"request.operation == 'CREATE' || variables.keepsKey || {annotated} || {owned}",
                "the operator changes and deletes only Secrets that it has made",
            ),
        ],
    }


def account_condition(account: str) -> dict[str, str]:
    return {"name": "the-operator", "expression": f"request.userInfo.username == {orjson.dumps(account).decode()}"}


def secrets_policy(name: str, account: str) -> list[dict[str, Any]]:
    """Return the policy that limits what this account may do to Secrets, and its binding."""
    return policy_and_binding(name, {"matchConditions": [account_condition(account)], **secrets_policy_spec()})


def _forbids(expression: str, message: str) -> dict[str, str]:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def policy_and_binding(name: str, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"apiVersion": API, "kind": POLICY, "metadata": {"name": name}, "spec": dict(spec)},
        {
            "apiVersion": API,
            "kind": BINDING,
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
