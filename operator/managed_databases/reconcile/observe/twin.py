"""Looks at the second user, where two take turns, and at the resources that name the first one."""

from dataclasses import dataclass, replace

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.turns_view import Naming, TwinView
from managed_databases.kinds.two_users import TWIN, TWIN_KIND, twin_name, wanted_token
from managed_databases.reconcile.annotations import PAUSED, ROTATE_PASSWORD
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.observe.owned import trouble
from managed_databases.reconcile.observe.ownership_index import OwnershipIndex, owner_of
from managed_databases.reconcile.observe.seals import Seals
from managed_databases.reconcile.ports import Resource, ResourceCache, ResourceKey
from managed_databases.reconcile.scheduling import dependencies as dependency


@dataclass(frozen=True)
class TwinLook:
    cache: ResourceCache
    owners: OwnershipIndex
    seals: Seals

    def seen(self, current: PassInProject) -> Observed:
        """Return what is observed, with the second user and with the grants, access rules and databases that name the first one.
        What this depends on is noted in the pass.
        """
        observed = current.observed
        name = current.kind.twin(observed)
        if name is None:
            return observed
        me = current.resource
        current.dependencies.add(dependency.naming(*me.key))
        key = ResourceKey(me.key.kind, me.key.namespace, name)
        twin = self.cache.get(key)
        current.dependencies.add(dependency.resource(*key))
        view = self._view(twin) if twin is not None and owner_of(twin) == me.uid else None
        return replace(observed, pair=replace(observed.pair, twin=view, naming=tuple(self._naming(current))))

    def led(self, current: Pass) -> Observed:
        """Return what is observed of a second user, as far as the first one leads it, while that is there and stays: it is paused
        together with the first one, its password changes only for a turn, and its login is not taken away while it is in use.
        """
        me, observed = current.resource, current.observed
        if me.key.kind != TWIN_KIND or (uid := owner_of(me)) is None:
            return observed
        key = ResourceKey(me.key.kind, me.key.namespace, me.key.name.removesuffix("-twin"))
        current.dependencies.add(dependency.resource(*key))
        owner = self.cache.get(key)
        if owner is None or owner.uid != uid or owner.deleting_since is not None or twin_name(key.name) != me.key.name:
            return observed
        annotations, told = {**observed.annotations}, owner.told.rotation or Rotated()
        if owner.annotations.get(PAUSED) == "true":
            annotations[PAUSED] = "true"
        if annotations.get(ROTATE_PASSWORD) != wanted_token(told, TWIN):
            annotations.pop(ROTATE_PASSWORD, None)
        used_by = str(key) if TWIN in (told.active, told.turning_to) else None
        return replace(observed, annotations=annotations, pair=replace(observed.pair, used_by=used_by))

    def _naming(self, current: PassInProject) -> list[Naming]:
        me, found = current.resource, []
        for key in sorted(self.owners.naming(me.key)):
            resource = self.cache.get(key)
            if resource is None or resource.deleting_since is not None or owner_of(resource) == me.uid:
                continue
            is_owned = resource.stated.reference("ownerRef").name == me.key.name
            if is_owned or resource.stated.reference("userRef").name == me.key.name:
                found.append(Naming(key.kind, key.name, resource.spec))
        return found

    def _view(self, twin: Resource) -> TwinView:
        """Return what the status says, as far as the operator has written it for this very resource."""
        told, ready = twin.told, twin.told.condition("Ready")
        is_proven = self.seals.proof(twin).holds
        rotation, identity = told.rotation, told.identity
        in_doubt = bool(told.raw.get("passwordUnconfirmed")) or not told.id
        return TwinView(
            name=twin.key.name,
            uid=twin.uid,
            user=identity.key[-1] if is_proven and identity is not None and told.id else None,
            requested=twin.annotations.get(ROTATE_PASSWORD),
            handled=None if rotation is None else rotation.handled_request,
            password_check=None if in_doubt or not is_proven else told.raw.get("passwordCheck"),
            is_ready=is_proven and ready is not None and ready.is_true,
            trouble=trouble(twin),
            is_going=twin.deleting_since is not None,
        )
