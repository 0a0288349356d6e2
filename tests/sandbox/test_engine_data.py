"""The parameters and extensions of the data files are such as an API can offer."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from managed_databases.sandbox.catalogue import CATALOGUE, TYPES, catalogue_id, parameters_of
from managed_databases.sandbox.parameters import DATA, Parameter, document, extensions, parameters

FILES = sorted(path.stem for path in DATA.glob("*.json"))
KINDS = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
LARGEST = 2**64 - 1


@pytest.mark.parametrize("file", FILES)
def test_every_file_says_what_was_asked(file: str) -> None:
    told = document(file)
    assert told["sources"]
    for source in told["sources"]:
        assert all(source[name] for name in ("program", "version", "command"))
    names = [row["name"] for row in told["parameters"]]
    assert names == sorted(set(names))


@pytest.mark.parametrize("file", FILES)
def test_every_parameter_is_typed_and_its_default_is_possible(file: str) -> None:
    assert [wrong for parameter in parameters(file).values() for wrong in _wrong(parameter)] == []


def _wrong(parameter: Parameter) -> Iterator[str]:
    name, kinds = parameter.name, KINDS[parameter.type]
    limits = [limit for limit in (parameter.min, parameter.max) if limit is not None]
    values = [*(parameter.choices or ()), *(parameter.invalid_values or ())]
    values += [parameter.default] if parameter.default is not None else []
    if any(type(value) not in kinds for value in values):
        yield f"{name}: a value is not of its type"
    if any(type(limit) not in kinds for limit in limits) or (limits and parameter.type not in ("int", "float")):
        yield f"{name}: a limit is not of its type"
    if len(limits) == 2 and limits[0] > limits[1]:
        yield f"{name}: nothing is possible"
    if any(isinstance(limit, int) and not -(2**63) <= limit <= LARGEST for limit in limits):
        yield f"{name}: more than 64 bits"
    if parameter.choices is not None and len(set(parameter.choices)) != len(parameter.choices):
        yield f"{name}: a choice twice"
    for ram_mb in (1024, 65536):
        default, most = parameter.default_for(ram_mb), parameter.most_for(ram_mb)
        if isinstance(default, int | float) and not isinstance(default, bool):
            if (parameter.min is not None and default < parameter.min) or (most is not None and default > most):
                yield f"{name}: the default is out of range"
        elif default is not None and parameter.choices is not None and default not in parameter.choices:
            yield f"{name}: the default is no choice"
    if isinstance(parameter.default, str) and str(Path.cwd()) in parameter.default:
        yield f"{name}: the default is of one machine"


def test_every_type_has_its_engine_s_parameters() -> None:
    used = {name for of_type in TYPES for name in parameters_of(of_type)}
    offered = {name for file in FILES for name in parameters(file)}
    assert used == offered
    assert min(len(parameters_of(of_type)) for of_type in TYPES) > 100


@pytest.mark.parametrize("file", [file for file in FILES if file[len("postgresql-") :].isdigit()])
def test_extensions_need_only_what_is_there(file: str) -> None:
    offered = extensions(file)
    assert offered["earthdistance"] == ("cube",)
    assert {name for needs in offered.values() for name in needs} <= offered.keys()
    assert not offered.keys() & {"plpgsql", "plpython3u", "plperlu"}


def test_ids_are_uuids_of_version_5() -> None:
    space = UUID("5d1f7e0a-6f0b-4f4e-9a53-0c8a3f7f5a11")
    for names in (("a",), ("flavor", "b"), *(("configuration-parameter", "t", f"{n}") for n in range(100))):
        assert catalogue_id(*names) == str(uuid5(space, "/".join(names)))


def test_the_page_says_how_much_there_is() -> None:
    page = (Path(__file__).parents[2] / "docs/sandbox.md").read_text()
    told = {}
    for engines, versions, counts in re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) ([\w.,\- ]+) \| (\d+, \d+ \| \d+) \|", page, re.MULTILINE
    ):
        for engine in re.findall(r"\w+", engines):
            for version in versions.split(", "):
                told[engine, version] = counts
    offered = CATALOGUE["available-extensions"].values()
    assert told == {
        (kind.engine.name, kind.version): f"{len(all_)}, {sum(one.is_changeable for one in all_)} | {extensions_}"
        for of_type, kind in TYPES.items()
        for all_ in [parameters_of(of_type).values()]
        for extensions_ in [sum(of_type in row["datastore_type_ids"] for row in offered)]
    }
