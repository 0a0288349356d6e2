"""The generated page of the kinds tells what every field means."""

from managed_databases.kinds_page import kinds_page


def test_every_field_has_a_meaning() -> None:
    inside_table, bare, section = False, [], ""
    for line in kinds_page().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if line.startswith("| field |"):
            inside_table = True
        elif not line.startswith("|"):
            inside_table = False
        elif inside_table and not line.startswith("|--") and line.endswith("|  |"):
            bare.append(f"{section}: {line}")
    assert not bare, "give these a Field(description=...)"
