"""What is in the image, seen in the archive that `make image` leaves for the same sources (`make test` begins with it)."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from image import archive, engines, lock, sources
from image.__main__ import ARCHIVE, BILL, BILL_IN_IMAGE, is_archived, is_made
from install.kubectl import TOP

MAX_BYTES: Final = 140_000_000
"""It is 129 MB, of which the drivers that log in for probes take 22; a twelfth more is somebody's mistake."""

SHELLS: Final = {"sh", "bash", "dash", "busybox"}
MANAGERS: Final = {"apt", "apt-get", "dpkg", "pip", "pip3", "uv", "perl"}
COMPILERS: Final = {"cc", "gcc", "g++", "c++", "clang", "ld", "as", "make", "cc1"}


@pytest.fixture(scope="session")
def image() -> archive.Image:
    if not is_archived(sources.read()):
        pytest.skip("no image of these sources is in .cache/image: `make image` makes it")
    return archive.read(ARCHIVE)


@pytest.fixture(scope="session")
def bill(image: archive.Image) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(archive.text_of(ARCHIVE, BILL_IN_IMAGE))
    assert told == json.loads(BILL.read_text())
    return told


def test_its_name_is_the_one_that_kubernetes_looks_for(image: archive.Image) -> None:
    assert f"docker.io/library/managed-databases-operator:{sources.read().version}" in [full(tag) for tag in image.tags]


def full(tag: str) -> str:
    """The name in full, as every importer reads it."""
    return tag if "/" in tag else f"docker.io/library/{tag}"


def test_its_labels_say_what_it_is(image: archive.Image) -> None:
    told = sources.read()
    labels = image.config["config"]["Labels"]
    ours = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    assert ours["version"] == told.version
    assert ours["revision"] == told.revision
    assert ours["created"] == told.created
    assert ours["title"] == "managed-databases-operator"
    assert ours["base.name"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", ours["base.digest"])


def test_it_runs_as_nobody_and_only_that_program(image: archive.Image) -> None:
    config = image.config["config"]
    assert config["User"] == "65532:65532"
    assert (config["Entrypoint"], config["Cmd"]) == (["managed-databases"], ["run"])
    assert not [path for path, file in image.files.items() if file.uid or file.gid or file.mode & 0o6000], "not root's"
    assert [path for path, file in image.files.items() if file.mode & 0o002 and not file.issym()] == []


def test_nothing_is_in_it_that_could_change_it(image: archive.Image) -> None:
    programs = {path.rpartition("/")[2] for path, file in image.files.items() if file.mode & 0o111 and not file.issym()}
    assert not {name for name in programs if re.split(r"-?[\d.]+$", name)[0] in SHELLS | MANAGERS | COMPILERS}
    assert programs >= {"managed-databases"}
    assert not [path for path in image.files if re.search(r"/(pip|setuptools|ensurepip|hatchling|mypy|pytest)/", path)]
    assert not [path for path in image.files if path.endswith((".a", ".h"))]


def test_it_is_small(image: archive.Image) -> None:
    assert image.bytes_in_files < MAX_BYTES
    kubernetes = sum(file.size for path, file in image.files.items() if "/site-packages/kubernetes/" in path)
    assert 0 < kubernetes < 5_000_000


def test_everything_is_compiled_and_nothing_is_of_today(image: archive.Image) -> None:
    modules = {path for path in image.files if path.endswith(".py") and "site-packages" in path}
    without = [path for path in modules if not _pyc_of(path, image)]
    assert without == []
    assert {file.mtime for file in image.files.values()} == {sources.NOW}


def _pyc_of(path: str, image: archive.Image) -> bool:
    folder, _, name = path.rpartition("/")
    return any(
        f"{folder}/__pycache__/{name.removesuffix('.py')}.cpython-3{minor}.pyc" in image.files for minor in (13, 14)
    )


def test_all_of_the_lock_that_is_needed_is_in_the_bill_and_in_the_image(
    image: archive.Image, bill: dict[str, Any]
) -> None:
    entries = lock.read((TOP / "requirements.lock").read_text())
    listed = {
        one["name"].lower().replace("_", "-"): one for one in bill["components"] if one["purl"].startswith("pkg:pypi/")
    }
    needed = lock.needed_by(entries, lock.PROJECT)
    assert {name for name in needed if ";" not in needed[name].text.splitlines()[0]} <= set(listed) <= set(needed)
    for name, one in listed.items():
        assert one["version"] == needed[name].version
        assert f"sha256:{one['hashes'][0]['content']}" in needed[name].text, name
    assert set(listed) == set(_installed(image)) - {"managed-databases-operator"}


def _installed(image: archive.Image) -> Iterator[str]:
    for path in image.files:
        if found := re.search(r"/site-packages/([\w.]+)-[\w.]+\.dist-info/METADATA$", path):
            yield found[1].lower().replace("_", "-").replace(".", "-")


def test_the_bill_names_python_and_the_debian_packages(image: archive.Image, bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    purls = {one["purl"] for one in bill["components"]}
    assert any(purl.startswith("pkg:generic/python@3.13.") for purl in purls)
    debian = {one["name"] for one in bill["components"] if one["purl"].startswith("pkg:deb/debian/")}
    assert debian >= {"libc6", "libssl3t64", "zlib1g", "ca-certificates"}
    assert debian == {path.rpartition("/")[2] for path in image.files if path.startswith("var/lib/dpkg/status.d/")}
    refs = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {one["ref"] for one in bill["dependencies"]} <= refs
    assert {ref for one in bill["dependencies"] for ref in one["dependsOn"]} <= refs


def test_the_program_starts_in_it_with_nothing_else(image: archive.Image, tmp_path: Path) -> None:
    """Unpacked, as root of a process under a number: it says that there is no cluster."""
    if os.geteuid() != 0:
        pytest.skip("only root can change the root of a process")
    archive.unpack(ARCHIVE, tmp_path)
    tmp_path.chmod(0o755)
    ran = subprocess.run(
        ["chroot", "--userspec=65532:65532", str(tmp_path), "/app/bin/managed-databases", "run"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 2, ran.stderr
    assert json.loads(ran.stderr)["event"] == "the operator cannot start"


def test_nothing_is_made_again_for_the_same_sources(image: archive.Image) -> None:
    try:
        engine = engines.find(lambda _: None)
    except engines.NoEngine as error:
        pytest.skip("no engine works: " + "; ".join(str(error).splitlines()))
    if not is_made(sources.read(), engine):
        pytest.skip(f"{engine.name} is not what made the archive")
    before = ARCHIVE.stat()
    again = subprocess.run(
        [sys.executable, "-m", "image"],
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": "deploy"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is up to date" in again.stdout
    assert (ARCHIVE.stat().st_mtime_ns, ARCHIVE.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
