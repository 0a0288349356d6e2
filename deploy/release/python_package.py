"""The Python package: built, installed into environments of its own as people install it, and listed in a bill of materials."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from image import lock, sbom
from managed_databases.program_name import COMPLETER
from release.programs import Failed, run

UV: Final = Path(sys.executable).with_name("uv")
KUBERNETES: Final = ("kopf", "kubernetes", "typer", "starlette")
"""What the client alone must do without; not all of it."""
LOAD_THE_CLIENT: Final = (
    "import importlib, pkgutil, managed_databases.api as api; "
    "print(len([importlib.import_module(one.name) for one in pkgutil.walk_packages(api.__path__, api.__name__ + '.')]))"
)
"""All of it."""
FIND_THE_EXAMPLES: Final = (
    "from managed_databases.demo.examples import NAMES, TWO_USERS, example; "
    "[example(name).read_text() for name in (*NAMES, TWO_USERS)]"
)
"""Those that the demo applies are in the package."""


def make_package(source: Path, version: str, into: Path) -> dict[str, str]:
    """Build wheel and sdist of `source`, and return what each file is. Raises Failed, also when the sdist makes another wheel."""
    wheel, sdist = (
        f"managed_databases_operator-{version}-py3-none-any.whl",
        f"managed_databases_operator-{version}.tar.gz",
    )
    _build(source, into, "sdist")
    with tempfile.TemporaryDirectory(prefix="sdist-") as name:
        run(["tar", "-xzf", into / sdist, "-C", name])
        _build(Path(name) / sdist.removesuffix(".tar.gz"), into, "wheel")
        again = Path(name) / "again"
        _build(source, again, "wheel")
        if (again / wheel).read_bytes() != (into / wheel).read_bytes():
            raise Failed(f"{sdist} makes another {wheel} than the repository does")
    return {
        wheel: "the Python package: with `pip install 'FILE[operator]'`; `pip install FILE` installs the API client alone",
        sdist: "the sources of the Python package",
    }


def _build(source: Path, into: Path, target: str) -> None:
    """By the hatchling of the lock. It gives every file the same time where the environment tells it none."""
    without_time = ("env", "-u", "SOURCE_DATE_EPOCH")
    run(
        [*without_time, sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", into],
        folder=source,
    )


def check_package(source: Path, version: str, created: str, into: Path) -> dict[str, str]:
    """Install the wheel twice, with what it needs in the versions of the lock; write the bill of materials of the second one.

    Returns what each file is. Raises Failed.
    """
    wheel = into / f"managed_databases_operator-{version}-py3-none-any.whl"
    with tempfile.TemporaryDirectory(prefix="installed-") as name:
        client = _installed(Path(name) / "client", source, f"{wheel}[client]")
        if there := sorted(set(KUBERNETES) & _packages(client).keys()):
            raise Failed(f"the API client comes with {', '.join(there)}")
        modules = len(list((source / "operator/managed_databases/api").rglob("*.py"))) - 1
        if int(loaded := run([client, "-I", "-c", LOAD_THE_CLIENT]).strip()) != modules:
            raise Failed(f"of the API client's {modules} modules {loaded} can be loaded")
        operator = _installed(Path(name) / "operator", source, f"{wheel}[operator]")
        for program in ("managed-databases", "kubectl-databases"):
            if (said := run([operator.with_name(program), "--version"]).strip()) != version:
                raise Failed(f"{program} --version says {said!r} instead of {version}")
        if "plan\t" not in (said := run([operator.with_name(COMPLETER), "pla"])):
            raise Failed(f"{COMPLETER} completes nothing: {said!r}")
        run([operator, "-I", "-c", FIND_THE_EXAMPLES])
        bill = _bill(operator, source, version, created)
    target = into / f"managed-databases-operator-{version}.cdx.json"
    target.write_text(json.dumps(bill, indent=2) + "\n")
    return {target.name: "the bill of materials of the Python package with `[operator]`, in CycloneDX 1.6"}


def _installed(environment: Path, source: Path, wanted: str) -> Path:
    """Return the Python of a new environment with the wheel in it. uv checks the hashes of the lock."""
    python = environment / "bin/python"
    run([UV, "venv", "--quiet", "--python", sys.executable, environment])
    run([UV, "pip", "install", "--quiet", "--python", python, "--constraints", source / "requirements.lock", wanted])
    run([UV, "pip", "check", "--python", python])
    return python


def _packages(python: Path) -> dict[str, str]:
    told = json.loads(run([UV, "pip", "list", "--python", python, "--format", "json"]))
    return {each["name"]: each["version"] for each in told}


def _bill(python: Path, source: Path, version: str, created: str) -> dict[str, Any]:
    """Of what is installed, with the hashes that pip sees when it would install the same."""
    entries = lock.read((source / "requirements.lock").read_text())
    needed = lock.needed_by(entries, lock.PROJECT)
    locked = python.parent.parent / "needed.lock"
    locked.write_text("\n".join(entry.text for entry in needed.values()))
    report = python.parent.parent / "report.json"
    asked = ("install", "--quiet", "--dry-run", "--ignore-installed", "--disable-pip-version-check", "--report", report)
    safely = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", locked)
    run([sys.executable, "-m", "pip", "--python", python, *asked, *safely])
    bill = sbom.bill(version, created, json.loads(report.read_text()), entries, ())
    listed = {each["name"].lower().replace("_", "-") for each in bill["components"]} - {"python"}
    if missing := _packages(python).keys() - listed - {lock.PROJECT}:
        raise Failed(f"the bill of materials lacks {', '.join(sorted(missing))}")
    return bill
