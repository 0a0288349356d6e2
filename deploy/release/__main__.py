"""`make release VERSION=X.Y.Z`: all that a release publishes, in dist/X.Y.Z, built of the last commit and checked.

Exit codes: 0 it is there; 1 it could not be made, or something in it is not right; 2 what was asked for cannot be: the version
does not agree, something is not committed, the changelog has no part for it; 3 it is there, but the image could not be made.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import image.__main__ as image
from image import sources
from managed_databases.controlplane.binaries import BinariesMissing, find_binaries
from release import notes, seals, versions
from release.charts import make_charts
from release.documentation import make_documentation
from release.manifests import BadRepository, check_repository, make_manifests
from release.programs import Failed, run
from release.python_package import check_package, make_package

TOP = versions.TOP
NOT_ASKED = "it was asked for without one"


class Refused(Exception):
    """This cannot be released; the text says why."""


def main() -> int:
    asked = _arguments()
    version = asked.version.removeprefix("v")
    try:
        check_repository(asked.image_repository)
        changes = _check(version)
        lacks = _make(version, changes, asked)
    except (Refused, BadRepository, versions.BadVersion, notes.NoNotes) as error:
        print(f"no release was made: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    except (Failed, BinariesMissing) as error:
        print(f"no release was made: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    return 3 if lacks and not asked.without_image else 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="make release", description=__doc__.partition("\n")[0] if __doc__ else None)
    asked.add_argument("version", help="as the tree has it; a v before it is ignored")
    asked.add_argument("--into", type=Path, help="another folder; it is made anew")
    asked.add_argument("--image-repository", help="where the image will be, without a tag: for install.yaml")
    asked.add_argument("--without-image", action="store_true", help="make no image, and end with 0 all the same")
    asked.add_argument(
        "--key", type=Path, help=f"a private key to sign with, in PEM; else the one in ${seals.KEY_VARIABLE}"
    )
    return asked.parse_args()


def _check(version: str) -> str:
    """Return what the changelog says of the version. Raises Refused, BadVersion, NoNotes."""
    if (told := versions.version_of()) != version:
        raise Refused(f"the tree has the version {told}: `make version VERSION={version or 'X.Y.Z'}` writes another")
    if changed := _git("status", "--porcelain"):
        raise Refused(f"the tree is not as it was committed:\n{changed}")
    return notes.changes_of(version, (TOP / "CHANGELOG.md").read_text())


def _make(version: str, changes: str, asked: argparse.Namespace) -> dict[str, str]:
    """Return what the release lacks, and why."""
    into: Path = (asked.into or TOP / "dist" / version).resolve()
    tag = _git("tag", "--points-at", "HEAD", f"v{version}")
    _say(f"{version} of commit {_git('rev-parse', 'HEAD')}{'' if tag else f', which has no tag v{version}'}")
    programs = asyncio.run(find_binaries(_say, ("helm", "kubectl")))
    committed = datetime.fromtimestamp(int(_git("log", "-1", "--format=%ct")), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=into.parent) as name:
        source, made = Path(name, "source"), Path(name, "made")
        made.mkdir()
        _export(source)
        files = make_package(source, version, made)
        _say("checking the Python package in environments of its own")
        files |= check_package(source, version, committed, made)
        files |= make_charts(programs / "helm", source, version, committed, made)
        files |= make_manifests(programs / "kubectl", source, version, asked.image_repository, made)
        _say("building the documentation")
        files |= make_documentation(source, version, made)
        lacks = {}
        if why := NOT_ASKED if asked.without_image else _add_image(version, made, files):
            lacks["image"] = f"{why}. Make it with `make image` of the same commit, and push it"
        (made / "NOTES.md").write_text(notes.write_notes(version, changes, files, lacks))
        seals.write_sums(made)
        signed = seals.sign(made, asked.key)
        shutil.rmtree(into, ignore_errors=True)
        made.rename(into)
    for path in sorted(into.iterdir()):
        _say(f"  {path.stat().st_size:>11,}  {path.name}")
    _say("signed, and the signature verified" if signed else "UNSIGNED: no --key, and no $RELEASE_KEY")
    for what, why in lacks.items():
        _say(f"WITHOUT THE {what.upper()}: {why}")
    _say(f"the release is in {into}")
    return lacks


def _export(folder: Path) -> None:
    """What is committed, and nothing that lies beside it."""
    folder.mkdir()
    _git(
        "checkout-index", "--all", f"--prefix={folder}/"
    )  # what is staged is what is committed: the tree was found clean


def _add_image(version: str, into: Path, files: dict[str, str]) -> str | None:
    """Return why there is none; None when there is."""
    if image.main() != 0 or not image.is_archived(sources.read()):
        return "no container engine here could make it"
    name = f"managed-databases-operator-{version}-image.tar"
    shutil.copyfile(image.ARCHIVE, into / name)
    shutil.copyfile(image.BILL, into / f"{name}.cdx.json")
    files[name] = "the image, as `docker save` writes it"
    files[f"{name}.cdx.json"] = "the image's bill of materials, in CycloneDX 1.6"
    return None


def _git(*arguments: str) -> str:
    return run(["git", "-C", TOP, *arguments]).strip()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command says


if __name__ == "__main__":
    sys.exit(main())
