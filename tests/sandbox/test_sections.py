import pytest

from managed_databases.sandbox.sections import SECTIONS, Section


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_no_two_objects_in_a_datastore_are_the_same(section: Section) -> None:
    """A section in datastores without unique fields would take a second object where the API refuses it."""
    assert bool(section.unique) is (section.fits is not None), f"{section.name}: say which fields tell objects apart"
    assert set(section.unique) <= section.shape["properties"].keys()
