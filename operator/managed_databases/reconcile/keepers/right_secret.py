"""The credentials Secret, once a pass has found that it opens the object."""

from dataclasses import replace
from typing import Final, NamedTuple

from managed_databases.kinds.observed import Observed
from managed_databases.reconcile.observe.current_pass import Pass, PassInProject
from managed_databases.reconcile.ports import ResourceCache
from managed_databases.reconcile.report.status import secret_name

_SERVES: Final = ("ACTIVE", "DEGRADED", None)


class RightSecret(NamedTuple):
    name: str
    key: str
    """The key of the password in it."""
    version: str | None
    """The resourceVersion that was found right: what another one holds was not looked at."""


def serves(current: Pass) -> bool:
    """Return whether the cloud has the object, for this resource, and says that it can be used."""
    observed = current.observed
    return (
        isinstance(current, PassInProject)
        and observed.external is not None
        and observed.external.status in _SERVES
        and observed.presence.holder is None
    )


def as_mounted(observed: Observed) -> Observed:
    """Return what was observed, with the user whose login the credentials Secret has."""
    turns = None if observed.credential is None else observed.credential.turns
    return observed if turns is None else replace(observed, pair=replace(observed.pair, login_as=turns.user))


def right_secret(current: Pass, cache: ResourceCache) -> RightSecret | None:
    """Return the credentials Secret; None if there is none, or if the pass has not found that its password is the cloud's."""
    credential, view = current.kind.credential, current.observed.credential
    if credential is not None and view is not None and view.turns is not None:
        if not view.turns.opens or not view.turns.is_mounted:
            return None
        return RightSecret(secret_name(current.kind, current.observed), credential.key, view.turns.version)
    if credential is None or view is None or view.password is None:
        return None
    if view.pending is not None or view.problem is not None or view.outdated:
        return None
    if current.observed.is_password_in_doubt and not view.confirmed:
        return None
    name = secret_name(current.kind, current.observed)
    version = view.versions[0] or cache.secret_version(current.resource.key.namespace, name)
    return RightSecret(name, credential.key, version)


def next_secret(current: Pass) -> RightSecret | None:
    """Return the Secret of the user that has a new password, and whose turn is next; None if there is none whose password is
    known to be the cloud's.
    """
    credential, view, told = current.kind.credential, current.observed.credential, current.observed.status.rotation
    turns = None if view is None else view.turns
    if credential is None or turns is None or told is None or turns.source is None:
        return None
    is_next = told.turning_to == turns.leads_to and turns.opens
    return RightSecret(turns.source[0], credential.key, turns.source[1]) if is_next else None
