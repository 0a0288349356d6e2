"""`managed-databases crds` on folders of its own, and on this checkout."""

import json
from pathlib import Path

import pytest
import typer
import yaml

from managed_databases.crds_command import crds
from managed_databases.kinds.database_catalogue import CATALOGUE
from managed_databases.kinds.registry import kinds
from managed_databases.kube.generated_files import CHART, DEPLOY, MARK
from managed_databases.kube.projects_chart import VALUES_SCHEMA

TOP = Path(__file__).parents[2]


def files_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_this_checkout_is_as_the_kinds_say() -> None:
    crds(check=True, directory=TOP / "crds")


def test_what_is_written_passes_the_check(tmp_path: Path) -> None:
    crds(directory=tmp_path / "crds")
    crds(check=True, directory=tmp_path / "crds")
    assert {f"{kind.plural}.yaml" for kind in kinds().values()} <= files_in(tmp_path / "crds")
    assert files_in(tmp_path) == {"crds"}, "outside of a checkout only the CRDs are written"


def test_the_kustomization_names_every_manifest(tmp_path: Path) -> None:
    crds(directory=tmp_path / "crds")
    kustomization = yaml.safe_load((tmp_path / "crds" / "Kustomization").read_text())
    assert set(kustomization["resources"]) == files_in(tmp_path / "crds") - {"Kustomization", "schemas"}


def test_a_stale_file_is_named_with_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crds(directory=tmp_path / "crds")
    stale = tmp_path / "crds" / "databaseprojects.yaml"
    stale.write_text("changed by hand")
    with pytest.raises(typer.Exit) as raised:
        crds(check=True, directory=tmp_path / "crds")
    assert raised.value.exit_code == 1
    assert f"{stale}: not what the kinds say; run `make fix`" in capsys.readouterr().err
    assert stale.read_text() == "changed by hand"


def test_a_schema_that_no_kind_has_is_removed(tmp_path: Path) -> None:
    crds(directory=tmp_path / "crds")
    surplus = tmp_path / "crds/schemas/mongodatabase_v1alpha1.json"
    surplus.write_text("{}")
    with pytest.raises(typer.Exit):
        crds(check=True, directory=tmp_path / "crds")
    crds(directory=tmp_path / "crds")
    assert not surplus.exists()


def test_the_chart_and_the_base_are_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / CHART).mkdir(parents=True)
    crds(directory=tmp_path / "crds")
    (tmp_path / DEPLOY / "access.yaml").unlink()
    (tmp_path / CHART / "templates" / "_access.tpl").write_text("")
    with pytest.raises(typer.Exit):
        crds(check=True, directory=tmp_path / "crds")
    said = capsys.readouterr().err
    assert "access.yaml" in said
    assert "_access.tpl" in said


def test_the_chart_of_projects_gets_a_field_for_each_collection_and_keeps_the_rest(tmp_path: Path) -> None:
    right = (TOP / VALUES_SCHEMA).read_text()
    written = json.loads(right)
    written["definitions"]["project"]["properties"]["pollSecondsOf"]["properties"] = {"topics": {}}
    (tmp_path / VALUES_SCHEMA).parent.mkdir(parents=True)
    (tmp_path / VALUES_SCHEMA).write_text(json.dumps(written))
    crds(directory=tmp_path / "crds")
    assert (tmp_path / VALUES_SCHEMA).read_text() == right


def test_only_generated_files_that_no_kind_needs_are_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crds(directory=tmp_path / "crds")
    surplus, foreign = tmp_path / "crds" / "oldkinds.yaml", tmp_path / "crds" / "notes.yaml"
    surplus.write_text(f"# {MARK}\n")
    foreign.write_text("# written by a person\n")
    with pytest.raises(typer.Exit):
        crds(check=True, directory=tmp_path / "crds")
    assert str(surplus) in capsys.readouterr().err
    crds(directory=tmp_path / "crds")
    assert not surplus.exists()
    assert foreign.exists()


def test_printing_gives_every_document_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crds(print_=True, directory=tmp_path / "crds")
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    defined = {each["spec"]["names"]["kind"] for each in documents if each["kind"] == "CustomResourceDefinition"}
    assert defined == {*kinds(), CATALOGUE.name}
    assert not (tmp_path / "crds").exists()
