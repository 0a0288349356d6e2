"""Reasons: waiting for others."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "Waiting for others"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.PARENT_NOT_READY: Explanation(
        means=(
            "The resource that this one refers to is not usable yet, or not any more (deleted in the cloud, or gone)."
        ),
        to_do="Look at the conditions of that resource; `kubectl databases explain` follows the whole chain.",
        example="waits for ManagedDatastore shop/main, which is not created yet",
    ),
    Reason.NOT_TOLD: Explanation(
        means=(
            "The cloud has not told something yet: a host, addresses, a metrics token's value, or a field of the "
            "spec (as a condition of its own); the message names it."
        ),
        example="the API does not tell where to connect",
    ),
    Reason.PARENT_MISSING: Explanation(
        means=(
            "The resource that this one refers to does not exist, or does not allow this namespace. Stalled after "
            "two minutes."
        ),
        who=Who.WRITER,
        to_do="Create that resource, correct the reference, or have this namespace added to its `allowedNamespaces`.",
        example="there is no ManagedDatastore shop/main; one in another namespace is named with datastoreRef.namespace",
    ),
    Reason.PROJECT_MISSING: Explanation(
        means=(
            "There is no `DatabaseProject` of that name, or not exactly one default project. Stalled after two minutes."
        ),
        who=Who.PLATFORM,
        to_do="Create the project, or set `spec.projectRef` ([which project](installing.md#a-project)).",
        example=(
            "no project is named and several are marked default (prod, test): set spec.projectRef, or leave "
            "spec.default on one of them"
        ),
    ),
    Reason.PROJECT_NOT_READY: Explanation(
        means="The operator is still connecting to the project, or the project's credentials are refused.",
        who=Who.PLATFORM,
        to_do="Look at the conditions of the `DatabaseProject`.",
        example="waits for the DatabaseProject prod",
    ),
    Reason.SECRET_MISSING: Explanation(
        means=(
            "The Secret or ConfigMap that the spec names does not exist, or lacks the key. Stalled after two minutes."
        ),
        who=Who.WRITER,
        to_do=(
            "Create it, with the key and the label that the message names. The Secret of a project is in the "
            "operator's namespace."
        ),
        example=(
            "the DatabaseProject prod waits for its Secret managed-databases-system/cloud: create it with the "
            "project's credentials"
        ),
    ),
    Reason.BUSY: Explanation(
        means="The cloud is changing this object or its datastore.",
        example="the API refuses for now: Validation failure: datastore cannot be resized",
    ),
    Reason.RATE_LIMITED: Explanation(
        means=(
            "The API asks to call less often (429); the operator goes on at the time that the API has named. If a "
            "list of the API is refused so, the message says until when."
        ),
        to_do=(
            "Nothing, if it passes. If it does not, lower `CALLS_PER_SECOND` or raise the project's `pollSeconds` "
            "([calls to the API](operating.md#calls-to-the-api))."
        ),
        example="the API asks to call less often",
        alerts=("ManagedDatabasesRateLimited",),
    ),
    Reason.UNREACHABLE: Explanation(
        means="The API does not answer, or its answers are unclear; the operator tries again by itself.",
        to_do=(
            "If it lasts: look at the network between the operator's Pod and the API, and at the provider's status "
            "page."
        ),
        example=(
            "the API at https://api.example/v1 does not answer: check the network and the provider's status page; it "
            "is asked again now and then, and nothing is changed meanwhile"
        ),
        alerts=(
            "ManagedDatabasesCallsFail",
            "ManagedDatabasesCloudNotSeen",
        ),
    ),
    Reason.IN_USE: Explanation(
        means=(
            "A datastore that is to be deleted still has objects in it, or the outcome of an attempt to make one is "
            "not known yet. Resources that only refer to the datastore, and have no object in it, do not hold up its "
            "deletion."
        ),
        who=Who.WRITER,
        to_do="Delete the objects that the message names.",
        example="delete what is in the datastore first: ManagedDatabase shop/orders",
    ),
}
