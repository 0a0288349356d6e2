"""What the API offers for users besides names and passwords: roles and settings, for engines of the PostgreSQL family.

Only newer clouds have them (docs/api-facts.md, newer than the reference).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from managed_databases.api.models import Role, UserSettingParameter
from managed_databases.kinds.engines import POSTGRESQL, require_family
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.project_view import Catalogue
from managed_databases.kinds.references import datastore_of
from managed_databases.kinds.verdicts import Reason, Stall, Wait

if TYPE_CHECKING:
    from managed_databases.kinds.database_user import ObservedUser

Offer = TypeVar("Offer", Role, UserSettingParameter)


def offers(
    observed: "ObservedUser", field: str, of: Callable[[Catalogue], tuple[Offer, ...] | None]
) -> tuple[Offer, ...]:
    """Return what the API offers for the user's datastore, for the spec's `field`.

    Raises SpecRefused: InvalidSpec for another engine, a wait while the offers are not read, NotSupported if there are none.
    """
    require_family(observed, f"{field}: a user has {field}", POSTGRESQL)
    found = known_offers(observed, of)
    if found is None:
        raise SpecRefused(Wait(Reason.LOOKING, f"{field}: what the API offers {observed.catalogue.not_read_yet}"))
    if not found:
        engine = datastore_of(observed).label
        message = (
            f"{field}: the API offers no {field} for users of {engine}: remove the field; all else of this user works"
        )
        raise SpecRefused(Stall(Reason.NOT_SUPPORTED, message))
    return found


def known_offers(
    observed: "ObservedUser", of: Callable[[Catalogue], tuple[Offer, ...] | None]
) -> tuple[Offer, ...] | None:
    """Return what is known of the offers for the user's datastore; None while they are not read."""
    rows = of(observed.catalogue)
    if rows is None:
        return None
    datastore = datastore_of(observed).object
    type_id = None if datastore is None else datastore.type_id
    return tuple(row for row in rows if type_id is None or row.datastore_type_id in (None, type_id))
