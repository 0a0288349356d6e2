"""The roles of a database user: names in the spec, ids in the API."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from managed_databases.api.collections import set_user_roles
from managed_databases.api.models import UserRoles
from managed_databases.kinds.datastore_catalogue import SHOWN, invalid
from managed_databases.kinds.managed_fields import is_ours
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.references import datastore_of
from managed_databases.kinds.user_offers import offers
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall

if TYPE_CHECKING:
    from managed_databases.kinds.database_user import ObservedUser

ROLES: Final = "roles"
"""The name of the field in the spec, and in `status.managed`."""


def wanted_roles(observed: "ObservedUser") -> dict[str, str] | None:
    """Return the names of the wanted roles by their ids; None if the spec leaves them alone.

    Raises SpecRefused if the API offers no roles or none of that name, or if a guest may not have one.
    """
    names = observed.spec.roles
    if names is None:
        return None
    if not names:
        return {}
    offered = {role.name: role.id for role in offers(observed, ROLES, lambda catalogue: catalogue.roles)}
    if unknown := [name for name in names if name not in offered]:
        near = ", ".join(nearest(unknown[0], offered, most=SHOWN, cutoff=0))
        raise invalid(f"roles: the API offers no role {', '.join(unknown)}; on offer: {near}")
    rights = datastore_of(observed).guest
    if rights is not None and (refused := sorted(set(names) - set(rights.roles))):
        owner = datastore_of(observed).label
        why = f"{owner} lets users of {observed.namespace} have no role {', '.join(refused)}: see roles in its spec.guestRights"
        raise SpecRefused(Stall(Reason.FORBIDDEN, why))
    return {offered[name]: name for name in names}


def role_changes(observed: "ObservedUser", actual: Mapping[str, str]) -> Iterator[Change]:
    """Yield the change of the roles, if they differ; `actual` are the kind's `actual_values`. Raises SpecRefused.

    Taking a role away interrupts those who use it.
    """
    user = observed.existing
    if observed.spec.roles is None:
        if is_ours(observed, actual, ROLES):
            call = set_user_roles(user.id, UserRoles(roles=()))
            message = "roles left the spec: the user has none any more"
            yield Change(Reason.RESETTING, message, call, Risk.RESTART, unmanages=(ROLES,))
        return
    wanted = wanted_roles(observed)
    if wanted is None or user.roles is None or set(user.roles) == set(wanted):
        return
    message = f"the roles become {', '.join(sorted(wanted.values())) or 'none'}"
    risk = Risk.ONLINE if set(user.roles) <= set(wanted) else Risk.RESTART
    call = set_user_roles(user.id, UserRoles(roles=tuple(sorted(wanted))))
    yield Change(Reason.DRIFT, message, call, risk, manages=(ROLES,))
