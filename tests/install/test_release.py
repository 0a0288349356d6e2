"""`make release`: what a maintainer gets, what can be installed of it, and what is refused."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from install.committed_tree import VERSION, commit, committed_tree, run_module, run_python
from install.helm import RELEASED, find_helm, install, uninstall
from install.kubectl import TOP, Kubectl
from release import versions
from release.charts import make_charts
from release.manifests import BadRepository, check_repository, make_manifests
from release.notes import NoNotes, changes_of, write_notes
from release.programs import Failed
from release.python_package import make_package

CREATED = "2026-01-02T03:04:05Z"
REPOSITORY = "registry.example.com/operator"
WHEEL = f"managed_databases_operator-{VERSION}-py3-none-any.whl"
CHARTS = (f"managed-databases-operator-{VERSION}.tgz", f"managed-databases-projects-{VERSION}.tgz")
FILES = {
    *CHARTS,
    "index.yaml",
    WHEEL,
    f"managed_databases_operator-{VERSION}.tar.gz",
    f"managed-databases-operator-{VERSION}.cdx.json",
    "crds.yaml",
    "install.yaml",
    f"kustomize-{VERSION}.tar.gz",
    f"examples-{VERSION}.tar.gz",
    f"schemas-{VERSION}.tar.gz",
    f"docs-{VERSION}.tar.gz",
    "manageddatabases-schema.json",
    "argocd-cm.yaml",
    "argocd-values.yaml",
    "alerts.yaml",
    "dashboard.json",
    "NOTES.md",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return committed_tree(tmp_path_factory.mktemp("tree"))


def test_a_release_is_whole_checked_and_signed(tree: Path, tmp_path: Path) -> None:
    """The program itself has installed the wheel with and without Kubernetes; it fails when one of these does not work."""
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(key)], check=True)
    into = tmp_path / "made"
    done = run_module(tree, "release", "--without-image", f"--into={into}", f"v{VERSION}", RELEASE_KEY=key.read_text())
    assert done.returncode == 0, done.stderr + done.stdout
    seals = {"SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.pub"}
    assert {path.name for path in into.iterdir()} == FILES | seals
    sums = (into / "SHA256SUMS").read_text().splitlines()
    assert sums == [f"{hashlib.sha256((into / name).read_bytes()).hexdigest()}  {name}" for name in sorted(FILES)]
    verify = ["openssl", "dgst", "-sha256", "-verify", "SHA256SUMS.pub", "-signature", "SHA256SUMS.sig", "SHA256SUMS"]
    assert subprocess.run(verify, cwd=into, check=False).returncode == 0
    assert "WITHOUT THE IMAGE: it was asked for without one" in done.stdout
    notes = (into / "NOTES.md").read_text()
    assert "**This release has no image**" in notes
    assert all(f"| `{name}` |" in notes for name in FILES - {"NOTES.md"})
    bill = json.loads((into / f"managed-databases-operator-{VERSION}.cdx.json").read_text())
    assert {"kopf", "httpx", "uvicorn"} <= {each["name"] for each in bill["components"]}
    assert bill["metadata"]["component"]["version"] == VERSION


def test_where_no_engine_is_the_release_says_so_and_how_it_ends(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE", "rocket")
    code = (
        "import sys, release.__main__ as it; "
        "it.make_package = it.check_package = lambda *_: {}; "  # what the test above has seen
        "sys.exit(it.main())"
    )
    done = run_python(tree, "-c", code, f"--into={tmp_path / 'made'}", VERSION, RELEASE_KEY="")
    assert done.returncode == 3, done.stderr
    assert "ENGINE=rocket is none of docker, podman, buildah" in done.stdout
    assert "UNSIGNED" in done.stdout
    assert "WITHOUT THE IMAGE: no container engine here could make it" in done.stdout
    assert not (tmp_path / "made" / "SHA256SUMS.sig").exists()


def test_the_same_files_make_the_same_release(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever it is made, in whatever folder, and by whoever has other rights for new files."""
    again = tmp_path / "elsewhere"
    shutil.copytree(tree, again, ignore=shutil.ignore_patterns(".git", "dist"))
    for path in (each for each in again.rglob("*") if each.is_file()):
        os.utime(path, (1, 1))
        path.chmod(path.stat().st_mode & 0o700)
    first = _made(tree, tmp_path / "first")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    second = _made(again, tmp_path / "second")
    assert {*CHARTS, WHEEL, "index.yaml", f"kustomize-{VERSION}.tar.gz"} <= first.keys()
    assert first == second


def _made(source: Path, into: Path, *, package: bool = True) -> dict[str, str]:
    """The checksums of all that needs no network."""
    into.mkdir()
    programs = Path(find_helm()).parent
    copy = into.with_suffix(".source")  # making the manifests adds an overlay
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git", "dist"))
    if package:
        make_package(copy, VERSION, into)
    make_charts(programs / "helm", copy, VERSION, CREATED, into)
    make_manifests(programs / "kubectl", copy, VERSION, REPOSITORY, into)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in into.iterdir()}


@pytest.mark.story
def test_charts_and_manifests_of_a_release_install_and_take_the_place_of_the_last_one(
    fresh: Kubectl, tree: Path, tmp_path: Path
) -> None:
    _made(tree, tmp_path / "made", package=False)
    chart, projects = (tmp_path / "made" / name for name in CHARTS)
    values = {"image": {"repository": REPOSITORY}}
    install(fresh, "ops", values, chart=RELEASED)
    install(fresh, "ops", values, chart=chart)
    assert images(fresh, "ops") == {f"{REPOSITORY}:{VERSION}"}
    install(fresh, "ops", {"projects": [{"name": "team", "region": "r"}]}, chart=projects, release="projects")
    assert fresh("get", "databaseproject", "-o", "name").split() == ["databaseproject.manageddatabases.io/team"]
    uninstall(fresh, "ops")
    for name in ("crds.yaml", "install.yaml"):
        fresh("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", str(tmp_path / "made" / name))
    assert images(fresh, "managed-databases-system") == {f"{REPOSITORY}:{VERSION}"}
    assert fresh("get", "databaseproject", "-o", "name").split() == ["databaseproject.manageddatabases.io/team"]


def images(kubectl: Kubectl, namespace: str) -> set[str]:
    return {
        container["image"]
        for deployment in kubectl.get("deployments", f"--namespace={namespace}")["items"]
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }


def test_what_is_not_committed_or_not_this_version_is_refused(tmp_path: Path) -> None:
    tree = committed_tree(tmp_path / "tree")
    into = f"--into={tmp_path / 'made'}"

    def refused(version: str, said: str) -> None:
        done = run_module(tree, "release", "--without-image", into, version)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert not (tmp_path / "made").exists()

    refused("7.8.10", f"the tree has the version {VERSION}")
    (tree / "stray.txt").write_text("left behind")
    refused(VERSION, "the tree is not as it was committed:\n?? stray.txt")
    (tree / "stray.txt").unlink()
    chart = tree / "helm/managed-databases-projects/Chart.yaml"
    chart.write_text(chart.read_text().replace(f"appVersion: {VERSION}", "appVersion: 7.8.8"))
    commit(tree)
    refused(VERSION, "7.8.8: helm/managed-databases-projects/Chart.yaml:6")


def test_the_version_is_the_same_everywhere() -> None:
    version = versions.version_of()
    told = {str(place.path.relative_to(TOP)) for place in versions.places()}
    wanted = {"pyproject.toml", "deploy/base/kustomization.yaml", "docs/installing.md", "docs/command-line.md"}
    assert told >= wanted | {str(path.relative_to(TOP)) for path in TOP.glob("helm/*/Chart.yaml")}
    known = {(place.path, place.line) for place in versions.places()}
    pages = [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), *TOP.glob("deploy/base/*"), *TOP.glob("helm/**/*.yaml")]
    others = [
        f"{path.relative_to(TOP)}:{number}"
        for path in pages
        if path.is_file() and not any(path.is_relative_to(TOP / each) for each in versions.HISTORY)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if version in line and (path, number) not in known
    ]
    assert others == [], "what tells the version, and `make version` would not write"


@pytest.mark.parametrize(
    "repository", ["", "registry.example.com/Team/operator", "operator:1.0", "https://a.example/b"]
)
def test_an_image_that_cannot_be_pulled_by_that_name_makes_no_release(repository: str) -> None:
    check_repository(None)
    check_repository(REPOSITORY)
    with pytest.raises(BadRepository, match="is no repository of an image"):
        check_repository(repository)


def test_the_release_of_the_workflow_names_an_image_with_a_registry(tree: Path, tmp_path: Path) -> None:
    workflow = yaml.safe_load((TOP / ".github/workflows/release.yaml").read_text())
    (step,) = [each for each in workflow["jobs"]["release"]["steps"] if each.get("run") == "make release"]
    default = re.sub(
        r"\$\{\{ vars\.IMAGE_REPOSITORY \|\| format\('(.*)\{0\}', github\.repository\) \}\}",
        r"\1us/it",
        step["env"]["ARGS"],
    )
    option, repository = default.split()
    assert (option, repository) == ("--image-repository", "ghcr.io/us/it")
    source = tmp_path / "source"
    shutil.copytree(tree, source, ignore=shutil.ignore_patterns(".git", "dist"))
    told = make_manifests(Path(find_helm()).parent / "kubectl", source, VERSION, repository, tmp_path)
    assert f"image: {repository}:{VERSION}\n" in (tmp_path / "install.yaml").read_text()
    assert "no registry" not in told["install.yaml"]


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3-rc.1", "1.2.3\n"])
def test_no_other_word_is_a_version(version: str) -> None:
    with pytest.raises(versions.BadVersion, match="is no version such as 1.2.3"):
        versions.write(version)


CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [2.0.0] - 2026-02-03\n\n### Added\n\n- B.\n\n## [1.0.0]\n\n- A.\n"


def test_notes_are_what_the_changelog_says_of_the_version() -> None:
    assert changes_of("2.0.0", CHANGELOG) == "### Added\n\n- B."
    notes = write_notes("2.0.0", "- B.", {"b": "two", "a": "one"}, {"image": "nobody made it"})
    assert (
        notes.index("no image**: nobody made it.") < notes.index("- B.") < notes.index("| `a` | one |\n| `b` | two |")
    )


@pytest.mark.parametrize(
    ("version", "said"), [("1.0.0", "no date"), ("3.0.0", "no part for 3.0.0"), ("Unreleased", "no date")]
)
def test_without_notes_there_is_no_release(version: str, said: str) -> None:
    with pytest.raises(NoNotes, match=said):
        changes_of(version, CHANGELOG)


def test_a_chart_that_is_not_right_makes_no_release(tree: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(tree / "helm", source / "helm")
    broken = source / "helm/managed-databases-operator/templates/disruption.yaml"
    broken.write_text(broken.read_text() + "{{ .Values.no.such }}\n")
    with pytest.raises(Failed, match="lint"):
        make_charts(Path(find_helm()), source, VERSION, CREATED, tmp_path)
    with pytest.raises(Failed, match=r"operator-7\.8\.8\.tgz"):
        make_charts(Path(find_helm()), tree, "7.8.8", CREATED, tmp_path)
