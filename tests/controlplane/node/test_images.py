"""Image archives with several names for the same layers."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from managed_databases.controlplane.node.images import ArchiveUnusable, names_in, with_variants

CONFIG = {
    "os": "linux",
    "config": {"Entrypoint": ["app"], "Cmd": ["run"], "User": "1:1"},
    "rootfs": {"diff_ids": ["a"]},
}


def archive(path: Path, **files: Any) -> Path:
    with tarfile.open(path, "w") as written:
        for name, content in files.items():
            raw = json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            written.addfile(member, io.BytesIO(raw))
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    manifest = [{"Config": "config", "RepoTags": ["localhost/app:1"], "Layers": ["layer"]}]
    files: dict[str, Any] = {"config": CONFIG, "layer": "bytes", "manifest.json": manifest, "index.json": {}}
    return archive(tmp_path / "image.tar", **files)


def test_each_variant_has_a_name_and_a_configuration_of_its_own(image: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.tar"
    with_variants(image, made, {"app:1": {}, "app:2": {}, "pause": {"Entrypoint": ["sleep"], "Cmd": []}})
    assert names_in(made) == ["app:1", "app:2", "pause"]
    with tarfile.open(made) as read:
        manifest = json.loads(content(read, "manifest.json"))
        configs = [json.loads(content(read, each["Config"])) for each in manifest]
        assert content(read, "layer") == b'"bytes"'
        assert "index.json" not in read.getnames(), "another index would be read instead of ours"
    assert len({each["Config"] for each in manifest}) == 3, "one id for each"
    assert [each["Layers"] for each in manifest] == [["layer"]] * 3
    assert [each["config"]["Entrypoint"] for each in configs] == [["app"], ["app"], ["sleep"]]
    assert [each["config"]["User"] for each in configs] == ["1:1"] * 3
    assert configs[2]["config"]["Cmd"] == []


def test_what_is_no_archive_of_an_image(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnusable, match=r"manifest\.json"):
        names_in(archive(tmp_path / "other.tar", something={}))


def content(read: tarfile.TarFile, name: str) -> bytes:
    file = read.extractfile(name)
    assert file is not None
    return file.read()
