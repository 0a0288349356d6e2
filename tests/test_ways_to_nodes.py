"""`make e2e` takes kind where it can be had, leaves nothing of it, and says why not where it cannot."""

from pathlib import Path

import pytest

from e2e.kind import NoKind, kind_cluster, load, why_no_kind

KIND = """#!/bin/sh
echo "$1 $KIND_EXPERIMENTAL_PROVIDER" >> "$CALLS"
case $1 in create) test -z "$FAILS" || { echo 'preparing' >&2; echo "ERROR: $FAILS" >&2; exit 1; } ;; esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH but the shell, and the calls of a `kind` in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FAILS", "")
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    return folder


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def calls(folder: Path) -> list[str]:
    return (folder.parent / "calls").read_text().splitlines()


def test_without_kind(programs: Path) -> None:
    assert why_no_kind() == "`kind` is not on PATH"


def test_without_an_engine_that_answers(programs: Path) -> None:
    put(programs, "kind", KIND)
    put(programs, "docker", "#!/bin/sh\necho 'Is the docker daemon running?' >&2\nexit 1\n")
    assert why_no_kind() == "`docker info` says: Is the docker daemon running?; podman is not on PATH"


def test_a_cluster_is_made_used_and_deleted(programs: Path, tmp_path: Path) -> None:
    put(programs, "kind", KIND)
    put(programs, "podman", "#!/bin/sh\n")
    said: list[str] = []
    with kind_cluster(tmp_path, said.append) as cluster:
        assert cluster.engine == "podman"
        assert cluster.workers == [f"{cluster.name}-worker", f"{cluster.name}-worker2"]
        load(cluster, tmp_path / "image.tar")
    assert calls(programs) == ["create podman", "load podman", "delete podman"]
    assert said == ["making a cluster with kind and podman"]


def test_no_image_of_a_node_is_a_reason_and_leaves_nothing(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(programs, "kind", KIND)
    put(programs, "docker", "#!/bin/sh\n")
    monkeypatch.setenv("FAILS", "failed to pull image")
    complaint = pytest.raises(NoKind, match="`kind create` says: ERROR: failed to pull image")
    with complaint, kind_cluster(tmp_path, lambda _text: None):
        pytest.fail("there is no cluster")
    assert calls(programs) == ["create ", "delete "]
