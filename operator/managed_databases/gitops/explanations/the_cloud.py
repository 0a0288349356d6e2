"""Reasons: the cloud object's own state."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "The cloud object's own state"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.ERROR: Explanation(
        means="The cloud says ERROR. The operator does not create the object again.",
        who=Who.CLOUD,
        to_do="Look in the cloud's console what happened; delete the resource to start anew.",
        example=(
            "the cloud says ERROR for 0e4b1d3b-2722-430f-9ece-79c3d7dcd23d: look in the cloud's console what "
            "happened; the operator does not create it again"
        ),
    ),
    Reason.DEGRADED: Explanation(
        means="The datastore serves, but with fewer nodes than it should have.",
        example="the cloud says DEGRADED: it serves, with less than all its nodes",
    ),
    Reason.DISK_FULL: Explanation(
        means="The disk of the datastore is full; most engines accept no writes then.",
        who=Who.WRITER,
        to_do="Delete data, or raise the disk's size ([resize](using.md#resize)).",
        example="the disk is full: delete data, or raise the disk's size",
        alerts=("ManagedDatabasesDiskFillsUp",),
    ),
    Reason.DOWN: Explanation(
        means="The cloud says DOWN.",
        who=Who.CLOUD,
        to_do="Look in the cloud's console what happened.",
        example="the cloud says DOWN: look in the cloud's console what happened",
    ),
    Reason.MAINTENANCE: Explanation(
        means="The provider is at work; short interruptions are possible.",
        example="the provider is at work on the datastore: short interruptions are possible",
    ),
    Reason.FLOATING_IP_ON_OTHER_ROLE: Explanation(
        means="A role has moved to another node, so a public address is on another role than the spec asks for.",
        who=Who.WRITER,
        to_do="Change `floatingIPs` to move the address, or leave it where it is.",
        example=(
            "the master has no public address: a node has changed its role or has lost its address, and addresses "
            "are not moved by themselves. Connect to where they are now; or have them made anew by taking "
            "spec.floatingIPs away and putting it back, which gives up the present ones"
        ),
    ),
    Reason.CREDENTIALS_INCOMPLETE: Explanation(
        means=(
            "The login is in the Secret, but not all that `spec.credentials` asks for; the message names what is "
            "left out."
        ),
        who=Who.WRITER,
        to_do=(
            "Correct `spec.credentials` ([what is left out](secrets.md#what-is-left-out-and-what-belongs-to-others))."
        ),
        example="the template of URL: somebody else has written the key URL into the Secret, and it stays",
    ),
    Reason.RESTARTING: Explanation(
        means=(
            "The login in the Secret has changed, and the [workloads](using.md#have-the-workloads-restarted) are "
            "restarted one after the other; the message names the one that is rolled out."
        ),
        example=(
            "the login in the Secret has changed; Deployment web is restarted for it, and the others follow one "
            "after the other"
        ),
    ),
    Reason.RESTART_INCOMPLETE: Explanation(
        means=(
            "A workload of `rolloutRestart` does not exist, does not use the Secret, was not rolled out within ten "
            "minutes, or may not be restarted; the message says which, and what the API server says. A missing right "
            "is looked for every ten minutes."
        ),
        who=Who.WRITER,
        to_do="Correct `rolloutRestart`, give the operator the right, or restart the workload yourself.",
        example="rolloutRestart: there is no Deployment web",
    ),
    Reason.SERVICE_INCOMPLETE: Explanation(
        means=(
            "A [Service](using.md#a-service-for-a-datastore) that `service` asks for is not there: its name belongs "
            "to another Service, its host is an IP address, somebody changes it again and again, or the operator may "
            "not write it; the message says which. It is looked at again every ten minutes. "
            "The datastore itself serves, and `Ready` does not change."
        ),
        who=Who.WRITER,
        to_do="Say another `service.name`, give the operator the right, or take `service` out of the spec.",
        example=(
            "the Service orders-db is not this resource's, and stays as it is: say another service.name, or remove "
            "that Service"
        ),
    ),
    Reason.ODD_ANNOTATION: Explanation(
        means=(
            "An annotation of the resource begins with `manageddatabases.io/` and has no effect: its name or its value "
            "is mistyped, it approves nothing that waits, it names no object that is gone, or it asks for another password of "
            "what has none that the operator changes. The condition goes with the annotation."
        ),
        who=Who.WRITER,
        to_do="Correct the annotation as the message says, or remove it.",
        example="the annotation manageddatabases.io/pause has no effect: did you mean manageddatabases.io/paused?",
    ),
    Reason.COPY_REFUSED: Explanation(
        means=(
            "A [copy](secrets.md#copies) of the credentials Secret is not as the spec asks for: the other namespace "
            "does not let it in, a Secret of others has its name, somebody changes it again and again, or the "
            "operator may not write it; the message says which. The Secret itself is right, and `Ready` does not "
            "change."
        ),
        who=Who.PLATFORM,
        to_do=(
            "Label the other namespace as the message says, or take the copy out of the spec. A label counts at "
            "once, all else is looked at again within ten minutes, and sooner after a first refusal of Kubernetes."
        ),
        example=(
            "the copy web/app-credentials: Kubernetes refuses it in the namespace web; the operator's log says why"
        ),
    ),
    Reason.COPY_INCOMPLETE: Explanation(
        means="A copy has the login, but not all that the spec asks for; the message names what is left out.",
        who=Who.WRITER,
        to_do="Correct the spec of that copy.",
        example="the copy web/app-credentials: the template of URL: the further keys have more than 65536 bytes",
    ),
}
