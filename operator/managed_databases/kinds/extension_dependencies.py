"""Which extensions of a catalogue must be in a database first.

Public sources contradict one another about `dependency_ids`: they are the extensions that one needs, or those that need it. Pairs
that are the same in every PostgreSQL tell how a catalogue means it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from managed_databases.api.models import AvailableExtension

_NEEDS: Final = frozenset(
    {
        ("earthdistance", "cube"),
        ("hstore_plperl", "hstore"),
        ("ltree_plpython3u", "ltree"),
        ("pgrouting", "postgis"),
        ("postgis_raster", "postgis"),
        ("postgis_sfcgal", "postgis"),
        ("postgis_tiger_geocoder", "postgis"),
        ("postgis_tiger_geocoder", "fuzzystrmatch"),
        ("postgis_topology", "postgis"),
        ("timescaledb_toolkit", "timescaledb"),
        ("vectorscale", "vector"),
    }
)
"""An extension, and one that it needs (`requires` in the extensions' control files)."""


@dataclass(frozen=True)
class Dependencies:
    """The ids of the extensions that have to do with one. `are_sure`: it needs all of them; else each of them is one that it
    needs, or one that needs it.
    """

    ids: tuple[str, ...]
    are_sure: bool


def dependencies(all_: Iterable[AvailableExtension], one: AvailableExtension) -> Dependencies:
    """Return what an extension needs, or may need."""
    offered = list(all_)
    listed = one.dependency_ids or ()
    listing = tuple(other.id for other in offered if one.id in (other.dependency_ids or ()))
    match _lists_needs(offered):
        case True:
            return Dependencies(listed, are_sure=True)
        case False:
            return Dependencies(listing, are_sure=True)
        case None:
            return Dependencies(tuple(dict.fromkeys((*listed, *listing))), are_sure=False)


def _lists_needs(offered: list[AvailableExtension]) -> bool | None:
    """Return whether the catalogue lists under an extension what it needs; False if it lists what needs it, None if no pair in it
    is known, or if pairs contradict one another.
    """
    names = {each.id: each.name for each in offered}
    pairs = {(each.name, names.get(id_)) for each in offered for id_ in each.dependency_ids or ()}
    as_needs, as_needed = bool(pairs & _NEEDS), bool({(other, name) for name, other in pairs} & _NEEDS)
    return None if as_needs == as_needed else as_needs
