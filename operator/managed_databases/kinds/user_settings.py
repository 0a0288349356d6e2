"""The settings of a database user, such as `conn_limit`: checked and compared as a datastore's configuration is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from managed_databases.api.collections import set_user_settings
from managed_databases.api.models import ConfigurationParameter, UserSettingParameter, UserSettings
from managed_databases.kinds import datastore_configuration as configuration
from managed_databases.kinds.managed_fields import ours
from managed_databases.kinds.observed import SpecRefused, all_of
from managed_databases.kinds.user_offers import known_offers, offers
from managed_databases.kinds.verdicts import Change, Reason, Risk

if TYPE_CHECKING:
    from managed_databases.kinds.database_user import ObservedUser

SETTINGS: Final = "settings"
PREFIX: Final = "settings."
"""What the names of settings begin with in `status.managed`."""
LOGIN: Final = "login"
"""The setting without which a user cannot log in."""
_WORDING: Final = configuration.Wording(SETTINGS, "the API has no such setting", "")


def wanted_settings(observed: "ObservedUser") -> tuple[dict[str, configuration.Value], Sequence[SpecRefused]]:
    """Return the valid settings of the spec, as the API takes them, and a refusal for each invalid one.

    Raises SpecRefused if the API offers no settings.
    """
    settings = observed.spec.settings
    if not settings:
        return {}, ()
    offers(observed, SETTINGS, lambda catalogue: catalogue.user_settings)
    parameters = setting_parameters(observed)
    return configuration.judged(parameters, settings, parameters, wording=_WORDING)


def setting_changes(observed: "ObservedUser", actual: Mapping[str, str]) -> Iterator[Change]:
    """Yield one change of all settings that differ and are valid, then raise SpecRefused for the invalid ones.

    `actual` are the kind's `actual_values`.
    """
    user, parameters = observed.existing, setting_parameters(observed)
    wanted, refusals = wanted_settings(observed)
    managed = {name.removeprefix(PREFIX) for name in ours(observed, actual) if name.startswith(PREFIX)}
    left = managed - set(observed.spec.settings or {})
    differing, removed, told = configuration.revision(parameters, wanted, user.settings, left)
    if differing or removed:
        yield Change(
            Reason.DRIFT if differing else Reason.RESETTING,
            f"settings: {told}",
            set_user_settings(user.id, UserSettings(settings={**differing, **dict.fromkeys(removed)})),
            Risk.RESTART if differing.get(LOGIN) is False else Risk.ONLINE,
            tuple(PREFIX + name for name in removed),
            tuple(PREFIX + name for name in differing),
        )
    if refusals:
        raise all_of(refusals)


def setting_parameters(observed: "ObservedUser") -> configuration.Parameters | None:
    """Return the settings on offer, as configuration parameters; None while they are not read."""
    rows = known_offers(observed, lambda catalogue: catalogue.user_settings)
    return None if rows is None else tuple(_as_parameter(row) for row in rows)


def _as_parameter(row: UserSettingParameter) -> ConfigurationParameter:
    return ConfigurationParameter(
        id=row.id,
        name=row.name,
        type=row.type,
        min=row.min,
        max=row.max,
        choices=row.choices,
        invalid_values=("",) if row.can_be_empty is False else None,
        is_changeable=False if row.is_available_for_customer is False else row.is_changeable,
    )
