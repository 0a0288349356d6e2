"""What the condition Ready says of a resource that the operator logs in to by itself."""

from typing import Final

from managed_databases.kinds.keeper_views import ProbeView
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason
from managed_databases.probe import Login, Outcome, ProbeAnswer
from managed_databases.reconcile.statuses.conditions import Saying
from managed_databases.reconcile.told import ToldCondition

REASONS: Final = {
    Outcome.UNREACHABLE: Reason.NO_CONNECTION,
    Outcome.NOT_THE_ENGINE: Reason.NO_CONNECTION,
    Outcome.WRONG_CA: Reason.TLS_UNTRUSTED,
    Outcome.WRONG_NAME: Reason.TLS_UNTRUSTED,
    Outcome.REFUSED: Reason.LOGIN_REFUSED,
    Outcome.NO_RIGHT: Reason.LOGIN_REFUSED,
}
FAILED: Final = frozenset(REASONS.values())


def probed(observed: Observed, before: ToldCondition | None, secret: str | None) -> Saying:
    """Return the condition Ready of an object that is usable as far as the cloud and its Secret say. `before` is the condition as
    it is, `secret` the name of the credentials Secret.

    Without an answer, which is so after a start, the condition stays. One failure is no outage either: what was usable stays so
    until failures have settled.
    """
    usable: Saying = (True, Reason.READY, "usable")
    view = observed.kept.probe
    if view is None or (view.answer is not None and view.answer.is_logged_in):
        return usable
    if before is not None and before.is_true and not view.is_settled:
        return usable
    if view.answer is not None and view.login is not None:
        return False, REASONS[view.answer.outcome], _message(view.login, view.answer, secret)
    if before is not None and before.reason in FAILED:
        return False, Reason(before.reason), before.message
    where = "" if view.login is None else f" at {view.login.address}"
    return False, Reason.PROBING, f"all is done; the operator logs in{where} before it says Ready"


def is_settled(ready: Saying, view: ProbeView | None, stalled: ToldCondition | None) -> bool:
    """Return whether the object is not usable because probes fail, and that is a person's business: this process knows, or an
    earlier one has said so (`stalled`, the condition as it is) and this one has no answer yet.
    """
    if view is None or ready[0] or ready[1] not in FAILED:
        return False
    if view.answer is None:
        return stalled is not None and stalled.is_true and stalled.reason == ready[1]
    return view.is_settled


def _message(login: Login, answer: ProbeAnswer, secret: str | None) -> str:
    where, detail = login.address, f" ({answer.detail})" if answer.detail else ""
    user = f"the user {login.user}"
    match answer.outcome:
        case Outcome.UNREACHABLE:
            return (
                f"the operator gets no connection to {where}{detail}: let its Pod's address into the datastore (spec.firewall, "
                "spec.securityGroups), and let it out of the cluster (the chart's networkPolicy.databases)"
            )
        case Outcome.NOT_THE_ENGINE:
            return (
                f"what answers at {where} is no {login.engine} with TLS{detail}: look what stands between the cluster and the "
                "datastore, and at spec.ports of the DatabaseProject"
            )
        case Outcome.WRONG_CA:
            return (
                f"the certificate at {where} is not to be trusted{detail}: put the CA's certificate of this datastore into the "
                "ConfigMap that caCertificate of the DatabaseProject names"
            )
        case Outcome.WRONG_NAME:
            return (
                f"the certificate at {where} is for other names{detail}: its CA is the right one, but who checks names as well "
                "cannot connect; ask the provider, and look whether something else answers there"
            )
        case Outcome.NO_RIGHT:
            return (
                f"{user} logs in at {where}, but may not use the database {login.database}{detail}: make a DatabaseGrant, or "
                "look at databaseRef"
            )
        case _:
            return (
                f"{where} refuses {user} with the password of the Secret {secret}{detail}: if somebody has changed it in the "
                "cloud, empty the Secret's password, and the operator sets a new one"
            )
