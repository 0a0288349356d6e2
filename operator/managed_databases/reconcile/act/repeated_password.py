"""Masks a password that an answer repeats although neither its request nor the pass had it: the API has kept it."""

from pydantic import SecretStr

from managed_databases.api.errors import ApiError
from managed_databases.api.masking import WITHHELD, Masks
from managed_databases.reconcile.act.desired_secret import UNREAD
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import Kube, KubeError
from managed_databases.reconcile.report.status import password_secret


async def mask_password(kube: Kube, current: Pass, error: ApiError) -> None:
    """Mask in the error the password in the resource's Secret, which a pass at rest does not read. Where the Secret cannot be
    read now, the API's message is withheld.
    """
    credential, view, observed = current.kind.credential, current.observed.credential, current.observed
    if error.status is None:
        return  # nothing was answered: the text is the client's own
    if credential is None or observed.status.id is None or not credential.applies(observed):
        return
    if view is not None and view.password not in (None, UNREAD):
        return  # the client knew it when it read the answer (see `Sender`)
    try:
        secret = await kube.read_secret(current.resource.key.namespace, password_secret(current.kind, observed))
    except KubeError:
        error.message, error.request_id = WITHHELD, None
    else:
        password: SecretStr | None = None if secret is None else secret.data.get(credential.key)
        if password is None:
            return
        masks = Masks([password])
        error.message = masks.apply(error.message)
        error.request_id = None if error.request_id is None else masks.apply(error.request_id)
    error.args = (f"{error.operation}: {error.message}",)
