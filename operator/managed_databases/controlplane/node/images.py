"""Image archives for a node that can reach no registry."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PAUSE: Final = "registry.k8s.io/pause:local"
"""The image of the container that keeps a Pod's namespaces."""
PAUSE_COMMAND: Final = ("/app/bin/python3", "-ISc", "import signal; signal.pause()")

MANIFEST: Final = "manifest.json"
_OTHER_INDEXES: Final = (MANIFEST, "index.json", "oci-layout", "repositories")


class ArchiveUnusable(Exception):
    """The file is not an archive of one image; the text says what the file lacks."""


def with_variants(archive: Path, into: Path, variants: Mapping[str, Mapping[str, Any]]) -> None:
    """Write an archive of images that share the layers of the one in `archive` (as `docker save` writes it).

    For each name (`repository:tag`) the entries replace those of the container's configuration, such as `Entrypoint`; `{}`
    changes nothing.
    Raises ArchiveUnusable.
    """
    with tarfile.open(archive) as source, tarfile.open(into, "w") as target:
        (manifest,) = _manifest(source)
        config = json.loads(_content(source, manifest["Config"]))
        for member in source:
            if member.isfile() and member.name not in _OTHER_INDEXES:
                target.addfile(member, source.extractfile(member))
        index = []
        for name, changed in variants.items():
            # The name is in the configuration, so that images which differ in nothing else have ids of their own.
            labels = config["config"].get("Labels") or {}
            variant = config | {"config": config["config"] | {"Labels": labels | {"variant": name}} | changed}
            raw = json.dumps(variant).encode()
            file = f"{hashlib.sha256(raw).hexdigest()}.json"
            _add(target, file, raw)
            index.append({"Config": file, "RepoTags": [name], "Layers": manifest["Layers"]})
        _add(target, MANIFEST, json.dumps(index).encode())


def names_in(archive: Path) -> list[str]:
    """Return the names (`repository:tag`) of the images in an archive. Raises ArchiveUnusable."""
    with tarfile.open(archive) as source:
        return [name for image in _manifest(source) for name in image["RepoTags"]]


def _manifest(source: tarfile.TarFile) -> list[dict[str, Any]]:
    manifest: list[dict[str, Any]] = json.loads(_content(source, MANIFEST))
    return manifest


def _content(source: tarfile.TarFile, name: str) -> bytes:
    try:
        file = source.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise ArchiveUnusable(f"{source.name!r} has no {name}: it is not what `docker save` writes")
    return file.read()


def _add(target: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    target.addfile(member, io.BytesIO(content))
