"""The annotations by which people steer the operator, and the annotations that the operator puts on its Secrets and on owned
resources.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from managed_databases.kinds.registry import GROUP

SYNC_REQUESTED: Final = f"{GROUP}/sync-requested"
FLUX_REQUESTED_AT: Final = "reconcile.fluxcd.io/requestedAt"
ROTATE_PASSWORD: Final = f"{GROUP}/rotate-password"
PAUSED: Final = f"{GROUP}/paused"
FORCE_DELETE: Final = f"{GROUP}/force-delete"
RECREATE: Final = f"{GROUP}/recreate"
APPROVE: Final = f"{GROUP}/approve"
OF_PEOPLE: Final = (APPROVE, FORCE_DELETE, PAUSED, RECREATE, ROTATE_PASSWORD, SYNC_REQUESTED)
"""The annotations by which people steer a resource."""

ALLOW_INSECURE: Final = f"{GROUP}/allow-insecure"
PROJECTS: Final = f"{GROUP}/projects"
"""Both annotations are on a project's credentials Secret: whoever may write that Secret decides to which addresses its content
goes, and for which DatabaseProjects.
"""

OWNER_UID: Final = f"{GROUP}/owner-uid"
OBJECT_ID: Final = f"{GROUP}/object-id"
RETAINED: Final = f"{GROUP}/retained"
OWNED_BY: Final = f"{GROUP}/owned-by"
WRITTEN: Final = f"{GROUP}/written"
"""Names the further keys, labels and annotations of a Secret that the operator has written, and may remove."""
OF_TWO_USERS: Final = f"{GROUP}/of-two-users"
"""Marks the Secret with the own user's password where two take turns: only one with the mark is deleted when they cease to."""
COPY_OF: Final = f"{GROUP}/copy-of"
"""Marks a copy of a credentials Secret, and says of which: namespace/name."""
PASSWORD_CHECK: Final = f"{GROUP}/password-check"
CHECKSUM: Final = f"{GROUP}/checksum"
"""On a credentials Secret: changes with what the operator has written into it. For those who restart workloads by a checksum."""
PASSWORD_GIVEN: Final = f"{GROUP}/password-given"
"""On a pending Secret whose password a person has given with `passwordSecretRef`."""

MAX_TOKEN_LENGTH: Final = 256
"""Characters; `status.lastHandledSyncRequest` and `status.rotation.handledRequest` take no more."""


def sync_request(annotations: Mapping[str, str]) -> str | None:
    """Return the token of a requested sync, by the operator's own annotation or by Flux's; None if no sync is requested.

    A new token is a new request. If both annotations are there, the token is both texts with a space between them, so that
    neither hides a change of the other. A token that is too long for the status is replaced by its digest.
    """
    return _fit(" ".join(filter(None, (annotations.get(SYNC_REQUESTED), annotations.get(FLUX_REQUESTED_AT)))))


def rotation_request(annotations: Mapping[str, str]) -> str | None:
    """Return the token of a requested change of the password; None if none is requested. A new token is a new request."""
    return _fit(annotations.get(ROTATE_PASSWORD, ""))


def _fit(token: str) -> str | None:
    if len(token) > MAX_TOKEN_LENGTH:
        return hashlib.sha256(token.encode()).hexdigest()
    return token or None
