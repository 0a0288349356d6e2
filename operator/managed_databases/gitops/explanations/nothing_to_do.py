"""Reasons: at rest or under way: nothing to do."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "At rest or under way: nothing to do"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.READY: Explanation(
        means="The resource is usable; for a project: the API answers.",
        example="usable",
    ),
    Reason.IN_SYNC: Explanation(
        means="The cloud matches the spec.",
        example="the cloud matches the spec",
    ),
    Reason.ABSENT: Explanation(
        means="The cloud has no such object yet: the operator creates it next.",
        example="no such object in the cloud yet",
    ),
    Reason.CREATING: Explanation(
        means="The operator creates the object.",
        example="created",
    ),
    Reason.DRIFT: Explanation(
        means=(
            "The object differs from the spec, and the operator changes it; with `driftPolicy: Report` it only tells "
            "the difference."
        ),
        to_do=(
            "Nothing, unless you wanted what is in the cloud: then write it into the spec. With `Report` decide "
            "which of the two is right ([drift](using.md#when-others-change-the-cloud-too))."
        ),
        example="backups are kept 14 days instead of 7",
    ),
    Reason.FOUND: Explanation(
        means=(
            "A creation whose answer was lost has worked: the operator has found its object, and the resource holds it."
        ),
        example="new since the attempt to create, and held by no resource",
    ),
    Reason.ADOPTED: Explanation(
        means="The resource has taken over an existing object.",
        example="taken over as it is",
    ),
    Reason.LOOKING: Explanation(
        means=(
            "The operator asks the cloud before it decides: at the first list, after an unclear answer, or after a "
            "creation that may have worked. After a creation whose answer was lost this takes up to call limit + "
            "margin (60 s)."
        ),
        to_do="Nothing. If it lasts for hours, the API's rows may be unreadable ([odd rows](operating.md#odd-rows)).",
        example="0e4b1d3b-2722-430f-9ece-79c3d7dcd23d is not in the list: the operator asks for it by its id",
        alerts=("ManagedDatabasesOddRows",),
    ),
    Reason.PENDING: Explanation(
        means="The cloud is at work, or has accepted a change and does not show it yet.",
        example="the cloud is at work (PENDING_CREATE)",
    ),
    Reason.RENAMING: Explanation(
        means="The object gets its new name.",
        example="the name orders-old becomes orders",
    ),
    Reason.RESETTING: Explanation(
        means="A field has left the spec and gets the cloud's default, once.",
        example="the pooler left the spec: it gets its defaults",
    ),
    Reason.ROTATING: Explanation(
        means="A new password is on its way to the cloud and into the Secret.",
        to_do=(
            "Nothing for the resource. Applications that do not read the Secret again by themselves must be "
            "[restarted](using.md#have-the-workloads-restarted)."
        ),
        example="the cloud has the new password: the Secret gets it",
        alerts=("ManagedDatabasesPasswordOverdue",),
    ),
    Reason.DELETING: Explanation(
        means=(
            "The object is being deleted, alone or together with its datastore; the message tells if it is soon "
            "deleted by itself, because something holds up the deletion of the datastore."
        ),
        example="the API has accepted the deletion, and still shows the object",
    ),
    Reason.RELEASED: Explanation(
        means="The operator removes its finalizer; the message says what stays in the cloud.",
        example="the cloud object and its Secret stay",
    ),
    Reason.PAUSED: Explanation(
        means=(
            "The annotation `manageddatabases.io/paused` is `true`. While there is nothing to do, the conditions are "
            "as at rest. If the pause holds back a step, `Stalled` is True and the message names the step."
        ),
        who=Who.WRITER,
        to_do="Remove the annotation to go on.",
        example=(
            "manageddatabases.io/paused is true; remove that annotation to let this happen: backups are kept 14 days "
            "instead of 7"
        ),
    ),
}
