"""The Helm charts, packaged, with the index of a chart repository."""

import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from managed_databases.controlplane.releases import KUBE_VERSION
from release.archives import rewrite
from release.programs import Failed, run

REPOSITORY: Final = "registry.example.com/managed-databases-operator"
OPERATOR: Final = "managed-databases-operator"
CHARTS: Final[dict[str, tuple[str, ...]]] = {
    OPERATOR: (f"--set=image.repository={REPOSITORY}",),
    "managed-databases-projects": ("--set=projects[0].name=team", "--set=projects[0].region=region-1"),
}
"""Each with the values that it has no defaults for."""


def make_charts(helm: Path, source: Path, version: str, created: str, into: Path) -> dict[str, str]:
    """Package the charts of `source` and write their index; return what each file is. `created` is a time as in RFC 3339.

    Raises Failed, also when a chart is not right.
    """
    with tempfile.TemporaryDirectory(prefix="charts-") as name:
        folder = Path(name)
        for chart, values in CHARTS.items():
            run([helm, "lint", "--strict", source / "helm" / chart, *values])
            run([helm, "package", source / "helm" / chart, "--destination", folder])
            packaged = folder / f"{chart}-{version}.tgz"
            if not packaged.exists():
                raise Failed(f"helm has not made {packaged.name}")
            rewrite(packaged)
            rendered = run([helm, "template", "release", packaged, f"--kube-version={KUBE_VERSION}", *values])
            if chart == OPERATOR:
                check_image(yaml.safe_load_all(rendered), f"{REPOSITORY}:{version}", packaged.name)
            packaged.rename(into / packaged.name)
    run([helm, "repo", "index", into])
    _write_times(into / "index.yaml", created)
    files = {f"{chart}-{version}.tgz": f"the Helm chart `{chart}`" for chart in CHARTS}
    return files | {"index.yaml": "the index of a chart repository: serve it beside the charts, at any address"}


def check_image(manifests: Any, image: str, where: str) -> None:
    """Raises Failed unless there is one Deployment among the manifests, and it runs the image."""
    images = [
        container["image"]
        for manifest in manifests
        if manifest and manifest["kind"] == "Deployment"
        for container in manifest["spec"]["template"]["spec"]["containers"]
    ]
    if images != [image]:
        raise Failed(f"{where} runs {images or 'nothing'} instead of {image}")


def _write_times(index: Path, created: str) -> None:
    """helm writes the time at which it runs."""
    told = yaml.safe_load(index.read_text())
    told["generated"] = created
    for versions in told["entries"].values():
        for each in versions:
            each["created"] = created
    index.write_text(yaml.safe_dump(told))
