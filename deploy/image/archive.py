"""Image archives as `docker save` writes them: made of a root file system, and read."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Layer:
    digest: str
    """Of the uncompressed layer: `sha256:...`."""
    files: Mapping[str, tarfile.TarInfo]


@dataclass(frozen=True)
class Image:
    tags: tuple[str, ...]
    config: Mapping[str, Any]
    """As the OCI image specification has it: `config`, `created`, `architecture`, `rootfs`."""
    layers: tuple[Layer, ...]

    @property
    def files(self) -> dict[str, tarfile.TarInfo]:
        """All files by their path, without a slash at the start."""
        return {path: file for layer in self.layers for path, file in layer.files.items()}

    @property
    def bytes_in_files(self) -> int:
        return sum(file.size for file in self.files.values())


def write(archive: Path, tag: str, root: Path, config: Mapping[str, Any], architecture: str) -> str:
    """Write an image of one layer, the folder `root`; return the digest of its config: the image's id."""
    layer = archive.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname="", recursive=True)
    with layer.open("rb") as written:
        layer_digest = hashlib.file_digest(written, "sha256").hexdigest()
    told = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config),
        "history": [{"created_by": "debootstrap"}],  # buildah counts the layers in it
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
    }
    raw = json.dumps(told, sort_keys=True).encode()
    digest = hashlib.sha256(raw).hexdigest()
    name = f"{layer_digest}/layer.tar"
    manifest = json.dumps([{"Config": f"{digest}.json", "RepoTags": [tag], "Layers": [name]}]).encode()
    with tarfile.open(archive, "w") as tar:
        for path, content in ((f"{digest}.json", raw), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        tar.add(layer, arcname=name)
    layer.unlink()
    return f"sha256:{digest}"


def read(archive: Path) -> Image:
    """Raises OSError, and ValueError for what is no such archive."""
    try:
        with tarfile.open(archive) as tar:
            (manifest,) = json.loads(_content(tar, "manifest.json"))
            config = json.loads(_content(tar, manifest["Config"]))
            layers = tuple(_layer(tar, name) for name in manifest["Layers"])
            return Image(tuple(manifest["RepoTags"] or ()), config, layers)
    except (tarfile.TarError, LookupError, TypeError) as error:
        raise ValueError(f"{archive} is no image archive: {error}") from error


def text_of(archive: Path, path: str) -> str:
    """Return the content of a file of the image. Raises KeyError when there is none."""
    with tarfile.open(archive) as tar:
        (manifest,) = json.loads(_content(tar, "manifest.json"))
        for name in reversed(manifest["Layers"]):
            with tarfile.open(fileobj=_open(tar, name)) as layer:
                for member in layer:
                    if member.name.removeprefix("./") == path:
                        content = layer.extractfile(member)
                        assert content is not None, path
                        return content.read().decode()
    raise KeyError(path)


def unpack(archive: Path, folder: Path) -> None:
    """Leave the image's file system in `folder`. For images whose layers only add."""
    with tarfile.open(archive) as tar:
        (manifest,) = json.loads(_content(tar, "manifest.json"))
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=_open(tar, name)) as layer:
                layer.extractall(folder, filter="fully_trusted")


def _layer(tar: tarfile.TarFile, name: str) -> Layer:
    digest = hashlib.sha256()
    content = _open(tar, name)
    while block := content.read(1 << 20):
        digest.update(block)
    content.seek(0)
    with tarfile.open(fileobj=content) as layer:
        files = {member.name.removeprefix("./"): member for member in _members(layer)}
    return Layer(f"sha256:{digest.hexdigest()}", files)


def _members(layer: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in layer:
        if not member.isdir():
            yield member


def _open(tar: tarfile.TarFile, name: str) -> Any:
    content = tar.extractfile(name)
    if content is None:
        raise ValueError(f"{name} is no file")
    return content


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    content: bytes = _open(tar, name).read()
    return content
