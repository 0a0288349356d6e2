"""The annotations by which people steer the operator, and the annotations that the operator puts on its Secrets and on owned
resources.
"""

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
"""Both annotations are on a project's credentials Secret: whoever may write that Secret decides to which addresses its content
goes, and for which DatabaseProjects.
"""

OWNER_UID: Final = f"{GROUP}/owner-uid"
OBJECT_ID: Final = f"{GROUP}/object-id"
RETAINED: Final = f"{GROUP}/retained"
OWNED_BY: Final = f"{GROUP}/owned-by"
PASSWORD_CHECK: Final = f"{GROUP}/password-check"

MAX_TOKEN_LENGTH: Final = 256
"""Characters; `status.lastHandledSyncRequest` takes no more."""


def sync_request(annotations: Mapping[str, str]) -> str | None:
    """Return the token of a requested sync, by the operator's own annotation or by Flux's; None if no sync is requested.

    A new token is a new request. If both annotations are there, the token is both texts with a space between them, so that
    neither hides a change of the other. A token that is too long for the status is replaced by its digest.
    """
    token = " ".join(filter(None, (annotations.get(SYNC_REQUESTED), annotations.get(FLUX_REQUESTED_AT))))
    if len(token) > MAX_TOKEN_LENGTH:
        return hashlib.sha256(token.encode()).hexdigest()
    return token or None
