"""The operator's image for a cluster without a registry, and its second version for upgrades."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any, Final

from install.kubectl import TOP
from managed_databases.controlplane.node.images import PAUSE, PAUSE_COMMAND, names_in, with_variants

ARCHIVE: Final = TOP / ".cache/image/managed-databases-operator.tar"
IMAGE_VARIABLE: Final = "E2E_IMAGE"
REPOSITORY: Final = "managed-databases-operator"
VERSION: Final[str] = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
NEXT_VERSION: Final = f"{VERSION}-next"


def archive_path() -> Path:
    """Return where the image's archive is: $E2E_IMAGE, or where `make image` puts it."""
    return Path(os.environ.get(IMAGE_VARIABLE, ARCHIVE))


def for_nodes(folder: Path) -> Path:
    """Write an archive with both versions of the operator and the image of a Pod's pause container."""
    archive = archive_path()
    assert f"{REPOSITORY}:{VERSION}" in [name.rsplit("/", 1)[-1] for name in names_in(archive)], (
        f"{archive} has {names_in(archive)}, not {REPOSITORY}:{VERSION}: make image"
    )
    pause = {"Entrypoint": list(PAUSE_COMMAND), "Cmd": []}
    images = folder / "images.tar"
    variants: dict[str, dict[str, Any]] = {PAUSE: pause}
    for version in (VERSION, NEXT_VERSION):
        variants[f"docker.io/library/{REPOSITORY}:{version}"] = {}
    with_variants(archive, images, variants)
    return images


def describe(archive: Path) -> str:
    """Return its names and size, for the report's first line."""
    return f"{json.dumps(names_in(archive))}, {archive.stat().st_size / 1e6:.0f} MB"
