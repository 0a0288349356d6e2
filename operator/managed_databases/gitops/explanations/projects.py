"""Reasons: of a project."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "Of a project"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.CREDENTIALS_INVALID: Explanation(
        means=(
            "The identity service or the API refuses the credentials, or some credentials are missing. All resources "
            "of the project wait and keep their `Ready`."
        ),
        who=Who.PLATFORM,
        to_do="Put valid credentials into the Secret.",
        example=(
            "the DatabaseProject prod lacks OS_USERNAME, OS_PASSWORD: add it to the Secret "
            "managed-databases-system/cloud"
        ),
        alerts=("ManagedDatabasesCloudNotSeen",),
    ),
    Reason.ADDRESS_REFUSED: Explanation(
        means=(
            "The spec, the catalogue or the Secret would send credentials where [the Secret does not let them "
            "go](installing.md#where-credentials-go). Nothing was sent."
        ),
        who=Who.PLATFORM,
        to_do="Correct or add the key or annotation that the message names.",
        example=(
            "identityURL of the DatabaseProject prod alone is not believed: add OS_AUTH_URL with that address to the "
            "Secret managed-databases-system/cloud, if it is where its credentials belong"
        ),
    ),
    Reason.SNAPSHOT_TOO_LARGE: Explanation(
        means=(
            "A list of the API is over a limit, which the message names ([limits](operating.md#limits-on-answers)). "
            "The operator works on with the last list that it could read."
        ),
        who=Who.PLATFORM,
        to_do="Split the cloud project.",
        example=(
            "the list of topics is too large: more than 100000 rows. What was last seen of it stays; split the cloud "
            "project"
        ),
        alerts=("ManagedDatabasesCloudNotSeen",),
    ),
    Reason.STATUS_UNGUARDED: Explanation(
        means=(
            "A condition of its own, which exists only while it is True: the policy that lets only the operator "
            "write statuses is missing, or is not as shipped. What the project has goes on "
            "being kept."
        ),
        who=Who.PLATFORM,
        to_do="[Apply the policy](installing.md#who-may-write-statuses).",
        example=(
            "there is no ValidatingAdmissionPolicy manageddatabases-status: without it, whoever may write a status "
            "can claim another's object: apply it as docs/installing.md says (Who may write statuses)"
        ),
        alerts=("ManagedDatabasesStatusUnguarded",),
    ),
    Reason.CATALOGUES_INCOMPLETE: Explanation(
        means=(
            "Not every namespace can be told [what it can choose](using.md#what-you-can-choose), or a catalogue that a "
            "namespace may not have any more cannot be deleted: the API server refuses, in its own words. All else works."
        ),
        who=Who.PLATFORM,
        to_do=(
            "Correct the cause in Kubernetes (a quota, an admission policy), or apply the definitions and rights of this "
            "release; the operator tries again by itself."
        ),
        example=(
            "what namespaces can choose is not shown to all of them: the CustomResourceDefinition of DatabaseCatalogue is "
            "missing: apply those of this release"
        ),
    ),
}
