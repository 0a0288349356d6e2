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
            id_ = current.observed.status.id or current.observed.creation.created_id
            await self._secrets(current.resource, secret_name(current.kind, current.observed), id_, retain=step.retain)
        if step.retain:
            await self._retain_owned(current.resource)
        current.resource = await self._without_finalizer(current.resource)

    async def act_unread(self, resource: Resource) -> None:
        """Let a resource go whose spec or status cannot be read: everything stays in the cloud, and its Secrets are marked as
        retained. Only the status says then how they are called. Raises KubeError.
        """
        if (name := resource.told.binding_name) is not None:
            await self._secrets(resource, name, resource.told.id, retain=True)
        else:
            log.warning(
                "Secrets, if there are any, are left as they are: nothing tells their names", **resource.key._asdict()
            )
        await self._retain_owned(resource)
        await self._without_finalizer(resource)

    async def _without_finalizer(self, resource: Resource) -> Resource:
        """Remove the operator's finalizer; return the resource as it is then."""
        if not resource.finalizers:
            return resource
        left = tuple(finalizer for finalizer in resource.finalizers if finalizer != FINALIZER)
        try:
            return await self.kube.set_finalizers(resource, left)
        except NotThere:
            return resource

    async def _secrets(self, resource: Resource, name: str, id_: str | None, *, retain: bool) -> None:
        is_forced = resource.annotations.get(FORCE_DELETE) == "true"
        for each in (name, secret_content.pending_name(name)):
            try:
                await self._secret(resource, each, id_, retain=retain)
            except KubeError as error:
                if not is_forced:
                    raise
                log.warning("a Secret is left as it is", secret=each, error=str(error))

    async def _secret(self, resource: Resource, name: str, id_: str | None, *, retain: bool) -> None:
        secret = await self.kube.read_secret(resource.key.namespace, name) if is_object_name(name) else None
        if secret is None or not self.ownership.is_ours(resource, secret):
            return
        if retain:
            await self.kube.replace_secret(secret, secret_content.retained(secret, resource, id_))
        else:
            await self.kube.delete_secret(secret)

    async def _retain_owned(self, owner: Resource) -> None:
        """Give the owned resources the deletionPolicy Retain. Garbage collection deletes them with their owner; their cloud
        objects shall stay as the owner's does.
        """
        for key in self.owners.owned_by(owner):
            owned = self.cache.get(key)
            if owned is not None and not owned.stated.is_retained:
                try:
                    await self.kube.change_spec(owned, RETAIN)
                except NotThere:
                    continue
