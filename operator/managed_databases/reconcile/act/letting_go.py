"""Lets a resource go: first its Secrets, then the resources that it owns, and at last its finalizer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import structlog

from managed_databases.kinds.credentials_spec import CopySpec
from managed_databases.kinds.registry import FINALIZER
from managed_databases.kinds.secret_copies import Place, place_of
from managed_databases.kinds.shared_fields import is_object_name
from managed_databases.kinds.two_users import own_secret
from managed_databases.kinds.verdicts import LetGo
from managed_databases.reconcile.act import desired_secret
from managed_databases.reconcile.act.secret_copy import is_copy, is_let_in
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import FORCE_DELETE
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex
from managed_databases.reconcile.ports import (
    Kube,
    KubeError,
    NotThere,
    Resource,
    ResourceCache,
    ResourceKey,
    SecretContent,
    WriteConflict,
)
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
    writes_copies: Callable[[ResourceKey], bool] = lambda _: False
    """Whether a copy of this resource's Secret may be written at this instant, beside the pass."""

    async def act(self, current: Pass, step: LetGo) -> None:
        """Delete the Secrets, or mark them as retained, and remove the finalizer. With `step.retain` owned resources will leave
        their cloud objects in the cloud, too.

        Raises KubeError; what was done until then stays right.
        """
        if current.kind.credential is not None:
            id_ = current.observed.status.id or current.observed.creation.created_id
            mounted = secret_name(current.kind, current.observed)
            await self._secrets(current.resource, mounted, id_, retain=step.retain)
            if current.observed.is_paired:
                await self._secrets(current.resource, own_secret(mounted), id_, retain=step.retain)
            asked = current.kind.credential.copies(current.observed.spec)
            await self._copies(current.resource, id_, asked, retain=step.retain)
        if step.retain:
            await self._retain_owned(current.resource)
        current.resource = await self._without_finalizer(current.resource)

    async def act_unread(self, resource: Resource) -> None:
        """Let a resource go whose spec or status cannot be read: everything stays in the cloud, and its Secrets are marked as
        retained. Only the status says then how they are called. Raises KubeError.
        """
        if (name := resource.told.binding_name) is not None:
            await self._secrets(resource, name, resource.told.id, retain=True)
            if resource.told.rotation is not None and resource.told.rotation.active is not None:
                await self._secrets(resource, own_secret(name), resource.told.id, retain=True)
        else:
            log.warning(
                "Secrets, if there are any, are left as they are: nothing tells their names", **resource.key._asdict()
            )
        await self._copies(resource, resource.told.id, retain=True)
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
        for each in (name, desired_secret.pending_name(name)):
            place = Place(resource.key.namespace, each)
            await self._secret(resource, place, self.ownership.is_ours, id_, retain=retain)

    async def _copies(
        self, resource: Resource, id_: str | None, asked: Iterable[CopySpec] = (), *, retain: bool
    ) -> None:
        """Delete the copies, or mark them as retained, wherever the status says that there may be one. A status may have been
        lost, so it is also looked where the spec asks for one that is let in. What a namespace does not let in any more is
        deleted in any case.

        Raises WriteConflict while one may be written beside the pass.
        """
        if self.writes_copies(resource.key):
            raise WriteConflict("a copy of the Secret is being written")
        asked_for = (Place(copy.namespace or resource.key.namespace, copy.name) for copy in asked)
        let_in = (place for place in asked_for if is_let_in(self.cache, place, resource))
        for place in dict.fromkeys([*filter(None, map(place_of, resource.told.copies)), *let_in]):
            is_unknown = self.cache.namespace_labels(place.namespace) is None
            stays = retain and (is_unknown or is_let_in(self.cache, place, resource))
            await self._secret(resource, place, partial(is_copy, self.ownership), id_, retain=stays)

    async def _secret(
        self,
        resource: Resource,
        place: Place,
        is_ours: Callable[[Resource, SecretContent], bool],
        id_: str | None,
        *,
        retain: bool,
    ) -> None:
        try:
            secret = await self.kube.read_secret(*place) if is_object_name(place.name) else None
            if secret is None or not is_ours(resource, secret):
                return
            if retain:
                await self.kube.replace_secret(secret, desired_secret.retained(secret, resource, id_))
            else:
                await self.kube.delete_secret(secret)
        except KubeError as error:
            if resource.annotations.get(FORCE_DELETE) != "true":
                raise
            log.warning("a Secret is left as it is", secret=str(place), error=str(error))

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
