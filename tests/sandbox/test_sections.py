import pytest

from managed_databases.sandbox.sections import SECTIONS, Section
from managed_databases.sandbox.shapes import OBJECTS
from managed_databases.sandbox.spaces import UNIQUE

INSIDE = [each for each in SECTIONS.values() if each.fits is not None]


@pytest.mark.parametrize("section", INSIDE, ids=lambda section: section.name)
def test_no_two_objects_in_a_datastore_are_the_same(section: Section) -> None:
    """A section that is missing in UNIQUE would take a second object where the API refuses it."""
    assert section.name in UNIQUE, f"say in sandbox/spaces.py which fields tell {section.name} apart"
    assert set(UNIQUE[section.name]) <= OBJECTS[section.name]["properties"].keys()


def test_only_sections_that_there_are_have_unique_fields() -> None:
    assert UNIQUE.keys() <= {each.name for each in INSIDE}
