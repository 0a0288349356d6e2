"""Archives that are the same byte for byte whenever and wherever they are made of the same files."""

import gzip
import tarfile
from collections.abc import Iterable
from pathlib import Path

from image.sources import NOW


def write_archive(target: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Write a .tar.gz of `(name in the archive, file)`, in this order: each of the same time and owner, executable or not."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in files:
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            entry.mtime = NOW
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)


def write_folders(target: Path, top: Path, folders: Iterable[str]) -> None:
    """Write a .tar.gz of folders of `top`, under the archive's own name, so that it unpacks into one folder."""
    own = target.name.removesuffix(".tar.gz")
    paths = sorted(path for folder in folders for path in (top / folder).rglob("*") if path.is_file())
    write_archive(target, ((f"{own}/{path.relative_to(top)}", path) for path in paths))


def rewrite(archive: Path) -> None:
    """Write a .tgz of another's anew, with the same files in the same order."""
    unpacked = archive.with_suffix(".unpacked")
    with tarfile.open(archive) as made:
        names = [entry.name for entry in made if entry.isfile()]
        made.extractall(unpacked, filter="data")
    write_archive(archive, ((name, unpacked / name) for name in names))
