"""The data files of the sandbox's catalogue are made from dumps: samples of real ones, and what has to come out."""

from pathlib import Path

import pytest

from managed_databases.sandbox.parameters import DATA, Parameter, parameters
from tools.engine_catalogue.__main__ import main
from tools.engine_catalogue.known_values import KNOWN, Known, with_known

DUMPS = Path(__file__).with_name("dumps")
EXPECTED = Path(__file__).with_name("expected")


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.json")}


def test_samples_of_real_dumps_give_these_files(tmp_path: Path) -> None:
    assert main([str(DUMPS), "--to", str(tmp_path)]) == 0
    assert texts(tmp_path) == texts(EXPECTED)


def test_a_file_that_differs_is_told_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(DUMPS), "--to", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main([str(DUMPS), "--to", str(tmp_path), "--check"]) == 0
    changed = tmp_path / "redis-7.json"
    changed.write_text("{}")
    assert main([str(DUMPS), "--to", str(tmp_path), "--check"]) == 1
    assert (capsys.readouterr().out, changed.read_text()) == ("redis-7.json differs\n", "{}")


def test_a_dump_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--to", str(tmp_path)]) == 1
    assert "no mysql-" in capsys.readouterr().err
    assert texts(tmp_path) == {}


def test_the_documented_file_is_the_committed_one() -> None:
    assert texts(EXPECTED)["postgresql-timescaledb.json"] == texts(DATA)["postgresql-timescaledb.json"]


def test_what_is_known_wins_and_adds_what_the_programs_lack() -> None:
    dumped = (
        Parameter(name="work_mem", type="int", default=4096, unit="kB", min=64, max=9),
        Parameter(name="x", type="str"),
    )
    known = (Known("work_mem", "C", "why", {"default": 32768}), Known("y", "C", "why", {"type": "bool"}))
    assert with_known(dumped, known) == (
        Parameter(name="work_mem", type="int", default=32768, unit="kB", min=64, max=9),
        Parameter(name="x", type="str"),
        Parameter(name="y", type="bool"),
    )


@pytest.mark.parametrize(("engine", "known"), [(engine, one) for engine, all_ in KNOWN.items() for one in all_])
def test_the_committed_files_have_what_is_known(engine: str, known: Known) -> None:
    assert known.evidence
    versions = [path.stem for path in DATA.glob(f"{engine}-[0-9]*.json")]
    assert versions
    for version in versions:
        parameter = parameters(version)[known.name]
        assert {name: getattr(parameter, name) for name in known.fields} == known.fields
