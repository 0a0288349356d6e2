"""Reasons: a person must act: an object, a password or a limit."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "A person must act: an object, a password or a limit"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.AMBIGUOUS: Explanation(
        means="Several objects could be the one that was made or is to be adopted.",
        who=Who.CLOUD,
        to_do="Rename or delete all but one of the listed ids in the cloud, after a look at what is in them.",
        example=(
            "there are several objects under this name, so none is adopted: rename or delete all but one of them in the cloud "
            "(0e4b1d3b-2722-430f-9ece-79c3d7dcd23d, d1401076-5f02-455b-a59f-e651b20e7831)"
        ),
    ),
    Reason.DUPLICATE_SUSPECTED: Explanation(
        means=(
            "Another object of the same name exists, and no resource holds it; or several attempts to create have "
            "shown nothing."
        ),
        who=Who.CLOUD,
        to_do=(
            "[Find out who made the other one](operating.md#duplicatesuspected), and delete it in the cloud if "
            "nobody needs it."
        ),
        example=(
            "the cloud also has d1401076-5f02-455b-a59f-e651b20e7831 under this name, which no resource holds: "
            "delete it there if nobody needs it"
        ),
    ),
    Reason.GONE: Explanation(
        means=(
            "The object vanished from the cloud, as the API itself has confirmed. What has no data is made again by "
            "the operator."
        ),
        who=Who.WRITER,
        to_do=(
            "Restore the object in the cloud and adopt it, or ask for an empty one by the annotation of the message "
            "([how](operating.md#gone))."
        ),
        example=(
            "0e4b1d3b-2722-430f-9ece-79c3d7dcd23d is gone from the cloud with its data: restore it there and adopt "
            "it, or make an empty one with the annotation manageddatabases.io/recreate: "
            "0e4b1d3b-2722-430f-9ece-79c3d7dcd23d"
        ),
    ),
    Reason.PROTECTED: Explanation(
        means="Somebody deleted the resource, and the resource is protected.",
        who=Who.WRITER,
        to_do=(
            "Set `deletionProtection: false` to delete the object in the cloud, too, or `deletionPolicy: Retain` to "
            "keep it there."
        ),
        example=(
            "protected: set spec.deletionProtection: false to delete it together with what it holds in the cloud, or "
            "spec.deletionPolicy: Retain to let go of it and keep that"
        ),
    ),
    Reason.PROJECT_CHANGED: Explanation(
        means="Credentials or spec of the project now mean another project or region.",
        who=Who.PLATFORM,
        to_do=(
            "Put the old ones back; for another project or region make another `DatabaseProject` "
            "([more](operating.md#projectchanged))."
        ),
        example=(
            "the resources of the DatabaseProject prod are in region region-1, its spec says region-2: put that "
            "back; for another region make another DatabaseProject"
        ),
    ),
    Reason.SECRET_CONFLICT: Explanation(
        means=(
            "Something else has a Secret of the name that this resource needs. If it is the name `SECRET-pending` of "
            "a change of password, `Ready` and the old password stay."
        ),
        who=Who.WRITER,
        to_do="Name another Secret in the spec, or remove that Secret.",
        example=(
            "the Secret app-credentials is not this resource's: name another in the spec, or remove that Secret if "
            "nobody needs it. If it was left behind with the cloud object that this resource is for (by a resource "
            "that was restored or made again), spec.adoption: IfExists takes both over"
        ),
    ),
    Reason.PENDING_TOO_LONG: Explanation(
        means=(
            "The cloud has been at work on the object for more than an hour, or accepts its deletion again and again "
            "and does not delete it; or the cloud has been deleting another object of the same name for more than an "
            "hour."
        ),
        who=Who.CLOUD,
        to_do=(
            "Look in the cloud's console, or ask the provider's support with the id; the resource goes on by itself "
            "once the cloud is ready. For a new object you can also choose another name."
        ),
        example=(
            "the cloud has been at work on 0e4b1d3b-2722-430f-9ece-79c3d7dcd23d (PENDING_UPDATE) for longer than it "
            "should take: look there, or ask the provider's support with this id; all goes on by itself once it has "
            "ended"
        ),
    ),
    Reason.PASSWORD_UNKNOWN: Explanation(
        means="The password of an adopted user or Redis is not known, because the API never tells one.",
        who=Who.WRITER,
        to_do="Give the password by `passwordSecretRef`, or set `onUnknownPassword: Reset`.",
        example=(
            "the API never tells a password: give it with passwordSecretRef, or set onUnknownPassword to Reset to "
            "have a new one set"
        ),
    ),
    Reason.PASSWORD_RESET: Explanation(
        means="Posted as an Event: the Secret had no usable password, so the operator set a new one.",
        who=Who.WRITER,
        to_do=(
            "Restart applications that do not read the Secret again by themselves "
            "([more](operating.md#a-secret-was-lost-or-set-back))."
        ),
        example="the Secret has no usable password: the operator sets a new one",
    ),
    Reason.APPROVAL_NEEDED: Explanation(
        means="A change interrupts the users of the database, and needs your approval.",
        who=Who.WRITER,
        to_do="Set the annotation that the message shows ([approvals](using.md#approve-what-interrupts)).",
        example=(
            "as changePolicy is Approve: the flavor becomes 4 vCPU (restart). Annotate manageddatabases.io/approve: "
            "1a2b3c4d to let it happen"
        ),
    ),
    Reason.DRIFT_FIGHT: Explanation(
        means=(
            "The operator needed the same correction three times in ten minutes (something else changes the same "
            "field, or the API accepts the change and does not make it); or an object that the operator made again "
            "was gone again three times in an hour."
        ),
        who=Who.PLATFORM,
        to_do="Find who else changes the object; or leave the field out, or set `driftPolicy: Report`.",
        example=(
            "datastores.firewall was needed 3 times in ten minutes: something else changes the same, the API accepts "
            "it and does not do it, or its lists are old; the operator stops correcting for a while"
        ),
    ),
    Reason.QUOTA_EXCEEDED: Explanation(
        means="The project's quota does not have room for the object.",
        who=Who.PLATFORM,
        to_do="Free some quota, or have the quota raised ([what is left](using.md#what-you-can-choose)).",
        example="needs 8 vCPU, the project has 2 of 24 left: have the quota raised, free some of it, or ask for less",
    ),
    Reason.GUARD_NEEDED: Explanation(
        means="The firewall was removed from the spec while the datastore has public addresses.",
        who=Who.WRITER,
        to_do="Say `firewall: []`, or give the addresses up.",
        example=(
            "the firewall left the spec, but it guards public addresses (203.0.113.7), so it stays as it is: say "
            "firewall: [] if it shall really be emptied, or give the addresses up with floatingIPs"
        ),
    ),
    Reason.NOT_SUPPORTED: Explanation(
        means=(
            "This API does not offer what a field asks for, such as roles or settings of users. When the cloud is "
            "brought up to date, the operator finds that out with the next reading of the catalogue."
        ),
        who=Who.WRITER,
        to_do="Remove the field; all else of the resource works.",
        example=(
            "roles: the API offers no roles for users of mysql_native: remove the field; all else of this user works"
        ),
    ),
    Reason.REFUSED: Explanation(
        means="The API refuses for a reason of its own.",
        who=Who.WRITER,
        to_do="Read the message; the operator tries again every 10 min.",
        example="the API refuses: Validation failure: datastore cannot be resized",
    ),
    Reason.KUBERNETES_REFUSES: Explanation(
        means=(
            "The API server refuses a write or a read of the operator: a quota on Secrets, an admission policy, a "
            "webhook that says no or does not answer, an immutable Secret, a missing permission. The message has the "
            "API server's own words."
        ),
        who=Who.PLATFORM,
        to_do=(
            "Correct the cause in Kubernetes, or apply the definitions and rights of this release. The operator "
            "tries again with growing pauses, at most ten minutes, and at once when the spec or the Secret changes."
        ),
        example=(
            "Kubernetes refuses to write the Secret app-credentials: exceeded quota: secrets. Mend that there (a "
            "quota, an admission policy, an immutable Secret, the operator's permissions); it is tried again by "
            "itself, and at once on a change of the spec or the Secret"
        ),
        alerts=("ManagedDatabasesPassesFail",),
    ),
    Reason.OPERATOR_DEFECT: Explanation(
        means="A defect of the operator: nothing is done for this resource, all else goes on.",
        who=Who.PLATFORM,
        to_do="Look in the operator's log for the line with the `incident` of the message, and report it.",
        example=(
            "a defect of the operator (KeyError): nothing is done for this resource until it is gone. The operator's "
            "log has the details in the line with incident=4f1c; please report it. It is tried again by itself"
        ),
        alerts=("ManagedDatabasesDefect",),
    ),
}
