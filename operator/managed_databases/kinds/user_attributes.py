"""What a database user has besides name and password: its roles and its settings, together."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from managed_databases.kinds import datastore_configuration as configuration
from managed_databases.kinds.kind import Conditions
from managed_databases.kinds.managed_fields import digest
from managed_databases.kinds.not_told import ToldField, not_told
from managed_databases.kinds.observed import SpecRefused, all_of
from managed_databases.kinds.user_roles import ROLES, role_changes, role_values, wanted_roles
from managed_databases.kinds.user_settings import PREFIX, SETTINGS, setting_changes, setting_parameters, wanted_settings
from managed_databases.kinds.verdicts import Change, Reason

if TYPE_CHECKING:
    from managed_databases.api.models import User
    from managed_databases.kinds.database_user import ObservedUser
    from managed_databases.kinds.database_user_spec import DatabaseUserSpec

ROLES_TOLD: "ToldField[DatabaseUserSpec, User]" = ToldField(ROLES, lambda spec: spec.roles, lambda told: told.roles)
SETTINGS_TOLD: "ToldField[DatabaseUserSpec, User]" = ToldField(
    SETTINGS, lambda spec: spec.settings, lambda told: told.settings
)


def are_asked_for(observed: "ObservedUser") -> bool:
    """Return whether the spec asks for roles or settings, or has asked for some that may have to be reset."""
    spec, status = observed.spec, observed.status
    return bool(spec.roles or spec.settings or status.managed or status.applying)


def for_creation(observed: "ObservedUser") -> dict[str, object]:
    """Return the roles and settings that the POST carries. Raises SpecRefused for those that are wrong.

    What the API does not have is left out, so that it does not hold up the user.
    """
    sent: dict[str, object] = {}
    refusals: list[SpecRefused] = []
    try:
        if roles := wanted_roles(observed):
            sent["roles"] = tuple(sorted(roles))
    except SpecRefused as refused:
        refusals.append(refused)
    try:
        settings, invalid = wanted_settings(observed)
        refusals += invalid
        if settings:
            sent["settings"] = settings
    except SpecRefused as refused:
        refusals.append(refused)
    if wrong := [refused for refused in refusals if refused.verdict.reason is not Reason.NOT_SUPPORTED]:
        raise all_of(wrong)
    return sent


def changes(observed: "ObservedUser") -> Iterator[Change]:
    """Yield a change for the roles and one for the settings, as far as they differ; at the end raise SpecRefused for what cannot
    be set.
    """
    if observed.spec.roles is None and not are_asked_for(observed):
        return
    actual = actual_values(observed)
    refusals: list[SpecRefused] = []
    for part in (role_changes, setting_changes):
        try:
            yield from part(observed, actual)
        except SpecRefused as refused:
            refusals.append(refused)
    if refusals:
        raise all_of(refusals)


def wanted_values(observed: "ObservedUser") -> Mapping[str, str]:
    """Return digests of the wanted roles and settings. While it is not known what is on offer, what was sent is still wanted."""
    values: dict[str, object] = {}
    with suppress(SpecRefused):
        values |= role_values(observed, wanted_roles(observed) or ())
    with suppress(SpecRefused):
        settings, _ = wanted_settings(observed)
        values |= {PREFIX + name: value for name, value in settings.items()}
    wanted = {name: digest(value) for name, value in values.items()}
    catalogue = observed.catalogue
    is_known = catalogue.roles is not None and catalogue.user_settings is not None
    return wanted if is_known else {**observed.status.applying, **wanted}


def actual_values(observed: "ObservedUser") -> Mapping[str, str]:
    """Return digests of the cloud's roles and settings by the same names."""
    user = observed.external
    if user is None:
        return {}
    values = role_values(observed, user.roles or ())
    settings = configuration.converted_as_told(setting_parameters(observed), user.settings or {})
    values |= {PREFIX + name: value for name, value in settings.items()}
    return {name: digest(value) for name, value in values.items()}


def conditions(observed: "ObservedUser") -> Conditions:
    """Return `NotTold` for what the API offers and does not tell of this user."""
    catalogue = observed.catalogue
    offered = ((ROLES_TOLD, catalogue.roles), (SETTINGS_TOLD, catalogue.user_settings))
    return not_told(observed, tuple(field for field, on_offer in offered if on_offer))
