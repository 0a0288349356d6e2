"""Decides whose a Secret is. What the operator wrote into the Secret proves that; a status alone never does."""

from collections.abc import Callable, Container
from dataclasses import dataclass

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.act.given_passwords import is_text, usable
from managed_databases.reconcile.annotations import OBJECT_ID, OWNER_UID, PASSWORD_CHECK, RETAINED
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.ports import Resource, SecretContent


@dataclass(frozen=True)
class SecretOwnership:
    """Decides whose a Secret is. `living_uids` returns the uids of all resources that exist."""

    living_uids: Callable[[], Container[str]]
    checks: PasswordChecks

    def is_ours(self, resource: Resource, secret: SecretContent) -> bool:
        """Return whether the Secret is the resource's: by the annotation, or, if somebody has removed the annotation, by the
        ownerReference or by the check of the password.
        """
        owner = secret.annotations.get(OWNER_UID)
        if owner is not None:
            return owner == resource.uid
        check, values = secret.annotations.get(PASSWORD_CHECK), secret.data.values()
        return resource.uid in secret.owner_uids or any(
            self.checks.judge(check, resource.uid, value) for value in values if is_text(value)
        )

    def problem(self, resource: Resource, secret: SecretContent | None, observed: Observed, key: str) -> Stall | None:
        """Return the stall for a Secret that has the resource's name for it and is not the resource's; None if the Secret is the
        resource's, or may be taken over. Another's Secret is never touched.

        A retained Secret goes with its cloud object. A Secret that an earlier resource has left behind, as after a restore that
        gave all resources other uids, may be taken over if the spec wants to adopt, and if the check of the password under
        `key` proves that an operator wrote the Secret for an owner that does not exist any more.
        """
        if secret is None or self.is_ours(resource, secret):
            return None
        ids = {observed.status.id, *(namesake.id for namesake in observed.same_key.namesakes)}
        kept_for = secret.annotations.get(OBJECT_ID) if secret.annotations.get(RETAINED) == "true" else None
        if kept_for is not None and kept_for in ids:
            return None
        if kept_for is None and self._is_left_behind(secret, key) and observed.spec.adoption != "Never":
            return None
        # The same text, whatever that Secret is: somebody who may write resources may not be allowed to read Secrets.
        return Stall(
            Reason.SECRET_CONFLICT,
            f"the Secret {secret.name} is not this resource's: name another in the spec, or remove that Secret if nobody "
            "needs it. If it was left behind with the cloud object that this resource is for (by a resource that was restored "
            "or made again), spec.adoption: IfExists takes both over",
        )

    def _is_left_behind(self, secret: SecretContent, key: str) -> bool:
        owner, check = secret.annotations.get(OWNER_UID), secret.annotations.get(PASSWORD_CHECK)
        password = usable(secret.data.get(key))
        if owner is None or check is None or password is None:
            return False
        return self.checks.judge(check, owner, password) is True and owner not in self.living_uids()
