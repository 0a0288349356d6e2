"""`managed-databases crds`: write, check or print what is generated from the kinds."""

from pathlib import Path
from typing import Annotated

import typer

from managed_databases.kinds.registry import kinds
from managed_databases.kube.editor_schemas import FOLDER, schema_files
from managed_databases.kube.generated_files import CHART, DEPLOY, MARK, crd_files, install_files
from managed_databases.kube.projects_chart import VALUES_SCHEMA, values_schema


def crds(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when a file is not as it should be.")
    ] = False,
    directory: Annotated[
        Path,
        typer.Option(help="The folder of CRDs. The chart and deploy/ beside it, if they are there, are kept in step."),
    ] = Path("crds"),
    print_: Annotated[bool, typer.Option("--print", help="Print the CRDs and policies instead, for kubectl.")] = False,
) -> None:
    """Write the CRDs and what follows from them, made from the kinds: also JSON schemas for editors.

    Exit codes: 0 all is as it should be (now), 1 `--check` found files that are not.
    """
    if print_:
        manifests = [text for path, text in crd_files(kinds().values()).items() if path.suffix == ".yaml"]
        typer.echo("---\n".join(manifests), nl=False)
        return
    wanted = wanted_files(directory)
    stale = sorted(path for path, text in wanted.items() if not path.is_file() or path.read_text() != text)
    surplus = sorted(set(_generated_files(directory)) - set(wanted))
    if check:
        for path in stale:
            typer.echo(f"{path}: not what the kinds say; run `make fix`", err=True)
        for path in surplus:
            typer.echo(f"{path}: no kind needs it any more; run `make fix`", err=True)
        if stale or surplus:
            raise typer.Exit(1)
        return
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
        typer.echo(f"wrote {path}")
    for path in surplus:
        path.unlink()
        typer.echo(f"removed {path}")


def wanted_files(directory: Path) -> dict[Path, str]:
    """Return the text of every file that belongs into `directory` and, in a checkout, into the chart and deploy/."""
    served = tuple(kinds().values())
    wanted = {directory / path: text for path, text in (crd_files(served) | schema_files(served)).items()}
    top = directory.parent
    if (top / CHART).is_dir():
        wanted |= {top / path: text for path, text in install_files(served).items()}
    if (schema := top / VALUES_SCHEMA).is_file():
        wanted[schema] = values_schema(schema.read_text())
    return wanted


def _generated_files(directory: Path) -> list[Path]:
    folders = (directory, directory.parent / CHART / "templates" / "crds", directory.parent / DEPLOY)
    files = [path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()]
    marked = [path for path in files if MARK in path.read_text().split("\n", 1)[0]]
    return [*marked, *(directory / FOLDER).glob("*.json")]
