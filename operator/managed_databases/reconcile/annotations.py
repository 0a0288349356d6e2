"""The annotations by which people steer the operator, and those it puts on its Secrets."""

import hashlib
from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.registry import GROUP

SYNC_REQUESTED: Final = f"{GROUP}/sync-requested"
FLUX_REQUESTED_AT: Final = "reconcile.fluxcd.io/requestedAt"
PAUSED: Final = f"{GROUP}/paused"
FORCE_DELETE: Final = f"{GROUP}/force-delete"
RECREATE: Final = f"{GROUP}/recreate"
APPROVE: Final = f"{GROUP}/approve"

ALLOW_INSECURE: Final = f"{GROUP}/allow-insecure"
PROJECTS: Final = f"{GROUP}/projects"
"""Both on a project's credentials Secret: whoever writes that decides where its content goes, and for whom."""

OWNER_UID: Final = f"{GROUP}/owner-uid"
OBJECT_ID: Final = f"{GROUP}/object-id"
RETAINED: Final = f"{GROUP}/retained"
OWNED_BY: Final = f"{GROUP}/owned-by"
PASSWORD_CHECK: Final = f"{GROUP}/password-check"

MAX_TOKEN_LENGTH: Final = 256
"""As `status.lastHandledSyncRequest` takes it."""


def sync_request(annotations: Mapping[str, str]) -> str | None:
    """The token of a requested sync, ours or Flux's; a new token is a new request.

    With both annotations it is both, with a space between them: neither may hide a change of the other. A text that
    is too long to be echoed is replaced by its digest.
    """
    token = " ".join(filter(None, (annotations.get(SYNC_REQUESTED), annotations.get(FLUX_REQUESTED_AT))))
    if len(token) > MAX_TOKEN_LENGTH:
        return hashlib.sha256(token.encode()).hexdigest()
    return token or None
