"""What the image is built from: the lock and nothing else, and only what it needs of that."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from image import base_digest, engines, imported, local_base, lock, packages, sbom, sources

TOP = Path(__file__).parent.parent.parent
DOCKERFILE = (TOP / "Dockerfile").read_text()
SITE = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
DIGEST = "sha256:" + "0" * 64


def commands(text: str) -> list[str]:
    """Return the Dockerfile's instructions, each in one line, without comments."""
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]


def of_kind(word: str) -> list[str]:
    return [line for line in commands(DOCKERFILE) if line.startswith(f"{word} ")]


def pip_commands(text: str) -> list[str]:
    return [
        part
        for line in commands(text)
        for part in re.split(r" && |; ", line)
        if re.search(r"\bpip\b.* (install|wheel|download)\b", part)
    ]


def is_safe(command: str) -> bool:
    """Every file by its hash and no source that would be built, or no index at all and no tools fetched to build."""
    words = command.split()
    if "--no-deps" not in words:
        return False
    if "--no-index" in words:
        return "wheel" not in words or "--no-build-isolation" in words
    return "--require-hashes" in words and "--only-binary :all:" in command and "-r" in words


def test_nothing_is_fetched_without_its_hash() -> None:
    for text in (DOCKERFILE, (TOP / "Makefile").read_text().replace("\t@", "RUN ")):
        found = pip_commands(text)
        assert found
        assert [command for command in found if not is_safe(command)] == []
    assert not re.search(r"curl|wget|apt-get|apk |git clone|^ADD ", "\n".join(commands(DOCKERFILE)), re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "safe"),
    [
        ("pip wheel --no-deps .", False),
        ("pip wheel --no-index --no-deps .", False),
        ("pip wheel --no-index --no-deps --no-build-isolation .", True),
        ("pip install --require-hashes --no-deps -r x.lock", False),
        ("pip install --require-hashes --no-deps --only-binary :all: -r x.lock", True),
        ("pip install --require-hashes --only-binary :all: -r x.lock", False),
        ("pip install --no-deps uv==1", False),
    ],
)
def test_a_command_that_fetches_more_is_found(command: str, safe: bool) -> None:
    assert is_safe(command) is safe


def test_the_last_stage_begins_with_nothing() -> None:
    assert of_kind("FROM") == ["FROM ${BASE_IMAGE} AS build", "FROM scratch"]
    name, digest = base_digest.pinned(DOCKERFILE)
    assert name == "docker.io/library/python:3.13-slim"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    last = DOCKERFILE.partition("FROM scratch")[2]
    assert not re.search(r"^RUN ", last, re.MULTILINE)
    assert "\nUSER 65532:65532\n" in last


def test_the_context_is_what_a_change_is_looked_for_in() -> None:
    let_in = {line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_in | {"Dockerfile"} == set(sources.MADE_OF)
    copied = {word for line in of_kind("COPY") if "--from" not in line for word in line.split()[1:-1]}
    assert {word.split("/__")[0].removesuffix("/lock.py") for word in copied} == let_in


def _required_by(package: str, extra: str = "") -> set[str]:
    """The packages that an installed one needs, with this extra."""
    told = [Requirement(line) for line in importlib.metadata.requires(package) or ()]
    needed = [one for one in told if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {one.name.lower().replace("_", "-").replace(".", "-") for one in needed}


def test_the_part_of_the_lock_is_all_that_is_needed_and_no_more() -> None:
    """The lock says who needs whom; the packages that are installed say it, too."""
    entries = lock.read((TOP / "requirements.lock").read_text())
    needed, left = set[str](), _required_by(lock.PROJECT, "operator")
    while left:
        name = left.pop()
        needed.add(name)
        left |= _required_by(name) - needed
    part = set(lock.needed_by(entries, lock.PROJECT))
    assert needed <= part
    assert {one for one in part - needed if ";" not in entries[one].text.splitlines()[0]} <= {"tzdata"} | _by_extras(
        part
    )
    assert not part & {"mypy", "pytest", "ruff", "hatchling", "uv", "schemathesis"}
    assert set(lock.needed_by(entries, "hatchling")) >= {"hatchling", "packaging", "pathspec", "pluggy"}


def _by_extras(part: set[str]) -> set[str]:
    """What a package of the part needs for an extra of it, which another asks for."""
    told = [Requirement(line) for name in part for line in _requires(name)]
    return {one.name.lower().replace("_", "-") for one in told if one.marker is not None and "extra" in str(one.marker)}


def _requires(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def test_what_is_no_part_of_the_lock_is_refused() -> None:
    entries = lock.read((TOP / "requirements.lock").read_text())
    with pytest.raises(ValueError, match="nobody is not in the lock"):
        lock.needed_by(entries, "nobody")
    with pytest.raises(ValueError, match="not a requirement"):
        lock.read("httpx==1\n    # via kopf\n")


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("kubernetes/client/models/v1_pod.py", True),
        ("kubernetes/aio/client/api/core_v1_api.py", True),
        ("kubernetes/client/models/__init__.py", False),
        ("kubernetes/client/models/imported.py", False),
        ("kubernetes/aio/client/rest.py", False),
        ("kubernetes/config/kube_config_test.py", True),
        ("kopf/tests/x.py", True),
        ("kopf/__init__.py", False),
        ("multidict/multidict_capi.h", True),
        ("aiohttp/_find_header.pxd", True),
        ("kopf-1.dist-info/RECORD", True),
        ("kopf-1.dist-info/METADATA", False),
        ("other/client/models/v1_pod.py", False),
    ],
)
def test_what_is_left_out(path: str, left_out: bool) -> None:
    assert packages.is_left_out(path, frozenset({"kubernetes/client/models/imported.py"})) is left_out


def test_the_image_imports_nothing_that_it_does_not_have() -> None:
    """As inside of the build: of all packages that developers have, only what the operator needs can be imported."""
    part = set(lock.needed_by(lock.read((TOP / "requirements.lock").read_text()), lock.PROJECT)) | {lock.PROJECT}
    others = [
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if not part & {owner.lower().replace("_", "-").replace(".", "-") for owner in owners}
    ]
    assert {"cryptography", "redis", "pytest"} <= set(others)
    code = f"import sys; sys.modules.update(dict.fromkeys({others!r})); from image import imported; imported.main()"
    environment = os.environ | {"PYTHONPATH": f"{TOP / 'deploy'}:{TOP / 'operator'}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]


def test_nothing_that_is_imported_is_left_out() -> None:
    files = [Path(file).relative_to(SITE) for file in imported.modules().values() if Path(file).is_relative_to(SITE)]
    kept = frozenset(map(str, files))
    assert "kubernetes/aio/client/rest.py" in kept
    assert [file for file in kept if packages.is_left_out(file, kept)] == []
    installed = {str(path.relative_to(SITE)) for path in (SITE / "kubernetes").rglob("*.py")}
    assert len([file for file in installed if packages.is_left_out(file, kept)]) > 1000


@pytest.mark.parametrize(
    ("programs", "answers", "digest"),
    [
        (
            ["skopeo"],
            {"skopeo": (0, b"{}", "")},
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        ),
        (["crane"], {"crane": (0, f"{DIGEST}\n".encode(), "")}, DIGEST),
        (["docker"], {"docker": (0, json.dumps({"digest": DIGEST}).encode(), "")}, DIGEST),
        (["skopeo", "crane"], {"skopeo": (1, b"", "no such host"), "crane": (0, DIGEST.encode(), "")}, DIGEST),
        (["crane"], {"crane": (0, b"not found", "")}, None),
        (["skopeo"], {"skopeo": (1, b"", "no such host")}, None),
        ([], {}, None),
    ],
)
def test_the_digest_of_the_base_is_looked_up(
    monkeypatch: pytest.MonkeyPatch, programs: list[str], answers: dict[str, Any], digest: str | None
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name if name in programs else None)

    def run(command: list[str]) -> tuple[int, bytes, str]:
        assert "python:3.13-slim" in " ".join(command)
        answer: tuple[int, bytes, str] = answers[command[0]]
        return answer

    if digest is None:
        with pytest.raises(base_digest.Unknown) as failed:
            base_digest.newest("python:3.13-slim", run)
        assert all(name in str(failed.value) for name in base_digest.ASK)
    else:
        assert base_digest.newest("python:3.13-slim", run) == digest


def test_without_an_engine_it_says_of_each_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(engines.NoEngine) as failed:
        engines.find(lambda _: None)
    assert str(failed.value).splitlines() == [f"{name}: is not installed" for name in engines.NAMES]
    monkeypatch.setenv("ENGINE", "rocket")
    with pytest.raises(engines.NoEngine, match="none of docker, podman, buildah"):
        engines.find(lambda _: None)


def test_without_debootstrap_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(local_base.NoBase, match="debootstrap is not installed"):
        local_base.find(lambda _: None)
    assert local_base.cache_folder().is_relative_to(tmp_path)


def test_the_bill_of_materials_has_the_wheels_and_who_needs_them() -> None:
    entries = lock.read((TOP / "requirements.lock").read_text())
    installed = [
        {
            "metadata": {"name": name, "version": entries[name].version, "license_expression": "MIT"},
            "download_info": {"archive_info": {"hashes": {"sha256": "0" * 64}}},
        }
        for name in ("httpx", "httpcore", "kopf", "aiohttp")
    ]
    told = sbom.bill("1.2.3", "2026-01-01T00:00:00Z", {"install": installed}, entries, [])
    names = [one["name"] for one in told["components"]]
    assert sorted(names) == ["aiohttp", "httpcore", "httpx", "kopf", "python"]
    by_name = {one["name"]: one["bom-ref"] for one in told["components"]}
    needs = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    assert needs[by_name["httpx"]] == [by_name["httpcore"]]
    assert needs[told["metadata"]["component"]["bom-ref"]] == sorted(
        by_name[direct] for direct in ("aiohttp", "httpcore", "httpx", "kopf")
    )
    assert told == sbom.bill("1.2.3", "2026-01-01T00:00:00Z", {"install": installed}, entries, [])
