"""The roles of a database user: names in the spec, ids in the API."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from managed_databases.api.collections import set_user_roles
from managed_databases.api.models import UserRoles
from managed_databases.kinds.datastore_catalogue import SHOWN, invalid
from managed_databases.kinds.managed_fields import ours
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.references import datastore_of
from managed_databases.kinds.user_offers import known_offers, offers
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall

if TYPE_CHECKING:
    from managed_databases.kinds.database_user import ObservedUser

ROLES: Final = "roles"
PREFIX: Final = "roles."
"""What the names of roles begin with in `status.managed`. Each role is known by itself: only given ones are taken back."""


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

    Taking a role away interrupts those who use it. Once the field has left the spec, the user loses the roles that the operator
    has given, and keeps those of other hands.
    """
    user = observed.existing
    if observed.spec.roles is None:
        yield from _taken_back(observed, user.roles or (), actual)
        return
    wanted, names = wanted_roles(observed) or {}, _names(observed)
    if user.roles is None or set(user.roles) == set(wanted):
        return
    lost = [names[id_] for id_ in user.roles if id_ not in wanted and id_ in names]
    yield Change(
        Reason.DRIFT,
        f"the roles become {', '.join(sorted(wanted.values())) or 'none'}",
        set_user_roles(user.id, UserRoles(roles=tuple(sorted(wanted)))),
        Risk.ONLINE if set(user.roles) <= set(wanted) else Risk.RESTART,
        unmanages=tuple(PREFIX + name for name in sorted(lost)),
        manages=tuple(PREFIX + name for id_, name in sorted(wanted.items()) if id_ not in user.roles),
    )


def _taken_back(observed: "ObservedUser", has: Sequence[str], actual: Mapping[str, str]) -> Iterator[Change]:
    given = {name.removeprefix(PREFIX) for name in ours(observed, actual) if name.startswith(PREFIX)}
    names = _names(observed)
    lost = {id_: names[id_] for id_ in has if names.get(id_) in given}
    if not lost:
        return
    left = tuple(sorted(set(has) - lost.keys()))
    message = f"roles left the spec: the user loses {', '.join(sorted(lost.values()))}"
    unmanages = tuple(PREFIX + name for name in sorted(given))
    call = set_user_roles(observed.existing.id, UserRoles(roles=left))
    yield Change(Reason.RESETTING, message, call, Risk.RESTART, unmanages=unmanages)


def role_values(observed: "ObservedUser", ids: Iterable[str]) -> dict[str, object]:
    """Return what `status.managed` and `status.applying` say of these roles: their ids by `roles.NAME`."""
    names = _names(observed)
    return {PREFIX + names[id_]: id_ for id_ in ids if id_ in names}


def _names(observed: "ObservedUser") -> dict[str, str]:
    """Return the names of the roles on offer by their ids; nothing while they are not read."""
    return {role.id: role.name for role in known_offers(observed, lambda catalogue: catalogue.roles) or ()}
