"""Reasons: what a login by the operator has found."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "What a login by the operator has found"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.PROBING: Explanation(
        means=(
            "All is done, and the operator has not logged in yet ([`spec.probe`](using.md#ready-only-after-a-login))."
        ),
        example="all is done; the operator logs in at main.shop.example:5432 before it says Ready",
    ),
    Reason.NO_CONNECTION: Explanation(
        means="No connection, or what answers is not this engine with TLS.",
        who=Who.PLATFORM,
        to_do=(
            "Look at the datastore's firewall and security groups, at what lets the operator's Pod out "
            "([networkPolicy](installing.md#the-network)), at the name service, and at `ports` of the "
            "`DatabaseProject`."
        ),
        example=(
            "the operator gets no connection to main.shop.example:5432: let its Pod's address into the datastore "
            "(spec.firewall, spec.securityGroups), and let it out of the cluster (the chart's "
            "networkPolicy.databases)"
        ),
        alerts=("ManagedDatabasesLoginsFail",),
    ),
    Reason.TLS_UNTRUSTED: Explanation(
        means=(
            "The certificate is not by the project's CA, has expired, or is for other names; the message says which."
        ),
        who=Who.PLATFORM,
        to_do=(
            "Put the right certificate into the [ConfigMap](installing.md#the-ca-certificate); `openssl s_client "
            "-connect HOST:PORT -starttls postgres -showcerts` shows what the server has."
        ),
        example=(
            "the certificate at main.shop.example:5432 is not to be trusted: put the CA's certificate of this "
            "datastore into the ConfigMap that caCertificate of the DatabaseProject names"
        ),
        alerts=("ManagedDatabasesLoginsFail",),
    ),
    Reason.LOGIN_REFUSED: Explanation(
        means=(
            "The server refuses the password of the credentials Secret, because somebody has changed it elsewhere; "
            "or the login works, and the user may not enter the database."
        ),
        who=Who.WRITER,
        to_do="Empty the Secret's `password`, or give another one; or make a `DatabaseGrant`.",
        example=(
            "the user app logs in at main.shop.example:5432, but may not use the database orders: make a "
            "DatabaseGrant, or look at databaseRef"
        ),
        alerts=("ManagedDatabasesLoginsFail",),
    ),
}
