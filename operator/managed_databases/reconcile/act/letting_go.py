"""Lets a resource go: first its Secrets, then the resources that it owns, and at last its finalizer."""

from dataclasses import dataclass

import structlog

from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.shared_fields import is_object_name
from managed_databases.kinds.verdicts import LetGo
from managed_databases.reconcile.act import secret_content
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import Kube, KubeError, NotThere, Resource, ResourceCache
from managed_databases.reconcile.report.status import secret_name
from managed_databases.reconcile.stated import RETAIN

log = structlog.get_logger()


@dataclass(frozen=True)
class LettingGo:
    """Carries out the step LetGo."""

    kube: Kube
    cache: ResourceCache
    owners: OwnershipIndex
    ownership: SecretOwnership

    async def act(self, current: Pass, step: LetGo) -> None:
        """Delete the Secrets, or mark them as retained, and remove the finalizer. With `step.retain` owned resources will leave
        their cloud objects in the cloud, too.

        Raises KubeError; what was done until then stays right.
        """
        if current.kind.credential is not None:
            name = secret_name(current.kind, current.observed)
            is_forced = current.observed.annotations.get(FORCE_DELETE) == "true"
            for each in (name, secret_content.pending_name(name)):
                try:
                    await self._secret(current, each, retain=step.retain)
                except KubeError as error:
                    if not is_forced:
                        raise
                    log.warning("a Secret is left as it is", secret=each, error=str(error))
        if step.retain:
            await self._retain_owned(current.resource)
        if current.resource.finalizers:
            left = tuple(finalizer for finalizer in current.resource.finalizers if finalizer != FINALIZER)
            try:
                current.resource = await self.kube.set_finalizers(current.resource, left)
            except NotThere:
                return

    async def _secret(self, current: Pass, name: str, *, retain: bool) -> None:
        secret = await self.kube.read_secret(current.resource.key.namespace, name) if is_object_name(name) else None
        if secret is None or not self.ownership.is_ours(current.resource, secret):
            return
        if retain:
            id_ = current.observed.status.id or current.observed.creation.created_id
            await self.kube.replace_secret(secret, secret_content.retained(secret, current.resource, id_))
        else:
            await self.kube.delete_secret(secret)

    async def _retain_owned(self, owner: Resource) -> None:
        """Give the owned resources the deletionPolicy Retain. Garbage collection deletes them with their owner; their cloud
        objects shall stay as the owner's does.
        """
        for key in self.owners.owned_by(owner.uid):
            owned = self.cache.get(key)
            if owned is not None and not owned.stated.is_retained:
                try:
                    await self.kube.change_spec(owned, RETAIN)
                except NotThere:
                    continue
